"""The commands that serve any DVC project: `python -m harness`, or under the project's own name.

Each command imports what it needs when it is called, so that `--help` and mistakes in the command
line are answered at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.commands import Commands

JOBS = click.option("--jobs", default=2, show_default=True, type=click.IntRange(1), metavar="N")
ON = click.option(
    "--on", type=click.Choice(["slurm", "ray"]), help="As jobs of this engine; see cluster.yaml."
)
AGAIN = click.option(
    "--again", is_flag=True, help="Also what has failed or was cancelled on a cluster."
)
REMOTE = click.option("--remote", metavar="NAME", help="A remote of DVC, not the default one.")


@click.group(cls=Commands, name="harness", no_args_is_help=False, invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Run, check, compare and share a DVC project."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@main.command()
@JOBS
@ON
@AGAIN
def repro(jobs: int, on: str | None, again: bool) -> None:
    """Run the pipeline, N independent stages at once, or on a cluster."""
    from harness import project
    from harness.running import repro
    from harness.stages import checks, dvc_file

    # First, as a misspelled parameter also makes a template fail, with a less clear message.
    project.read().check()
    checks.parameter_names(dvc_file.stages().values())
    if on:
        from harness.cluster import stages

        stages.main(on, jobs, again)
    else:
        repro.main(jobs)


@main.command("set")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def set_(file: Path) -> None:
    """Change params.yaml as FILE says, a YAML file of dotted names and values."""
    from harness.stages import overlay

    overlay.main(file)


def elsewhere(what: str, on: str | None, again: bool) -> Any:
    """What runs settings on an engine, a function of `harness.cluster.driver`; None without one."""
    if not on:
        return None
    from harness.cluster import driver, trials

    found = trials.searching if what == "searching" else getattr(driver, what)
    return found(on, again)


@main.command()
@JOBS
@ON
@AGAIN
@click.option("--search", metavar="NAME", help="Search a space of search.yaml instead.")
def sweep(jobs: int, on: str | None, again: bool, search: str | None) -> None:
    """Try the settings of sweep.yaml as experiments, N at once, or on a cluster."""
    if search:
        from harness.searching import search as searching

        searching.main(search, jobs, elsewhere("searching", on, again))
    else:
        from harness.experiments import sweep

        sweep.main(jobs, elsewhere("sweeping", on, again))


@main.command()
@click.argument("commit")
@click.option("--setting", metavar="NAME", help="A setting of sweep.yaml, or default.")
@click.option("--stage", metavar="NAME", help="A stage, after those before it.")
@click.option("--seed", type=int, help="With --stage: as an experiment with this seed.")
@click.option("--changes", metavar="JSON", help="With --stage: with these parameters, as ...")
@click.option("--name", metavar="NAME", help="With --changes: ... this experiment.")
@REMOTE
@click.option("--git", "git_remote", metavar="NAME", help="The remote of git; default: origin.")
@AGAIN
def job(
    commit: str,
    setting: str | None,
    stage: str | None,
    seed: int | None,
    changes: str | None,
    name: str | None,
    remote: str | None,
    git_remote: str | None,
    again: bool,
) -> None:
    """Do one job of a sweep or of the pipeline, on any machine; Slurm and Ray call this."""
    from harness.cluster import job, task

    asked = task.Asked(setting, stage, seed, changes, name)
    done = task.task_of(asked)
    if told := job.told():
        from harness.cluster import cluster_file, working

        working.main(done, told, asked, again, cluster_file.read())
    else:
        job.main(commit, done.name, remote, git_remote)


@main.command()
@ON
@click.option("--follow", metavar="NAME", help="Print the log of this job as it grows.")
def jobs(on: str | None, follow: str | None) -> None:
    """List the jobs of the last commit: state, node, since when, last line."""
    from harness.cluster import listing

    listing.follow(on, follow) if follow else listing.show(on)


@main.command()
@ON
@click.argument("names", nargs=-1, metavar="[NAME]...")
def cancel(on: str | None, names: tuple[str, ...]) -> None:
    """End jobs of the last commit, by default all that are not over."""
    from harness.cluster import listing

    listing.cancel(on, names)


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
