"""The files of any DVC project that the harness reads or writes, relative to the project's root."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path("pyproject.toml")
PARAMS = Path("params.yaml")
PIPELINE = Path("dvc.yaml")
LOCK = Path("dvc.lock")
VERSIONS = Path("versions.yaml")

# The one folder that stages may write to beside their outputs; ignored by git and DVC.
SCRATCH = Path("scratch")


def unfinished(stage: str) -> Path:
    """Where an interrupted run of a stage keeps what it resumes from, a folder per computation."""
    return SCRATCH / "unfinished" / file_name(stage)


def file_name(stage: str) -> str:
    """A stage's name as that of a file: an instance's name may be any text, such as a path."""
    return stage.replace("/", "%2F")
