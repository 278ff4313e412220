"""fetch: bring a corpus here from the first source that serves it, verify it, write it."""

from types import ModuleType

from harness.core.errors import UserError, reason
from harness.core.params import Declared
from unroll.core.paths import CORPORA
from unroll.corpora import imdb, mnist
from unroll.corpora.download import obtain
from unroll.corpora.sources import downloads, sources_of, timeout

CORPUS: dict[str, ModuleType] = {"imdb": imdb, "mnist": mnist}


def main(params: Declared, name: str) -> None:
    corpus = CORPUS[name]
    sources, expected = sources_of(name)
    source, archive = obtain(name, sources, downloads(), timeout())

    try:
        content = corpus.read(archive, source.name)
    except Exception as error:  # readers of archives raise errors of every kind
        raise UserError(
            f"{archive}: not an archive of {name} as the {source.name} source serves it "
            f"({reason(error)}); {CORPORA} names another one"
        ) from None
    found = corpus.content_digest(content)
    if found != expected:
        raise UserError(
            f"{archive}: refused, the content's sha256 is {found}, {CORPORA} expects {expected}"
        )
    corpus.write(content)
