"""How long a reading waits for others before it is committed with them.

A fast disk would commit readings one by one, two thousand times a second, and a commit costs as much of the CPU as twenty reports: a
sync, two hand-overs between threads, a write to each follower. So a reading waits for company, a few milliseconds from the last commit
on, or until there is enough of it. Where many came together the last time more are on their way, and it is worth waiting longer.
"""

FEW_S, CROWD_S = 0.008, 0.024
"""From one commit to the next: after one of few readings, and after one of a `CROWD`. No reading is the worse for it."""
CROWD = 8
ENOUGH = 128
"""So many have company enough. A hub that empties its memory has seldom more under way, and would wait out the time with each round."""
_TELLING = frozenset({1, ENOUGH})


class Gathering:
    """Of the readings between two commits. Moments are seconds on a clock that nobody sets."""

    def __init__(self) -> None:
        self._until = 0.0

    def committed(self, things: int, now: float) -> None:
        """A commit of so many has returned."""
        self._until = now + (CROWD_S if things >= CROWD else FEW_S)

    def patience(self, waiting: int, now: float) -> float:
        """Seconds that so many readings still wait; 0 or less: no longer."""
        return 0.0 if waiting >= ENOUGH else self._until - now


def telling(waiting: int) -> bool:
    """Whether one more, so many by now, changes when they are taken."""
    return waiting in _TELLING
