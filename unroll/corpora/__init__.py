"""Corpora from their sources to one table or set of arrays: download, check, parse.

Not here: anything that chooses, cuts or encodes rows, which is `preprocessing`.
"""
