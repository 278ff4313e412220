"""Runs, checks, compares and shares any DVC project; `[tool.harness]` says what it must know.

Not here: anything that knows a model, a corpus or a metric; it never imports a project.
"""
