"""The commands that serve any DVC project: `python -m harness`, or under the project's own name.

Each command imports what it needs when it is called, so that `--help` and mistakes in the command
line are answered at once.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands import Commands

JOBS = click.option("--jobs", default=2, show_default=True, type=click.IntRange(1), metavar="N")
REMOTE = click.option("--remote", metavar="NAME", help="A remote of DVC, not the default one.")


@click.group(cls=Commands, name="harness", no_args_is_help=False, invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Run, check, compare and share a DVC project."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@main.command()
@JOBS
def repro(jobs: int) -> None:
    """Run the pipeline, N independent stages at once."""
    from harness import project
    from harness.running import repro
    from harness.stages import checks, dvc_file

    # First, as a misspelled parameter also makes a template fail, with a less clear message.
    project.read().check()
    checks.parameter_names(dvc_file.stages().values())
    repro.main(jobs)


@main.command("set")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def set_(file: Path) -> None:
    """Change params.yaml as FILE says, a YAML file of dotted names and values."""
    from harness.stages import overlay

    overlay.main(file)


@main.command()
@JOBS
def sweep(jobs: int) -> None:
    """Try the settings of sweep.yaml as experiments, N at once."""
    from harness.experiments import sweep

    sweep.main(jobs)


@main.command()
@click.argument("revision", default="main")
def report(revision: str) -> None:
    """Compare the work tree with REVISION: report/report.html and report.md."""
    from harness.reporting import report

    report.main(revision)


@main.command()
@JOBS
@click.option("--stage", metavar="NAME", help="Only this stage, its inputs from the cache.")
def verify(jobs: int, stage: str | None) -> None:
    """Run the last commit in a new clone and compare every byte."""
    from harness.checking import verify

    verify.main(stage, jobs)


@main.command("check-results")
def check_results() -> None:
    """Check that the committed results belong to this code; runs nothing."""
    from harness.checking import results

    results.main()


@main.command()
@REMOTE
def audit(remote: str | None) -> None:
    """Look for damage in the cache, or with --remote in a remote, and repair that."""
    if remote:
        from harness.sharing import remote as sharing

        sharing.main("audit", remote)
    else:
        from harness.checking import audit

        audit.main()


@main.command("crash-test")
@JOBS
@click.option("--kills", default=100, show_default=True, type=click.IntRange(0), metavar="K")
@click.option("--seed", type=int, help="Draw the same kills again.")
def crash_test(jobs: int, kills: int, seed: int | None) -> None:
    """Kill a pipeline again and again, resume it, compare every byte."""
    from harness.checking import crash_test

    crash_test.main(kills, seed, jobs)


@main.command()
@REMOTE
def push(remote: str | None) -> None:
    """Send what was computed here to the remote, and repair damage there."""
    from harness.sharing import remote as sharing

    sharing.main("push", remote)


@main.command()
@REMOTE
def pull(remote: str | None) -> None:
    """Fetch what others have computed for this work tree."""
    from harness.sharing import remote as sharing

    sharing.main("pull", remote)


@main.command()
def page() -> None:
    """Set up the page of `dvc plots show` so that it needs no network."""
    from harness.reporting import page

    page.main()


@main.command()
def versions() -> None:
    """Write versions.yaml from requirements.txt."""
    from harness.stages import versions

    versions.main()
