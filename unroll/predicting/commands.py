"""The command `unroll predict` and its options.

It imports its code when it is called, so `--help` is immediate. TensorFlow is imported only for a
model with layers that have no operator in ONNX here.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import Any

import click

# Chosen by the validation AUC, and among near ones by the failures in docs/behavior.md.
DEFAULT = "ngru"


class Filter(click.Command):
    """A command that behaves as filters do: Ctrl-C and a closed pipe end it without a word."""

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


@click.command(cls=Filter)
@click.argument("model", default=DEFAULT)
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option(
    *("-f", "--file", "files"),
    multiple=True,
    metavar="FILE",
    help="Read texts from FILE, one a line; - is standard input. May be given several times.",
)
@click.option(
    *("--table", "tables"),
    multiple=True,
    metavar="FILE",
    help="Read texts from the columns of FILE: CSV, TSV, JSON Lines or Parquet.",
)
@click.option(
    "--test", is_flag=True, help="Each INPUT is a row of the prepared test split, from 0."
)
@click.option("--invert", is_flag=True, help="The images are dark on light, as ink on paper.")
@click.option("--codes", "wanted", flag_value="codes", help="Encode: print each INPUT's code.")
@click.option(
    *("--rebuild", "wanted"),
    flag_value="rebuild",
    help="Encode and decode each INPUT: print the error. An autoencoder's default.",
)
@click.option(
    *("--decode", "wanted"),
    flag_value="decode",
    help="INPUT is a code: its numbers, or a .npy file of shape (n, latent).",
)
@click.option(
    *("-o", "--output"),
    metavar="FILE",
    help="Write the answers: .npy; of images also .png or .pgm, side by side.",
)
@click.option(
    "--explain",
    is_flag=False,
    flag_value="-",
    metavar="[FILE.html]",
    help="Say what each word of a text contributes: below the answer, or in FILE.html.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
def predict(model: str, inputs: tuple[str, ...], **options: Any) -> int:
    """Use a trained model: MODEL is one of params.yaml, or a folder that holds one, with a slash.

    It may also be a baseline of texts, by corpus and method, such as imdb_nb-trigrams.

    Without MODEL, that is where the first word is a text of several words, or missing, the film
    reviews' best model answers: of those, it fails least on the small sentences of behavior.yaml.

    A model of texts reads each INPUT, or else the lines of FILEs or of standard input, one text a
    line, in UTF-8, or in UTF-16 that begins with a byte order mark. Blank lines are skipped. Each
    text is answered as soon as it arrives. A text of several lines is one INPUT: "$(cat FILE)".
    INPUT that begins with a dash goes after --. If a line cannot be answered, standard error names
    it, the others are answered, and the exit code is 1.

    Other models read files: of images, PNG, JPEG and PGM of the size that the model knows, and
    .npy of bytes or of floats in [0, 1]; of images and of series, every format that `unroll add`
    knows. A series is scaled as those that the model learned from.

    Of two classes, an answer has the probability of the second one and the decision in words. The
    second class is taken if its probability reaches the model's own threshold, which was chosen
    on validation data. The words say how far the probability has come from the threshold toward
    certainty: at 80% of the way the name of a class, at 40% "probably ...", else "unsure, leaning
    ...". docs/models/ says how often each wording was right on the test set. Of more classes, it
    has the most probable one and the next, each with its probability.

    An autoencoder answers with the error of the reconstruction: high where an INPUT is unlike what
    it has learned. Of images it is also the mean binary cross-entropy, in nats a pixel.

    With --explain, which goes to the end, an answer says how much each word adds to the log-odds of
    the second class, or of the most probable one of more: exactly, of ngru and of baselines; of
    other models, by how much they fall when an unknown word stands in its place. A terminal shows
    the words in color, blue for and orange against.

    With --json, an answer on classes also has all probabilities, and one on texts says how many
    words are read (of a long text the last ones), and how many of those the model knows.
    """
    from unroll.predicting.answers import predict

    if " " in model and not os.path.isdir(model):
        model, inputs = DEFAULT, (model, *inputs)
    return predict(model, inputs, **options)
