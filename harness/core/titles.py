"""What models and the like are called in headings."""

from __future__ import annotations

from collections.abc import Mapping


def title(name: str, titles: Mapping[str, str]) -> str:
    """The heading of a name: its own title, or that of its end; by default the name.

    With a title GRU of `gru`, that of `tickets_gru` is "tickets, GRU". The page has the same rule.
    A heading that goes on after it does so with a colon.
    """
    words = name.split("_")
    for place in range(len(words)):
        if found := titles.get("_".join(words[place:])):
            return f"{' '.join(words[:place])}, {found}" if place else found
    return name
