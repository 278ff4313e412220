"""What a model costs, for a sweep."""

import h5py
import numpy as np

from unroll.reporting.cost import cost


def test_a_cell_counts_once_a_word_and_an_embedding_only_as_parameters(tmp_path):
    weights = tmp_path / "models/rnn/model.weights.h5"
    weights.parent.mkdir(parents=True)
    with h5py.File(weights, "w") as file:
        file["layers/embedding/vars/0"] = np.zeros((5, 128))
        file["layers/simple_rnn/cell/vars/0"] = np.zeros((128, 3))
        file["layers/simple_rnn/cell/vars/1"] = np.zeros((3, 3))
        file["layers/dense/vars/0"] = np.zeros((3, 1))
        file["optimizer/vars/0"] = np.zeros(99)
    (weights.parent / "task.json").write_text('{"length": 100}')
    found = cost(tmp_path, "evaluate@rnn", {})
    assert found == {
        "parameters": 5 * 128 + 128 * 3 + 3 * 3 + 3,
        "multiply-adds": 100 * (128 * 3 + 3 * 3) + 3,
    }
