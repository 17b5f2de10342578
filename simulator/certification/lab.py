"""Virtual time: a device core against the endpoint core with no socket between, as a sequence of events. Deterministic, no clock.

What one side sends arrives at the other `LATENCY` later, so that a device that answers without end cannot stop time; a connection takes
`CONNECTING`. A whole day passes in as long as its events take.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

from simulator.certification.behaviour import Certificate
from simulator.certification.bench import Bench, Do, Look, Outcome, Procedural, Procedure, Undone, Verdict, Wait
from simulator.certification.catalogue import Clause
from simulator.certification.course import Course, Measuring
from simulator.certification.endpoint import Endpoint
from simulator.certification.examination import Flooded, digest, flooded, judged, selected, staged
from simulator.certification.features import Features
from simulator.certification.result import SUITE, ClauseVerdict, Result, Run
from simulator.certification.trace import Acted
from simulator.virtual.device import VirtualDevice
from simulator.virtual.firmware import Firmware
from simulator.virtual.profile import Profile
from simulator.virtual.radio import Shown
from simulator.virtual.speech import Identity
from simulator.virtual.stimulus import Deed, Stimulus
from simulator.wire import Address

EPOCH = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
"""When every virtual examination begins: a Monday, eight in the morning in China."""
LATENCY = timedelta(milliseconds=10)
CONNECTING = timedelta(milliseconds=30)
_EVENTS = 6
"""For each entry that a clause allows. A device that connects without a pause, or asks for a moment that is over, would go on for ever."""


def identity(profile: Profile, level: int) -> Identity:
    return Identity(Address("330106", "bench"), f"{profile.name}-1".replace("_", "-"), "bench-device", "correct horse battery", level)


_SHOWN = {
    Certificate.SOUND: Shown(), Certificate.UNTRUSTED: Shown(trusted=False), Certificate.EXPIRED: Shown(in_date=False),
    Certificate.WRONG_NAME: Shown(named=False),
}  # fmt: skip


class Lab:
    """One device and one endpoint, and the time that both live in."""

    def __init__(self, device: VirtualDevice, endpoint: Endpoint, now: datetime, *, tls: bool = False) -> None:
        self.device, self.endpoint, self.now = device, endpoint, now
        self._tls = tls
        self._line: int | None = None
        self._asking = False
        self._tries = 0
        self._address: int | None = None
        """To which the device last found the server's name to lead."""
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._turn = self._steps = 0

    def play(self, procedure: Procedure, limit: int) -> Outcome:
        """To its end. Flooded once the trace has more than `limit` entries."""
        given: object = None
        try:
            while True:
                step = procedure.send(given)
                match step:
                    case Wait(condition, until):
                        given = self._wait(condition, until, limit)
                    case Do(deed):
                        given = self.endpoint.trace.mark
                        self.do(deed)
                    case Look(sign):
                        given = sign in self.device.signs
        except StopIteration as done:
            outcome: Outcome = done.value
            return outcome
        except Undone as undone:
            return Outcome(Verdict.INCONCLUSIVE, undone.reason)

    def do(self, deed: Deed) -> None:
        trace = self.endpoint.trace
        trace.add(Acted(trace.mark, self.now, deed))
        self.device.act(deed, self.now)
        self._carry()

    def _wait(self, condition: Callable[[], object] | None, until: datetime, limit: int) -> object:
        while True:
            self._carry()
            if condition is not None and (found := condition()):
                return found
            if self.now >= until:
                return None
            self._step(until)
            self._steps += 1
            if self.endpoint.trace.mark > limit or self._steps > _EVENTS * limit:
                raise Flooded

    def _step(self, until: datetime) -> None:
        """The next thing that happens, or the end of the wait."""
        due = [moment for moment in (self.device.next_deadline, self.endpoint.next_deadline) if moment is not None]
        due += [self._events[0][0]] if self._events else []
        moment = min((*due, until))
        self.now = max(self.now, moment)
        while self._events and self._events[0][0] <= self.now:
            heappop(self._events)[2]()
        self.endpoint.advance(self.now)
        self.device.advance(self.now)

    def _carry(self) -> None:
        """Take from both sides what they have to send, and connect or drop the line as the device asks."""
        if self._line is not None:
            self._carry_line(self._line)
        if self._line is None and self.device.wants_line and not self._asking:
            self._asking = True
            self._tries += 1
            self._after(CONNECTING, lambda number=self._tries: self._connect(number))  # type: ignore[misc]

    def _carry_line(self, line: int) -> None:
        if self.device.output:
            said = bytes(self.device.output)
            self.device.output.clear()
            self._after(LATENCY, lambda: self.endpoint.receive(line, said, self.now))
        if not self.device.wants_line:
            self._line = None
            self._after(LATENCY, lambda: self.endpoint.lost(line, self.now))
            self.device.line_down(self.now)
            return
        answered = self.endpoint.take(line, self.now)
        if answered:
            self._after(LATENCY, lambda: self._deliver(line, answered))
        if self.endpoint.ended(line):
            self.endpoint.lost(line, self.now)
            self._after(LATENCY, lambda: self._hang_up(line))

    def _connect(self, number: int) -> None:
        if number != self._tries:
            return
        self._asking = False
        if not self.device.wants_line:
            return
        shown = self.endpoint.behaviour.certificate
        if self._address is None or self.device.looks_up():
            self._address = self.endpoint.behaviour.address
        there = self._address == self.endpoint.behaviour.address
        line = self.endpoint.open(self.now, f"TLS, {shown} certificate" if self._tls else "") if there else None
        if line is not None and self._tls and not self.device.trusts(_SHOWN[shown]):
            self.endpoint.lost(line, self.now)
            line = None
        self._line = line
        if line is None:
            self.device.line_down(self.now)
        else:
            self.device.line_up(self.now)

    def _deliver(self, line: int, data: bytes) -> None:
        if line == self._line:
            self.device.receive(data, self.now)

    def _hang_up(self, line: int) -> None:
        if line == self._line:
            self._line = None
            self.device.line_down(self.now)

    def _after(self, span: timedelta, deed: Callable[[], None]) -> None:
        self._turn += 1
        heappush(self._events, (self.now + span, self._turn, deed))


