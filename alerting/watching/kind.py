"""What a kind of rule consists of: pure functions of rule, memory and scene."""

from collections.abc import Callable
from datetime import datetime
from typing import Generic, Protocol, TypeVar, cast

import msgspec

from alerting.detection import Sharing
from alerting.home_rules import HomeRule
from alerting.memories import Memory
from alerting.watching.scene import Judgement, Outcome, Scene, Seen

R = TypeVar("R", bound=HomeRule)
M = TypeVar("M", bound=Memory)


Observed = tuple[M | None, Outcome | None]
"""The memory, and what is concluded. None: nothing is, and nothing comes due sooner by it either; `due` need not be asked again."""


class Kind(Protocol):
    """A kind, as the engine knows it. A memory of another kind, left by an older rule of the same id, counts as none."""

    remembers: type[msgspec.Struct]

    observe: Callable[[HomeRule, Memory | None, Seen, Scene], Observed[Memory]]
    """What an observation leaves behind, and what is concluded from it at once. The memory may be changed in place; it is one of
    `remembers`, which is for the caller to see to: this is asked several times a report.
    """

    passes: Callable[[Sharing, Seen, Scene], bool] | None
    """For rules that share what they remember: whether an observation, which is then taken in, leaves all as it stood, so that none of
    them has anything to say of it or to wait for. Asked once for all of them, before `observe`; None: they are always asked.
    """

    def due(self, rule: HomeRule, memory: Memory | None, scene: Scene) -> datetime | None:
        """When `reach` is to be asked; None while nothing is awaited, and once its firing is among the facts."""

    def reach(self, rule: HomeRule, memory: Memory | None, scene: Scene, at: datetime) -> Outcome:
        """What a moment that came due comes to. It changes no memory: that it fired is known from its facts."""

    def state(self, rule: HomeRule, memory: Memory | None, scene: Scene) -> Judgement:
        """How it stands."""


def _unmoved(_: HomeRule, memory: Memory | None, __: Seen, ___: Scene) -> Observed[Memory]:
    return memory, None


class KindOf(Generic[R, M]):
    """A kind made of the functions of its module, each given its own rule and memory. One that is not there has nothing to say."""

    def __init__(
        self,
        rule: type[R],
        memory: type[M],
        *,
        observe: Callable[[R, M | None, Seen, Scene], Observed[M]] | None = None,
        due: Callable[[R, M, Scene], datetime | None] | None = None,
        reach: Callable[[R, M, Scene, datetime], Outcome] | None = None,
        state: Callable[[R, M | None, Scene], Judgement],
        passes: Callable[[Sharing, Seen, Scene], bool] | None = None,
    ) -> None:
        self._rule = rule
        self._memory = memory
        self.remembers: type[msgspec.Struct] = memory
        self.observe = cast("Callable[[HomeRule, Memory | None, Seen, Scene], Observed[Memory]]", observe or _unmoved)
        self._due = due
        self._reach = reach
        self._state = state
        self.passes = passes

    def due(self, rule: HomeRule, memory: Memory | None, scene: Scene) -> datetime | None:
        mine = self._mine(memory)
        return None if mine is None or self._due is None else self._due(self._own(rule), mine, scene)

    def reach(self, rule: HomeRule, memory: Memory | None, scene: Scene, at: datetime) -> Outcome:
        mine = self._mine(memory)
        return () if mine is None or self._reach is None else self._reach(self._own(rule), mine, scene, at)

    def state(self, rule: HomeRule, memory: Memory | None, scene: Scene) -> Judgement:
        return self._state(self._own(rule), self._mine(memory), scene)

    def _own(self, rule: HomeRule) -> R:
        assert isinstance(rule, self._rule)
        return rule

    def _mine(self, memory: Memory | None) -> M | None:
        return memory if isinstance(memory, self._memory) else None
