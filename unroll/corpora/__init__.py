"""Corpora of every kind and format: download, check, and read as chunks of rows.

Not here: anything that splits, scales or encodes rows, which is `preprocessing`.
"""
