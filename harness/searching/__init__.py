"""Searches: trials drawn from a space of parameters, cut short where hopeless, and their winner.

Not here: how one setting runs and is kept, which is in `experiments`; the sampler is Optuna's.
"""
