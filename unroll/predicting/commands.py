"""The commands of `unroll predict` and their options.

A command imports its code when it is called, so `--help` is immediate. TensorFlow is imported only
for a model with layers that this project does not use.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import click

from harness.commands import Commands


class Filter(Commands):
    """Commands that behave as filters do: Ctrl-C and a closed pipe end them without a word."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command; the exit code."""
        # Before NumPy is imported. The products are small: threads would wait longer than compute.
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, "1")
        # Most of a short run is imports, whose objects stay: garbage collection takes 5% of it.
        gc.set_threshold(1_000_000)
        # An excerpt may have characters that the encoding of the terminal lacks.
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        for number in (signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        try:
            code = super().invoke(context)
            sys.stdout.flush()
        except OSError as error:
            place = error.filename or "standard input or output"
            print(f"error: {place}: {error.strerror}", file=sys.stderr)
            # Not sys.exit, which would try again to write the rest.
            os._exit(1)
        return code


def model(default: str) -> Callable[..., Any]:
    """The option `--model`."""
    return click.option(
        *("--model", "name"),
        default=default,
        show_default=True,
        metavar="NAME",
        help="A model of dvc.yaml, or a folder that holds one, with a slash in its name.",
    )


JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
IMAGES = click.argument("images", nargs=-1, metavar="IMAGE...")
TEST = click.option(
    "--test",
    is_flag=True,
    help="Each IMAGE is a row of MNIST's test split, from 0, in data/prepared/mnist.",
)
INVERT = click.option(
    "--invert", is_flag=True, help="The images are dark on light, as ink on paper."
)
PICTURE = click.option(
    *("-o", "--output"),
    metavar="FILE",
    help="Write the images: .npy of floats in [0, 1], or .png or .pgm, side by side.",
)


@click.group(cls=Filter, no_args_is_help=False, invoke_without_command=True)
@click.pass_context
def predict(context: click.Context) -> None:
    """Use a trained model."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@predict.command()
@click.argument("texts", nargs=-1, metavar="[REVIEW]...")
@click.option(
    *("-f", "--file", "files"),
    multiple=True,
    metavar="FILE",
    help="Read reviews from FILE, one a line; - is standard input. May be given several times.",
)
@model("lstm")
@JSON
def review(**options: Any) -> int:
    """Score film reviews: are they positive?

    Each answer is one line: the probability, the decision in words, the beginning of the review.

    The decision is "positive" if the probability reaches the model's own threshold, which was
    chosen on validation data. The words say how far the probability has come from the threshold
    toward certainty: at 80% of the way "positive" or "negative", at 40% "probably ...", else
    "unsure, leaning ...". docs/models/ says how often each wording was right on the test set.

    Reviews are the arguments, or else the lines of FILEs or of standard input, one review a line,
    in UTF-8, or in UTF-16 that begins with a byte order mark. Blank lines are skipped. Each review
    is answered as soon as it arrives. A review of several lines is one argument: review "$(cat
    FILE)". One that begins with a dash goes after --. If a line cannot be answered, standard error
    names it, the others are answered, and the exit code is 1.

    The fields of --json: line, model, probability, threshold, label (positive or negative),
    wording, words_read (of a long review the last ones), words_known (of those, in the model's
    vocabulary), and text, the beginning of the review.
    """
    from unroll.predicting import review_command

    return review_command.review(**options)


@predict.command()
@IMAGES
@TEST
@INVERT
@click.option("-o", "--output", metavar="FILE", help="Write the codes to FILE.npy.")
@model("ae_bilstm")
@JSON
def encode(**options: Any) -> None:
    """Encode images of digits as latent codes.

    Each code is one line of numbers in [0, 1].

    An IMAGE is a PNG or PGM file of 28x28 pixels, white on black as in MNIST, or a .npy array (28,
    28) or (n, 28, 28) of bytes or of floats in [0, 1].
    """
    from unroll.predicting import image_commands

    image_commands.encode(**options)


# A number may be negative, which is no option.
@predict.command(context_settings={"ignore_unknown_options": True})
@click.argument("numbers", nargs=-1, metavar="[NUMBER]...")
@click.option("--codes", metavar="FILE", help="A .npy array, shape (n, latent).")
@PICTURE
@model("ae_bilstm")
@JSON
def decode(**options: Any) -> None:
    """Decode latent codes into images.

    They are shown in characters, or written to a file. The NUMBERs are one code. Without them, each
    line of standard input is a code, as `encode` prints it, or each row of --codes. The encoder
    gives numbers from 0 to 1; others are extrapolated.
    """
    from unroll.predicting import image_commands

    image_commands.decode(**options)


@predict.command()
@IMAGES
@TEST
@INVERT
@PICTURE
@model("ae_bilstm")
@JSON
def reconstruct(**options: Any) -> None:
    """Encode images of digits and decode them again.

    Shows both images side by side with the loss (mean binary cross-entropy, in nats a pixel) and
    the mean squared error. An IMAGE is the same as for `encode`.
    """
    from unroll.predicting import image_commands

    image_commands.reconstruct(**options)
