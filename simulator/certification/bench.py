"""What a procedure has in its hands: endpoint, trace, the device's statement, and waits that mean the same in virtual and real time.

A procedure is a generator. It yields a step and is resumed when the step is done, by whichever runner plays it:

    def restore_follows(bench: Bench) -> Procedure:
        since = yield from bench.do(bench.alarm.deed)
        came = yield from bench.until(lambda: bench.trace.alarms(since), within=timedelta(seconds=10))
        if not came:
            return bench.failed("没有收到报警", "no alarm came")
        return bench.passed(came)

It must not keep anything outside its own frame, look at a clock other than `bench.now`, or leave the device in an alarm on purpose.
"""

from collections.abc import Callable, Generator, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

import msgspec

from devices.mqtt.packets import Connect
from simulator.certification.behaviour import Behaviour, Deal, Rule
from simulator.certification.endpoint import Endpoint
from simulator.certification.features import Features
from simulator.certification.trace import Entry, Message, Passed, Trace
from simulator.scenario import Bilingual
from simulator.virtual.profile import Profile, Sense
from simulator.virtual.stimulus import Deed, Sign, Stimulus
from simulator.wire import Stage

T = TypeVar("T")
QUIET = timedelta(seconds=3)
"""A device that has said nothing for so long has said what it had to say."""
CONNECTED_WITHIN = timedelta(minutes=3)


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    """It could not be measured: no connection, nobody pressed, a flood."""
    NOT_APPLICABLE = "not_applicable"


class Outcome(msgspec.Struct, frozen=True):
    """`shown`: numbers of the trace's entries that show it."""

    verdict: Verdict
    reason: Bilingual
    shown: tuple[int, ...] = ()


class Wait(msgspec.Struct, frozen=True):
    """Until the condition gives something true, or until a moment. Resumed with what it gave, or None."""

    condition: Callable[[], object] | None
    until: datetime


class Do(msgspec.Struct, frozen=True):
    """A stimulus. Resumed when it is done, with the mark from before it; a runner may raise Undone."""

    deed: Deed


class Look(msgspec.Struct, frozen=True):
    """Whether a sign can be seen on the device now. Resumed with True or False."""

    sign: Sign


class Undone(Exception):  # noqa: N818 - a state of the world
    """Nobody did or answered what a procedure asked for; the clause is inconclusive."""

    def __init__(self, reason: Bilingual) -> None:
        self.reason = reason
        super().__init__(reason.en)


Step = Wait | Do | Look
Procedure = Generator[Step, object, Outcome]
Evidence = Entry | Message


