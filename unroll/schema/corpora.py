"""What `corpora.yaml` may say of sources, which are fetched, and of corpora, which are read."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Any, get_args

from pydantic import (
    Field,
    ValidationInfo,
    WrapValidator,
    create_model,
    field_validator,
    model_validator,
)

from harness.core.sections import Section
from harness.stages import validation
from unroll.core.paths import CORPORA, raw
from unroll.corpora.blocks import Block

# 64 hexadecimal digits; in quotes where they would be read as a number.
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
# Of a stage's instance and of a folder.
Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]*$")]
ABSENT: Any = None  # may be left out, not left empty


class Place(Section):
    """One that serves a file, known to the byte."""

    # The last part is the file's name on this machine, so it must be none that leads elsewhere.
    url: str = Field(
        default=ABSENT,
        pattern=r"^https?://[^\s/?#]+/([^\s?#]*/)?[^\s/?#]*\w[^\s/?#]*([?#]\S*)?$",
    )
    # name@version of npm, or name==version of PyPI
    package: str = Field(
        default=ABSENT,
        pattern=r"^((@[a-z0-9][\w.-]*/)?[a-z0-9][\w.-]*@|[A-Za-z0-9][\w.-]*==)[0-9][\w.+-]*$",
    )
    sha256: Digest
    bytes: int = Field(ge=1, le=10**12)

    @model_validator(mode="after")
    def _one_address(self) -> Place:
        if len(self.model_fields_set & {"url", "package"}) != 1:
            raise ValueError("should have either url or package")
        return self


class _Source(Section):
    """What is done with the file."""

    content: Digest = ABSENT
    members: str = Field(default=ABSENT, min_length=1)

    @model_validator(mode="after")
    def _one_way(self) -> _Source:
        if self.content and self.members:
            raise ValueError("has content, which an adapter reads, so it should not have members")
        places = getattr(self, "from").values()
        if not self.content and not self.members and any(place.package for place in places):
            raise ValueError("comes from a package, so it should have members, a pattern of files")
        return self


# `from` is no name for an attribute in Python's own syntax.
_from: Any = {"from": (dict[Name, Place], Field(min_length=1))}
_SourceBlock: Any = create_model("Source", __base__=_Source, **_from)


def _by_kind(body: Any, whole: Any) -> Any:
    """Validate a corpus by the model of its kind, so that the mistakes have no kind in their place.

    A kind and a column may have the same name, such as `text`.
    """
    kind = body.get("kind") if isinstance(body, dict) else None
    for model in get_args(get_args(Block)[0]):
        if kind in get_args(model.model_fields["kind"].annotation):
            return model.model_validate(body)
    return whole(body)


class Corpora(Section):
    """The whole file."""

    sources: dict[Name, _SourceBlock]
    corpora: dict[Name, Annotated[Block, WrapValidator(_by_kind)]]

    @field_validator("sources")
    @classmethod
    def _adapters(cls, sources: dict[str, Any]) -> dict[str, Any]:
        for name, source in sources.items():
            if source.content and not find_spec(f"unroll.corpora.{name}"):
                raise ValueError(f"{name} has content, but no adapter unroll/corpora/{name}.py")
        return sources

    @field_validator("corpora")
    @classmethod
    def _fetched(cls, corpora: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        known = info.data.get("sources")
        for name, corpus in corpora.items():
            below = corpus.path.removeprefix(f"{raw('')}/")
            if known is not None and below != corpus.path and below.split("/")[0] not in known:
                raise ValueError(f"{name}.path is {corpus.path}, but there is no such source")
        return corpora


def check() -> None:
    """Validate the file.

    Raises:
        UserError: one line per mistake: the dotted name, what is allowed, the value.
    """
    validation.check(CORPORA, Corpora)
