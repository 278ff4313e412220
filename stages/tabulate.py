"""tabulate: bring the figures of all models into one table, which `dvc plots` can draw."""

from unroll import paths, scores
from unroll.files import read_json, write_csv
from unroll.params import Declared


def main(params: Declared) -> None:
    files = sorted(paths.metrics("*").parent.glob("*.json"))
    rows = [row for path in files for row in scores.rows(path.stem, read_json(path))]
    write_csv(scores.TABLE, scores.COLUMNS, rows)
