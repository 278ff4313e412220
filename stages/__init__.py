"""The stages of the pipeline, one script each; `dvc.yaml` says when they run."""
