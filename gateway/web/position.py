"""Positions of the stream: the journal's number, and which life of the journal it is of.

A restore gives numbers again that were given after the backup. A console that had heard of those would resume in the middle of other
things and miss some, so a position also counts the lives. It still grows, and where there was no restore it is the number itself.
"""

import msgspec

LIFE = 10**15
"""More numbers than a journal is ever given: 2,000 a second for 15,000 years."""
DIGITS = 18


class Positions(msgspec.Struct, frozen=True):
    """`lives`: how many there were before this one, the last of them with numbers up to `shared` in common."""

    lives: int = 0
    shared: int = 0

    def of(self, seq: int) -> int:
        """The position of a number of this life."""
        return self.lives * LIFE + seq

    def number(self, text: str) -> int | None:
        """The number that a position means in this life; None for what is none, or is of what a restore has undone."""
        if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
            return None
        life, seq = divmod(int(text), LIFE)
        if life == self.lives or (life == self.lives - 1 and seq <= self.shared):
            return seq
        return None
