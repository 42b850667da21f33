"""What is surely misspelt, rather than a word of a newer version. Pure."""

import difflib
from collections.abc import Iterable

_SURELY = 0.9
"""How like a known word one has to be that is taken for misspelt (difflib: ratio)."""


def misspelt(word: str, known: Iterable[str]) -> str | None:
    """The known word that another one surely stands for; None if there is none."""
    by_letters = {one.lower(): one for one in known if one}
    near = difflib.get_close_matches(word.lower(), by_letters, n=1, cutoff=_SURELY)
    return by_letters[near[0]] if near else None
