"""Feeds the history that charts read, from the same commits, on a thread of its own."""

from gateway.store.entry import Commit


class Historian:
    def __init__(self) -> None:
        self.position = 0
        self.problem = ""

    def offer(self, commit: Commit) -> None:
        self.position = commit.last_seq

    def start(self) -> None: ...

    def close(self) -> None: ...
