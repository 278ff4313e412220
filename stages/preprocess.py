"""preprocess: turn a corpus into arrays, split it, and choose the rows that validate."""

from pydantic import TypeAdapter

from harness.core.params import Declared
from harness.core.yaml import read_yaml
from unroll.core.paths import CORPORA
from unroll.corpora.blocks import Block
from unroll.preprocessing.corpus import prepare


def main(params: Declared, corpus: str) -> None:
    block = TypeAdapter(Block).validate_python(read_yaml(CORPORA)["corpora"][corpus])
    found = prepare(corpus, block)
    rows, left_out = found["rows"], found["left_out"]
    print(f"{corpus}: {rows['train']:,} rows train, {rows['test']:,} test", end="")
    print(f"; left out: {left_out['empty']} empty, {left_out['without_label']} without a label")
    if both := found.get("copies", {}).get("both"):
        print(f"{corpus}: {both:,} texts are in both splits")
