"""What somebody types to find a home by: part of a name or an address, a number that is ringing just now."""

import re
import unicodedata

_LOOSE = re.compile(r"(?<!\d)\s+|\s+(?!\d)")
"""Spaces, but for one between two numbers: 8 栋 is also written 8栋, while 3 301 is not 3301."""
_GROUPING = re.compile(r"[\s()\-]+")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


class Typed:
    """Nothing typed is found everywhere."""

    def __init__(self, words: str) -> None:
        plain = _plain(words).strip()
        sought = _LOOSE.sub("", plain)
        # A number begins where one begins: who types 8 栋 is not shown 18 栋 and 28 栋 first.
        self._words = re.compile((r"(?<!\d)" if sought[:1].isdigit() else "") + re.escape(sought))
        self._characters = _GROUPING.sub("", plain)

    def in_words(self, text: str) -> bool:
        """Part of a name or an address."""
        return self._words.search(_LOOSE.sub("", _plain(text))) is not None

    def in_number(self, text: str) -> bool:
        """Part of an id or of a telephone number, from wherever in it, however either is grouped."""
        return bool(self._characters) and self._characters in _GROUPING.sub("", _plain(text))
