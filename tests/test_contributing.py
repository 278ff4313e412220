"""CONTRIBUTING.md, followed word by word: a corpus and an architecture more, from file to card."""

import json
import re

import numpy as np
from conftest import ROOT
from fewer import keep

WORDS = {
    "billing": ["invoice", "vat", "charge", "refund"],
    "login": ["password", "reset", "locked", "account"],
    "bug": ["crash", "error", "freeze", "button"],
}


def fences(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def tickets() -> str:
    """A table of 150 tickets of three categories, each with words of its own."""
    draw = np.random.default_rng(0)
    rows = [
        f"{' '.join(draw.choice(own, 3))},{' '.join(draw.choice([*own, 'my'], 6))},{category}"
        for _ in range(50)
        for category, own in WORDS.items()
    ]
    return "\n".join(["subject,message,category", *rows, ""])


def test_a_corpus_and_an_architecture_are_added_as_it_says(clone, folder):
    copy = clone.copied(folder / "project")
    keep(copy.folder, "lstm")
    copy.commit("one model")
    (copy.folder / "tickets.csv").write_text(tickets())
    text = (ROOT / "CONTRIBUTING.md").read_text()
    [add, use] = fences(text, "sh")
    [code] = fences(text, "python")
    [block, line] = fences(text, "yaml")
    assert "unroll add" in add

    copy.run("sh", "-ec", add.replace("unroll ", "python -m unroll "))
    head, _, body = code.partition("\n")
    (copy.folder / head.removeprefix("# ")).write_text(body)
    for part, after in ((block, "models:\n"), (line, "- lstm: &lstm\n")):
        head, _, body = part.partition("\n")
        path = copy.folder / re.findall(r"\w+\.yaml", head)[0]
        assert path.read_text().count(after) == 1
        path.write_text(path.read_text().replace(after, after + body))
    copy.set("models.tickets_lstm.epochs", 12)

    said = copy.run("sh", "-ec", use.replace("unroll ", "python -m unroll "))
    assert "billing" in said
    for name in ("tickets_lstm", "tickets_pooled_gru"):
        metrics = json.loads((copy.folder / f"metrics/{name}.json").read_text())
        assert metrics["accuracy"] > 0.9 > metrics["majority"]
        assert {path.name for path in (copy.folder / f"plots/figures/{name}").iterdir()} == {
            *("confusion.png", "errors.png", "loss.png", "roc.png")
        }
        card = (copy.folder / f"docs/models/{name}.md").read_text()
        assert "billing" in card
        assert "review" not in card
    assert (copy.folder / "tickets.onnx").stat().st_size > 1000
    # The other model has trained again, as the folder of architectures has changed, and nothing of
    # its files is new.
    changed = copy.run("git", "diff", "--name-only", "--", ":!docs").split()
    files = ["README.md", "corpora.yaml", "dvc.lock", "dvc.yaml", "params.yaml", "processor.yaml"]
    assert changed == files
