"""Files of a folder with their splits, and folders that hold a folder of files a class."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.core.errors import UserError
from unroll.corpora.blocks import Text
from unroll.corpora.opening import suffix, text
from unroll.corpora.rows import SPLITS, Classes, Row, has_classes
from unroll.corpora.tables import MOST_CHARACTERS

_SPLIT = re.compile(r"(?<![a-z])(train|test|t10k)")
Files = list[tuple[Path, str | None]]
ClassFiles = list[tuple[Path, str | None, str | None]]  # with the class and the split of each


def split_of(name: str) -> str | None:
    """`train` or `test` as a name says it, such as `X_TRAIN.ts`, else None."""
    found = {match.replace("t10k", "test") for match in _SPLIT.findall(name.casefold())}
    return found.pop() if len(found) == 1 else None


def files(path: Path, wanted: Callable[[Path], bool]) -> Files:
    """Wanted files with their splits, by name: `path` itself, or those of the folder.

    The splits are the names of the folders `train` and `test` in it, or what the files' names say,
    where there are files of both; a `UserError` where some say neither.
    """
    if not path.is_dir():
        return [(path, None)] if wanted(path) else []
    found: Files = [
        (file, split or split_of(file.name))
        for folder, split in _split_folders(path)
        for file in sorted(folder.glob("[!.]*"))
        if file.is_file() and wanted(file)
    ]
    if not {split for _, split in found}.issuperset(SPLITS):
        return [(file, None) for file, _ in found]
    for file, split in found:
        if split is None:
            raise UserError(
                f"{file}: its name says neither train nor test, as the others do; rename it, or "
                "move it elsewhere"
            )
    return sorted(found, key=lambda entry: entry[1] != "train")


def _split_folders(path: Path) -> Files:
    """The folders `train` and `test` in a folder where it has both, else the folder itself."""
    folders = {folder.name.casefold(): folder for folder in path.iterdir() if folder.is_dir()}
    both = folders.keys() >= set(SPLITS)
    return [(folders[split], split) for split in SPLITS] if both else [(path, None)]


def class_files(path: Path, classes: bool, suffixes: set[str]) -> ClassFiles:
    """Files with the name of their class's folder and their split, by split, class and name.

    Args:
        path: the folder that holds the classes' folders, or `train` and `test` of them.
        classes: whether there are classes; else all files at any depth count, without a label.
        suffixes: of the files to read; where none has one of them, all files that are not hidden.
    """
    found = [
        (file, entry.name if classes else None, split)
        for folder, split in _split_folders(path)
        for entry in (sorted(folder.glob("[!.]*/")) if classes else [folder])
        for file in sorted(entry.rglob("[!.]*"))
        if file.is_file()
    ]
    if not found:
        raise UserError(
            f"{path}: no folder with files in it, expected one a class; move the files of each "
            "class into a folder of its name, or say `label: null` in corpora.yaml"
        )
    return [entry for entry in found if suffix(entry[0]) in suffixes] or found


def text_files(block: Text, path: Path) -> ClassFiles:
    """The files of a folder a class of texts."""
    return class_files(path, has_classes(block), {".txt"})


def texts(block: Text, found: ClassFiles) -> Iterator[Row]:
    """The texts of some of its files, one a file."""
    classes = Classes(block)
    for file, label, split in found:
        with text(file, block.encoding) as stream:
            content = stream.read(MOST_CHARACTERS + 1)
        if len(content) > MOST_CHARACTERS:
            raise UserError(
                f"{file}: more than {MOST_CHARACTERS:,} characters, expected one text a file; "
                "divide it, or leave it out"
            )
        yield Row(content if content.strip() else "", classes.name(label, str, file), split)