def examine(
    clause: Clause, procedure: Procedural, features: Features, *,
    level: int, seed: str = "1", firmware: type[Firmware] = Firmware,
) -> ClauseVerdict:  # fmt: skip
    """One clause on a device that leaves the factory for it; the same seed gives the same bytes."""
    profile = features.of_profile
    who = identity(profile, level)
    endpoint = Endpoint(who)
    device = VirtualDevice(profile, who, EPOCH, seed=f"{seed}:{clause.number}", firmware=firmware)
    lab = Lab(device, endpoint, EPOCH, tls=features.connection.tls)
    bench = Bench(endpoint, features, lambda: lab.now, clause.criterion)
    lab.do(Deed(Stimulus.POWER))
    try:
        outcome = lab.play(staged(clause, procedure, bench), clause.entries)
    except Flooded:
        outcome = flooded()
    return judged(clause, bench, outcome, EPOCH)


def examine_all(
    clauses: tuple[Clause, ...], procedures: dict[str, Procedural], features: Features, *,
    level: int | None = None, seed: str = "1", firmware: type[Firmware] = Firmware, only: frozenset[str] = frozenset(),
    told: Callable[[ClauseVerdict], None] = lambda _: None,
) -> Result:  # fmt: skip
    """Every clause that applies, each on a device of its own. `told` hears each verdict as it stands."""
    spoken = features.connection.levels[0] if level is None else level
    course = Course(selected(clauses, features, level=spoken, virtual=True), lambda: EPOCH)

    def measured(steps: Measuring) -> ClauseVerdict:
        try:
            clause = next(steps)
            while True:
                found = examine(clause, procedures[clause.procedure], features, level=spoken, seed=seed, firmware=firmware)
                clause = steps.send(found)
        except StopIteration as done:
            verdict: ClauseVerdict = done.value
            return verdict

    verdicts = []
    ended = EPOCH
    for clause in clauses:
        if not only or clause.number in only:
            verdict = measured(course.verdict(clause.number))
            ended += timedelta(seconds=verdict.took_s)
            verdicts.append(verdict)
            told(verdict)
    run = Run(EPOCH, ended, True, spoken, seed, identity(features.of_profile, spoken).device)
    return Result(SUITE, digest(), features, run, tuple(verdicts))
