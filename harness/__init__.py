"""Runs, checks, compares and shares any DVC project; beside the folders lies what they all use.

Not here: anything that knows a model, a corpus or a metric; it never imports a project.
"""
