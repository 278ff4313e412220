"""Use a trained model: `unroll predict --help`.

Nothing of TensorFlow is imported as long as the model is made of the layers of this project.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys

from harness.core.errors import UserError

REVIEW = """\
Say of film reviews whether they are positive. Each answer is one line: the probability, the
decision in words, the beginning of the review.

The decision is "positive" from the model's own threshold on, which was chosen on validation data.
How sure it is follows from the way of the probability from the threshold to certainty: from 80% of
it on "positive" or "negative", from 40% on "probably ...", else "unsure, leaning ...". How often
each wording was right on the test set is in docs/models/.

Reviews are the arguments, or else the lines of FILEs or of standard input, UTF-8, one review a
line, blank lines skipped; each is answered as soon as it is there. A review of several lines is
one argument: review "$(cat FILE)". A line that cannot be answered is named on standard error, the
others are answered, and the exit code is 1.

The fields of --json: line, model, probability, threshold, label (positive or negative), wording,
words_read (of a long review the last ones), words_known (of those, in the model's vocabulary), and
text, the beginning of the review."""
ENCODE = """\
Turn images of digits into the latent codes of an autoencoder, one code a line: numbers in [0, 1].

An IMAGE is a PNG or PGM file of 28x28 pixels, white on black as in MNIST, or a .npy array (28, 28)
or (n, 28, 28) of bytes or of floats in [0, 1]."""
DECODE = """\
Turn latent codes into images: shown in characters, or written to a file.

A code is the arguments, or each line of standard input as `encode` prints it, or each row of a
.npy array. Numbers from 0 to 1 are what the encoder gives; others are extrapolated."""
RECONSTRUCT = """\
Encode images of digits and decode them again: both are shown side by side with the loss (mean
binary cross-entropy, nats a pixel) and the mean squared error.

IMAGEs are the same as those of `encode`."""


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="unroll predict",
        description="Use a trained model of this project.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, summary: str, text: str, model: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=summary,
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument(
            "--model",
            default=model,
            metavar="NAME",
            help="a model of dvc.yaml, or a folder that holds one, with a slash in its name "
            f"(default: {model})",
        )
        command.add_argument(
            "--json", action="store_true", help="one JSON object a line, for scripts"
        )
        return command

    review = add("review", "score film reviews", REVIEW, "lstm")
    review.add_argument("text", nargs="*", metavar="REVIEW", help="the text of a review")
    review.add_argument(
        *("-f", "--file"),
        action="append",
        default=[],
        help="read reviews from FILE, one a line; - is standard input",
    )

    encode = add("encode", "images to latent codes", ENCODE, "ae_bilstm")
    decode = add("decode", "latent codes to images", DECODE, "ae_bilstm")
    reconstruct = add("reconstruct", "images to codes and back", RECONSTRUCT, "ae_bilstm")
    for command in (encode, reconstruct):
        command.add_argument("image", nargs="*", metavar="IMAGE")
        command.add_argument(
            "--test",
            nargs="+",
            default=[],
            metavar="ROW",
            help="rows of MNIST's test split, from 0, in data/prepared/mnist",
        )
        command.add_argument(
            "--invert", action="store_true", help="the images are dark on light, as ink on paper"
        )
    decode.add_argument("number", nargs="*", metavar="NUMBER", help="the numbers of one code")
    decode.add_argument("--codes", metavar="FILE", help="a .npy array, shape (n, latent)")
    encode.add_argument("-o", "--output", metavar="FILE", help="write the codes to FILE.npy")
    for command in (decode, reconstruct):
        command.add_argument(
            *("-o", "--output"),
            metavar="FILE",
            help="write the images: .npy of floats in [0, 1], or .png or .pgm, side by side",
        )
    return top


def main(arguments: list[str]) -> int:
    """Run one command; the exit code.

    Raises:
        UserError: an argument, an input or a file of the model is not as it must be.
    """
    options = parser().parse_args(arguments)
    # Before NumPy is imported. The products are small: threads wait longer than they compute.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    # An excerpt may hold any character, the terminal's encoding may not.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if options.command == "review":
        from unroll.predicting import review_command

        return review_command.run(options)
    from unroll.predicting import image_commands

    return image_commands.run(options)


def command(arguments: list[str]) -> None:
    """Run one command and end the process."""
    # Ctrl-C and a closed pipe end a filter at once and without a word.
    for _number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(_number, signal.SIG_DFL)
    try:
        _code = main(arguments)
        sys.stdout.flush()
        sys.exit(_code)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        place = error.filename or "standard input or output"
        print(f"error: {place}: {error.strerror}", file=sys.stderr)
        # Not sys.exit, which would try once more to write what is left.
        os._exit(1)
