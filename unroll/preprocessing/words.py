"""The words of a text, the same on every Python: what separates them, and their plain form.

Not here: which words a model knows, and their ids.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect
from pathlib import Path

_TAG = re.compile(r"<br\s*/?>|</?[a-z][^<>]*>", re.IGNORECASE)
_OTHERS = re.compile(r"[^\x00-\x7f]+(?: [^\x00-\x7f]+)*")

# Other forms of the apostrophe. The first two are those of Windows' code page, which texts that
# were taken for Latin-1 have, and which HTML reads in the same way.
_APOSTROPHES = frozenset("\x91\x92\u00b4\u02bb\u02bc\u02bd\u055a\u2018\u2019\u201b\u2032\uff07")

# What no space surrounds: Han ideographs, Hiragana and Katakana, with voicing marks. Compiled when
# it is needed first, for that takes longer than all else here.
_UNSPACED = (
    "([\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3041-\u3096\u309d-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\U0001aff0-\U0001b16f\U00020000-\U0003fffd][\u3099\u309a]*)"
)

# What punctuates. Runs are cut to two, so that "!!!!" is "!!", and there are few marks to know.
_MARKS = '!"()*,./:;?'
MARKS = tuple(_MARKS) + tuple(first + second for first in _MARKS for second in _MARKS)
_RUN = re.compile(rf"([{re.escape(_MARKS)}]{{2}})[{re.escape(_MARKS)}]+")
_TOKEN = re.compile(rf"[{re.escape(_MARKS)}]+|[^\s{re.escape(_MARKS)}]+")


def _ascii(kept: str) -> bytes:
    """Of ASCII: letters become lower case, digits and what is kept stay, all else is a space."""
    return bytes(
        ord(chr(code).lower() if chr(code).isalnum() or chr(code) in kept else " ")
        for code in range(128)
    ) + bytes(range(128, 256))


_WORDS, _TOKENS = _ascii("'"), _ascii("'" + _MARKS)


class _Plain(dict[int, str]):
    """A `str.translate` table of Unicode 14.0: each character's plain letters, or a space."""

    def __init__(self) -> None:
        text = Path(__file__).with_name("letters.txt").read_text("ascii")
        tables = (
            [int(edge, 16) for edge in table.split()] for table in text.split("\n\n")[1:]
        )  # each range's first code, and the first one after it
        self._letters, self._symbols, self._invisible = tables

    def __missing__(self, code: int) -> str:
        self[code] = plain = self._plain(code)
        return plain

    def _plain(self, code: int) -> str:
        if chr(code) in _APOSTROPHES:
            return "'"
        if _within(code, self._invisible):
            return ""
        # A newer Python knows more characters, so it is asked only of those in the tables.
        if not _within(code, self._letters) and not _within(code, self._symbols):
            return " "
        form = unicodedata.normalize("NFKC", chr(code))
        return "".join(
            "'" if c in _APOSTROPHES else c if _within(ord(c), self._letters) else " " for c in form
        )


def _within(code: int, edges: list[int]) -> bool:
    return bisect(edges, code) % 2 == 1


_PLAIN = _Plain()


def words(text: str) -> list[str]:
    """The words of a text in order, in lower case, without markup and punctuation.

    HTML tags go and entities become characters. Apostrophes of every form become `'`, characters
    that show nothing vanish, and all others take their plain form (NFKC). Letters, digits, the
    marks on them, and apostrophes make words; each Han ideograph and kana is one. The tables are
    those of Unicode 14.0, whose later characters separate words as punctuation does.
    """
    return _plain(text, _WORDS).split()


def tokens(text: str) -> list[str]:
    """The words of a text as `words` has them, and between them its marks of punctuation.

    A mark is one of `MARKS`; those of other scripts separate words.
    """
    return _TOKEN.findall(_RUN.sub(r"\1", _plain(text, _TOKENS)))


def is_mark(token: str) -> bool:
    """Whether a token of `tokens` is no word."""
    return token[0] in _MARKS


def _plain(text: str, table: bytes) -> str:
    text = html.unescape(_TAG.sub(" ", text))
    if text.isascii():
        return text.encode().translate(table).decode()
    text = _OTHERS.sub(lambda run: run[0].translate(_PLAIN), text)
    # What remains beyond ASCII are letters and the marks on them, each in its plain form.
    text = text.encode().translate(table).decode()
    if not text.isascii():
        text = re.sub(_UNSPACED, r" \1 ", unicodedata.normalize("NFC", text.lower()))
    return text
