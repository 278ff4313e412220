"""What the project says of its own results: README's table and the model cards.

Not here: comparisons between revisions, which serve any project, in the harness.
"""
