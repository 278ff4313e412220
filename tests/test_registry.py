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
    command = ("python", "-m", "unroll", "predict", "--json")
    texts = (" ".join(GOOD + GOOD), " ".join(BAD + BAD))
    answers = []
    for model in ("lstm", f"{folder / 'lstm'}{os.sep}"):
        lines = clone.run(*command, model, *texts).splitlines()
        answers.append([json.loads(line)["probability"] for line in lines])
    assert answers[0] == answers[1]
    assert answers[0][0] > answers[0][1]
    assert output_of(["git", "status", "--porcelain"], clone.folder, {}, 0) == ""
