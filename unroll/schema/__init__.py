"""What `params.yaml` and `corpora.yaml` may say, with types and ranges.

Not here: how a mistake is reported, which is the harness's, and what a value does.
"""
