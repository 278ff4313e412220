"""The stages of the pipeline, one script each; `dvc.yaml` says when they run.

Not here: what two scripts share, which is in `unroll`.
"""
