"""The real project in a temporary folder, on corpora so small that a whole run takes a minute."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

# As `tests.small`, which the crash test imports, it does not find its neighbors.
sys.path.insert(0, str(Path(__file__).parent))

from conftest import (
    ROOT,
    official_imdb,
    official_mnist,
    output_of,
    sha256,
    small_images,
    small_reviews,
)
from fewer import keep
from ruamel.yaml import YAML

from harness.stages import lock_file, overlay
from unroll.corpora import imdb, mnist

CHAPTER = ("rnn", "lstm", "ae_lstm", "ae_bilstm")
SMALL = {
    **{
        f"models.{model}.{key}": value
        for model in ("rnn", "lstm")
        for key, value in {"vocabulary": 60, "skip_top": 2, "length": 16, "embedding": 4}.items()
    },
    **{
        f"models.ngru.{key}": value
        for key, value in {"units": 2, "length": 32, "least_count": 3, "batch": 16}.items()
    },
    "models.ae_lstm.epochs": 8,  # of 20 steps: until a code of two numbers tells anything
    "evaluate.resamples": 50,
    "evaluate.sample": 50,
}


class Clone:
    """A copy of the project with git and DVC in it, on small corpora."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def made(cls, folder: Path) -> Clone:
        """A new one, in which no stage has run."""
        self = cls(folder)
        for name in self.run(
            "git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"
        ).split("\0"):
            if (
                name
                and not name.startswith(("tests/", "metrics/", "plots/"))
                and name != "dvc.lock"
            ):
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes((ROOT / name).read_bytes())
        self.shrink()
        self.run("git", "init", "-q", "-b", "main")
        self.commit("small corpora")
        return self

    def copied(self, folder: Path) -> Clone:
        """A copy of it, results and cache included."""
        return Clone(Path(shutil.copytree(self.folder, folder, symlinks=True)))

    def run(self, *command: str, code: int = 0) -> str:
        """Standard output and error of a command that must end with `code`."""
        return output_of(command, self.folder, {"CUDA_VISIBLE_DEVICES": ""}, code)

    def repro(self, *arguments: str) -> list[str]:
        """The stages that `dvc repro` ran, in order."""
        lines = self.run("dvc", "repro", *arguments).splitlines()
        return [line.split("'")[1] for line in lines if line.startswith("Running stage")]

    def commit(self, message: str) -> None:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
        self.run("git", "add", "-A")
        self.run("git", *identity, "commit", "-q", "-m", message)

    def set(self, place: str, value: object) -> None:
        """Change one parameter."""
        self.edit("params.yaml", {place: value})

    def edit(self, name: str, changes: dict) -> None:
        """Change entries of a YAML file, by dotted names."""
        yaml = YAML()
        body = yaml.load(self.folder / name)
        assert overlay.assign(body, changes) == []
        yaml.dump(body, self.folder / name)

    def shrink(self) -> None:
        """Small corpora by hand in the folder of downloads, small models, few epochs."""
        downloads = self.folder / "scratch/downloads"
        downloads.mkdir(parents=True)
        reviews, images = small_reviews(150), small_images(400, 100)
        archives: dict[str, Any] = {
            "imdb": (downloads / "aclImdb_v1.tar.gz", official_imdb, reviews, imdb),
            "mnist": (downloads / "mnist.npz", official_mnist, images, mnist),
        }
        for corpus, (path, write, content, module) in archives.items():
            write(path, content)
            self.edit(
                "corpora.yaml",
                {
                    f"sources.{corpus}.from.official.sha256": sha256(path),
                    f"sources.{corpus}.from.official.bytes": path.stat().st_size,
                    f"sources.{corpus}.content": module.content_digest(
                        module.read(path, "official")
                    ),
                    f"corpora.{corpus}.validation": 0.2,
                },
            )
        settings = {
            "units": 8,
            "epochs": 2,
            "batch": 16,
            "optimizer": {"name": "adam", "learning_rate": 0.02, "weight_decay": 0.004},
        }
        keep(self.folder, *CHAPTER, "ngru")
        # One model and one baseline are judged, which shows as much.
        pipeline = self.folder / "dvc.yaml"
        judged = "    ngru: {corpus: imdb, folder: models/ngru}\n"
        text = re.sub(r"(?<=- judged: &judged\n)(    .*\n)+", judged, pipeline.read_text())
        text = re.sub(r"    imdb_nb-trigrams: .*\n", "", text)
        pipeline.write_text(text)
        changes = {f"models.{m}.{k}": v for m in CHAPTER for k, v in settings.items()}
        self.edit("params.yaml", changes | SMALL)


def make(folder: Path) -> None:
    """The small project for the crash test, with epochs enough to be killed between them."""
    folder.mkdir()
    clone = Clone.made(folder)
    for model in (*CHAPTER, "ngru"):
        clone.set(f"models.{model}.epochs", 6)
    clone.commit("more epochs")


def nothing_run(clone: Path, folder: Path) -> Path:
    """A copy of a project in which no stage has run; the corpora lie where `fetch` looks."""
    shutil.copytree(clone, folder, symlinks=True)
    for name in ("data/raw", "data/prepared", "data/evaluated", "models", "metrics", "plots"):
        shutil.rmtree(folder / name)
    for name in (".dvc/cache", ".dvc/tmp", "scratch/unfinished"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "dvc.lock").unlink()
    return folder


def outputs(folder: Path) -> dict[str, str]:
    """The MD5 of every output, by path, as DVC recorded it."""
    entries = lock_file.entries(folder).values()
    return {out["path"]: out["md5"] for entry in entries for out in entry["outs"]}
