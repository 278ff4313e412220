"""`python -m harness.stages NAME [ARGUMENT ...]` runs one stage, as `dvc.yaml` does."""

from harness.stages.run import command

command()
