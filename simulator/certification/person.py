"""A person at the device: asked for one thing at a time, in every window that there is; the first answer counts.

A window is a terminal, or a page on a phone. Who stands at a bench may have the phone in hand and the terminal in another room.
"""

import asyncio
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import msgspec

from simulator.certification.bench import Undone
from simulator.certification.sayings import SIGNS, asked_for
from simulator.scenario import Bilingual
from simulator.virtual.stimulus import Deed, Sign

ASKED_FOR_S = 120.0
"""How long a person has for one thing."""


class Said(StrEnum):
    DONE = "done"
    CANNOT = "cannot"
    YES = "yes"
    NO = "no"


class Question(msgspec.Struct, frozen=True):
    """`looks`: to be answered with yes or no, or that it cannot be said; else with done, or that it cannot be done.

    `ends_s`: of the monotonic clock.
    """

    number: int
    words: Bilingual
    looks: bool
    ends_s: float

    def takes(self, said: Said) -> bool:
        return said is Said.CANNOT or (said in (Said.YES, Said.NO)) is self.looks

    @property
    def left_s(self) -> float:
        return max(0.0, self.ends_s - time.monotonic())


class Window(Protocol):
    """`answer` gives False where nobody is asked that any more."""

    @property
    def is_there(self) -> bool:
        """Whether somebody can be reached by it."""

    def opened(self, question: Question, answer: Callable[[Said], bool]) -> None: ...

    def closed(self) -> None:
        """It was answered, here or elsewhere, or the time is over."""


class Person:
    """Hands that are asked. Undone after ASKED_FOR_S, where it cannot be done, and where nobody can be reached."""

    def __init__(self, *windows: Window) -> None:
        self._windows = windows
        self._asked = 0

    async def do(self, deed: Deed) -> None:
        if await self._ask(asked_for(deed), looks=False) is Said.CANNOT:
            raise Undone(Bilingual("操作人员表示无法操作", "the person at the device said that it cannot be done"))

    async def look(self, sign: Sign) -> bool:
        said = await self._ask(SIGNS[sign], looks=True)
        if said is Said.CANNOT:
            raise Undone(Bilingual("操作人员表示无法判断", "the person at the device could not say"))
        return said is Said.YES

    async def begin_anew(self) -> None:
        """A person is not asked for the batteries a hundred times."""

    async def _ask(self, words: Bilingual, *, looks: bool) -> Said:
        there = [window for window in self._windows if window.is_there]
        if not there:
            raise Undone(Bilingual("没有人可以操作设备（标准输入不是终端）", "nobody could be asked: standard input is no terminal"))
        self._asked += 1
        question = Question(self._asked, words, looks, time.monotonic() + ASKED_FOR_S)
        heard: asyncio.Future[Said] = asyncio.get_running_loop().create_future()

        def answer(said: Said) -> bool:
            if heard.done() or not question.takes(said):
                return False
            heard.set_result(said)
            return True

        for window in there:
            window.opened(question, answer)
        try:
            async with asyncio.timeout(ASKED_FOR_S):
                return await heard
        except TimeoutError:
            raise Undone(Bilingual("规定时间内没有操作", f"it was not done within {ASKED_FOR_S:g} s")) from None
        finally:
            for window in there:
                window.closed()
