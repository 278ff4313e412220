"""The models as artifacts, fetched by name into another folder and used there."""

import json
import os

from conftest import BAD, GOOD, output_of


def test_a_released_model_is_fetched_by_name_and_predicts(clone, folder):
    tag = ("git", "-c", "user.name=Test", "-c", "user.email=test@localhost", "tag")
    clone.run(*tag, "-a", "lstm@v1.0.0", "-m", "lstm")
    try:
        clone.run("dvc", "artifacts", "get", ".", "lstm", "-o", str(folder / "lstm"))
    finally:
        clone.run("git", "tag", "-d", "lstm@v1.0.0")
    names = {path.name for path in (folder / "lstm").iterdir()}
    assert names == {path.name for path in (clone.folder / "models/lstm").iterdir()}
    answers = [
        json.loads(
            clone.run(
                "python", "-m", "unroll", "predict", "review", "--json", "--model", model, text
            )
        )["probability"]
        for text in (" ".join(GOOD + GOOD), " ".join(BAD + BAD))
        for model in ("lstm", f"{folder / 'lstm'}{os.sep}")
    ]
    assert answers[0] == answers[1] > answers[2] == answers[3]
    assert output_of(["git", "status", "--porcelain"], clone.folder, {}, 0) == ""
