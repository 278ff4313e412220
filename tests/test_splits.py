"""Which rows of a corpus test and validate, where windows of a signal overlap."""

import numpy as np
import pytest

from unroll.core.datasets import about, read
from unroll.core.paths import prepared
from unroll.corpora.blocks import Series
from unroll.preprocessing.corpus import prepare


@pytest.mark.parametrize("signals", [1, 40])
def test_no_window_of_a_signal_is_on_both_sides_of_the_split(folder, signals):
    rows = [f"{s},{t},{s * 100 + t}" for s in range(signals) for t in range(400 // signals)]
    (folder / "a.csv").write_text("\n".join(["series,t,v", *rows]))
    given = {"series": "series"} if signals > 1 else {"values": ["v"]}
    block = Series(kind="series", path="a.csv", step="t", window=4, scale="none", **given)
    prepare("a", block)
    train, test = (read("a", split).padded(4, 0)[:, 0, 0] for split in ("train", "test"))
    held = np.load(prepared("a") / "validation.npy")
    assert about("a").stride == (signals == 1)
    if signals == 1:
        assert train.max() < test.min()
        assert held.tolist() == list(range(len(train)))[-len(held) :]
    else:
        sides = [np.delete(train, held), train[held], test]
        numbers = [set(side // 100) for side in sides]
        assert [len(number) for number in numbers] == [29, 3, 8]
        assert len(set().union(*numbers)) == signals


def test_windows_of_labeled_steps_are_chosen_by_class_where_the_last_ones_have_one(folder):
    rows = [f"{t},{t},{'a' if t < 300 else 'b'}" for t in range(400)]
    (folder / "a.csv").write_text("\n".join(["t,v,label", *rows]))
    block = Series(kind="series", path="a.csv", step="t", window=4, label="label")
    found = prepare("a", block)
    assert min(found["test_classes"].values()) > 0
    assert about("a").stride == 0
    found = prepare("a", block.model_copy(update={"normal": "a"}))
    assert found["test_classes"] == {"a": 0, "b": 79}