class Bench:
    """`clock` is the runner's. `patience` is added to every `within`: 0 in virtual time, the network's and a person's in real time.

    `mark` is where the clause began in the trace. `criterion` is what is said of a pass.
    """

    def __init__(
        self, endpoint: Endpoint, features: Features, clock: Callable[[], datetime], criterion: Bilingual, *,
        patience: timedelta = timedelta(0),
    ) -> None:  # fmt: skip
        self.endpoint, self.features, self.criterion, self.patience = endpoint, features, criterion, patience
        self._clock = clock
        self.mark = endpoint.trace.mark
        self.undo: dict[Stimulus, Deed] = {}
        """What must still be done to leave the device as it was found."""

    # --- what there is ---

    @property
    def now(self) -> datetime:
        return self._clock()

    @property
    def trace(self) -> Trace:
        return self.endpoint.trace

    @property
    def profile(self) -> Profile:
        return self.features.of_profile

    @property
    def alarm(self) -> Sense:
        """What the profile calls for help by; for clauses that ask for the feature `alarm`."""
        assert self.profile.alarm is not None
        return self.profile.alarm

    @property
    def event(self) -> Sense:
        """What the profile notices: its alarm where it has one."""
        return self.profile.event

    @property
    def heartbeat(self) -> timedelta:
        """The silence that the device promises not to exceed, in the bench's time."""
        return self.features.heartbeat / self.features.acceleration

    @property
    def connect(self) -> tuple[Passed, Connect] | None:
        """Its newest CONNECT."""
        return next(reversed(self.trace.connects()), None)

    # --- waiting and doing ---

    def until(self, condition: Callable[[], T], within: timedelta) -> Generator[Step, object, T | None]:
        """What the condition gives once it is true, None when the time is over. It is asked after everything that happens."""
        found = yield Wait(condition, self.now + within + self.patience)
        return found  # type: ignore[return-value] # a runner resumes with what the condition gave

    def sleep(self, span: timedelta) -> Generator[Step, object, None]:
        yield Wait(None, self.now + span)

    def stimulate(self, stimulus: Stimulus, amount: float = 1.0) -> Generator[Step, object, int]:
        """Do this to the device; the mark from before it."""
        return (yield from self.do(Deed(stimulus, amount)))

    def do(self, deed: Deed) -> Generator[Step, object, int]:
        self._remember(deed)
        since = yield Do(deed)
        assert isinstance(since, int)
        return since

    def sees(self, sign: Sign) -> Generator[Step, object, bool]:
        return bool((yield Look(sign)))

    def has_come(self) -> bool:
        """The device is connected; one that states that it sleeps has been."""
        return self.endpoint.has_come() if self.features.connection.sleeps else self.endpoint.current is not None

    def settled(self, within: timedelta = CONNECTED_WITHIN) -> Generator[Step, object, bool]:
        """The device is connected and has said what it had to say, or does not come to an end of it; False when it does not connect.

        One that states that it sleeps has been connected, and is quiet again.
        """
        sleeps = self.features.connection.sleeps
        ends = self.now + within + self.patience + (self.heartbeat if sleeps else timedelta(0))
        while self.now < ends:
            yield from self.until(self.has_come, ends - self.now - self.patience)
            yield from self.sleep(QUIET)
            if self.has_come() and self._quiet():
                return True
        return self.has_come()

    def reconnected(self, since: int, within: timedelta | None = None) -> Generator[Step, object, Passed | None]:
        """The CONNECT of the next connection after a mark."""
        limit = self.features.connection.reconnects_within if within is None else within
        found = yield from self.until(lambda: self.trace.connects(since), limit)
        return found[0][0] if found else None

    def raised(self, sense: Sense | None = None, within: timedelta | None = None) -> Generator[Step, object, Message | None]:
        """Bring the device to an alarm; its first report of it, None when none came."""
        what = self.alarm if sense is None else sense
        since = yield from self.do(what.deed)
        limit = self.features.alarm.within if within is None else within
        found = yield from self.until(lambda: self.trace.alarms(since, prop=what.prop), limit)
        return found[0] if found else None

    def calmed(self, sense: Sense | None = None) -> Generator[Step, object, int]:
        """End what `raised` began; nothing to do for what is momentary. The mark from before."""
        what = self.alarm if sense is None else sense
        if what.undoing is None:
            return self.trace.mark
        return (yield from self.do(what.undoing))

    # --- making the endpoint do ---

    def turn(self, what: str) -> Behaviour:
        """`bench.turn("PUBACKs are held").acknowledge = False`: the words stand in the trace."""
        return self.endpoint.turn(what, self.now)

    def on(self, match: Callable[[Passed], object], deal: Deal, what: str, times: int = 1) -> None:
        """Deal so with the next packets that match."""
        self.turn(what).rules.append(Rule(match, deal, times))

    def vanish(self) -> None:
        """The network is away: connections end, no new one comes about."""
        self.turn("the network is away").reachable = False
        self.endpoint.cut(self.now, "the network is away")

    def come_back(self) -> None:
        self.turn("the network is back").reachable = True

    def cut(self) -> None:
        self.endpoint.cut(self.now)

    def release(self) -> int:
        """Acknowledge what was held."""
        self.turn("PUBACKs flow").acknowledge = True
        return self.endpoint.release(self.now)

    def ask(self, command: str) -> str:
        """Send a command of the contract; its id."""
        return self.endpoint.ask(command, self.now)

    def tell(self, stage: Stage, alert: str = "alert-1") -> None:
        self.endpoint.tell(stage, alert, self.now)

    # --- saying what came of it ---

    def passed(self, *shown: Evidence | Iterable[Evidence]) -> Outcome:
        """The criterion is met."""
        return Outcome(Verdict.PASS, self.criterion, _numbers(shown))

    def failed(self, zh: str, en: str, *shown: Evidence | Iterable[Evidence]) -> Outcome:
        """It is not, in one sentence of each language that names what was seen."""
        return Outcome(Verdict.FAIL, Bilingual(zh, en), _numbers(shown))

    def inconclusive(self, zh: str, en: str, *shown: Evidence | Iterable[Evidence]) -> Outcome:
        return Outcome(Verdict.INCONCLUSIVE, Bilingual(zh, en), _numbers(shown))

    def no_alarm(self) -> Outcome:
        """An alarm that is only the beginning of this clause did not come: another clause names that."""
        return self.inconclusive("触发后没有收到报警，无法判定", "no alarm came after the stimulus, so this could not be measured")

    def no_line(self) -> Outcome:
        return self.inconclusive("设备没有连上来，无法判定", "the device did not connect, so this could not be measured")

    def named_elsewhere(self, number: str, *shown: Evidence | Iterable[Evidence]) -> Outcome:
        """What stands in the way here is what another clause is about: it is told once, there."""
        return Outcome(Verdict.INCONCLUSIVE, elsewhere(number), _numbers(shown))

    # --- within ---

    def _quiet(self) -> bool:
        last = next((entry for entry in reversed(self.trace.entries) if isinstance(entry, Passed)), None)
        return last is not None and self.now - last.at >= QUIET

    def _remember(self, deed: Deed) -> None:
        sense = next((one for one in self.profile.senses if one.stimulus is deed.stimulus), None)
        rest = sense.undoing if sense is not None else _USUAL.get(deed.stimulus)
        if rest is not None:
            self.undo.pop(deed.stimulus, None)
            if rest != deed:
                self.undo[deed.stimulus] = rest


Procedural = Callable[[Bench], Procedure | Outcome]
"""What the catalogue names: a procedure, or a look at what has been seen already."""

_USUAL = {stimulus: Deed(stimulus, amount) for stimulus, amount in ((Stimulus.POWER, 1), (Stimulus.WORN, 1), (Stimulus.BATTERY, 100))}


def elsewhere(number: str) -> Bilingual:
    """Why a clause remains open on a device that does not keep to another."""
    return Bilingual(f"{number} 所述的问题使本条无法判定", f"what {number} is about stands in the way of this")


def _numbers(shown: Iterable[Evidence | Iterable[Evidence]]) -> tuple[int, ...]:
    found: list[int] = []
    for one in shown:
        if isinstance(one, Entry | Message):
            found.append(one.number)
        else:
            found += [each.number for each in one]
    return tuple(dict.fromkeys(found))
