"""Running the pipeline: stages side by side, their processes, and repair after a kill.

Not here: how one stage is checked, and runs in other folders.
"""
