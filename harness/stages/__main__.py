"""`python -m harness.stages NAME [ARGUMENT ...]` runs one stage, as `dvc.yaml` does."""

from harness.core.environment import require_packages

require_packages()

from harness.stages.run import command  # noqa: E402

command()
