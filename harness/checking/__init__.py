"""Whether results are what they claim: a new run in a clone, digests, crash tests.

Not here: what is checked at every run, which is in `stages`.
"""
