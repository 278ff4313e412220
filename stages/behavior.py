"""behavior: put small sentences to a model, and count by capability where it fails."""

from pathlib import Path

from harness.core.files import write_csv, write_json
from harness.core.params import Declared
from unroll.behavior import cases
from unroll.core import paths
from unroll.predicting.scorers import scorer_of
from unroll.predicting.wordings import LIKELY


def main(params: Declared, name: str, folder: str) -> None:
    tests, sentences = cases.read()
    scores = scorer_of(Path(folder))
    threshold = scores.threshold
    unsure = threshold - LIKELY * threshold, threshold + LIKELY * (1 - threshold)
    found = cases.measure(tests, scores, classes=scores.classes, threshold=threshold, unsure=unsure)
    said = scores(sentences).tolist()
    shown = {text: round(score, 4) for text, score in zip(sentences, said, strict=True)}
    write_json(paths.behavior(name), found | {"sentences": shown, "threshold": threshold})
    shares = found["capabilities"].items()
    write_csv(paths.points(name) / "behavior.csv", ("capability", "failures"), shares)
    print(f"{name}: {found['failures']:.1%} of {found['cases']} cases failed")
