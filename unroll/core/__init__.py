"""What every stage shares: where artifacts lie, arrays in files, prepared data, progress bars.

Not here: anything that only one step of the pipeline uses.
"""
