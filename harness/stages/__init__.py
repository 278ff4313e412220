"""One stage: what `dvc.yaml` declares of it, what it reads, whether its result may count.

Not here: the order of the stages, and what a stage computes.
"""
