"""The command `unroll`: those of the harness, and what is done with trained models."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from harness import cli
from harness.commands import Commands
from unroll import __version__
from unroll.adding.command import add
from unroll.predicting.commands import predict


@click.group(
    cls=Commands,
    name="unroll",
    no_args_is_help=False,
    invoke_without_command=True,
    epilog="""Completion in bash: eval "$(_UNROLL_COMPLETE=bash_source unroll)"; likewise zsh_source
    and fish_source.""",
)
@click.version_option(__version__, prog_name="unroll")
@click.pass_context
def main(context: click.Context) -> None:
    """Recurrent networks on real corpora, as a reproducible pipeline."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _name, _command in cli.main.commands.items():
    main.add_command(_command, _name)


@main.command()
def readme() -> None:
    """Write the results tables of README.md, the cards in docs/models/, and what models do."""
    from unroll.reporting import cards, judged, readme, seeds

    readme.main()
    cards.main()
    judged.main()
    for line in seeds.stale():
        click.echo(line)


@main.command()
@click.argument("count", type=click.IntRange(2))
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@cli.JOBS
@cli.ON
@cli.AGAIN
def seeds(count: int, models: tuple[str, ...], jobs: int, on: str | None, again: bool) -> None:
    """Train models, by default all, with COUNT seeds: metrics/seeds.json."""
    from unroll.reporting import seeds

    seeds.main(count, models, jobs, cli.elsewhere("seeding", on, again))


@main.command()
@click.argument("model")
@click.argument("file", metavar="FILE.onnx", type=click.Path(path_type=Path))
def export(model: str, file: Path) -> None:
    """Write a trained model as an ONNX file, which programs without Keras run.

    MODEL is one of params.yaml, or a folder that holds one, with a slash in its name. The file's
    description says what goes in and comes out; its metadata have what else is to be known, as
    JSON: task, classes, threshold, scale, vocabulary.
    """
    from unroll.exporting.export import export
    from unroll.predicting.model import folder

    export(folder(model), file)


main.add_command(add)
main.add_command(predict)


def script() -> None:
    """The command `unroll` in the environment's `bin`: the same as `python -m unroll`.

    In another clone of this repository it runs that clone's code, as the stages there do.
    """
    here = Path("unroll/cli.py")
    if here.exists() and not here.samefile(__file__):
        os.execv(sys.executable, [sys.executable, "-m", "unroll", *sys.argv[1:]])  # noqa: S606
    main(prog_name="unroll")
