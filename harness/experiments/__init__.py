"""Sweeps and seeds: settings to try, each run in a copy of the project, kept as an experiment.

Not here: what a setting means, which only the project knows.
"""
