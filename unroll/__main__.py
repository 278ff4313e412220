"""`python -m unroll`, the same as the command `unroll`."""

from harness.core.environment import require_packages

require_packages()

from unroll.cli import main  # noqa: E402

main(prog_name="unroll")
