"""From arrays to weights: the loop, steps, schedules, checkpoints, the decision threshold.

Not here: layers, and how words became numbers.
"""
