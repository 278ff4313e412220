"""What people read: the page of plots, the report of what differs, the style of pictures.

Not here: the measuring, and texts about a model, which are the project's.
"""
