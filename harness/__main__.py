"""`python -m harness`."""

from harness.core.environment import require_packages

require_packages()

from harness.cli import main  # noqa: E402

main(prog_name="python -m harness")
