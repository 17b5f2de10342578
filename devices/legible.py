"""Text from elsewhere, as a person may read it: of a table, a telephone, a hub."""

LONGEST = 200
"""Characters of a name: as many as a person may enter."""

_TURNING = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
"""They turn the reading order of what stands around them (UAX #9): one in a name, and what follows the name is read backwards."""
_UNSEEN = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), *_TURNING, 0xFEFF])
_BREAKS = dict.fromkeys(map(ord, "\t\n\v\f\r\x85\u2028\u2029"), " ")
_IN_ONE_LINE = _UNSEEN | _BREAKS
_AS_WRITTEN = _UNSEEN | {ord(kept): kept for kept in "\t\n\r"}


def in_one_line(said: str) -> str:
    """Without control characters and those that turn the reading order; a break is a space."""
    return said.translate(_IN_ONE_LINE)


def as_written(said: str) -> str:
    """The same with its lines."""
    return said.translate(_AS_WRITTEN)


def name(said: str) -> str:
    """What a machine calls itself or another."""
    return in_one_line(said).strip()[:LONGEST]
