"""Running the pipeline: stages side by side, processes that end with it, and repair after a kill.

Not here: how one stage is checked, and runs in other folders.
"""
