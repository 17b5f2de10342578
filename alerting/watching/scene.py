"""What a rule that watches a home is shown, what it may ask, and what it may answer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from alerting import parameters, wording
from alerting.alert import Alert
from alerting.circumstances import Circumstances
from alerting.detection import Index
from alerting.hearing import Hearing
from alerting.home_rules import HomeRule, Pattern
from alerting.home_state import DeviceState, Firing, HomeState
from alerting.schedule import ALWAYS, Openings, mode_at
from alerting.terms import Evidence, Mode, Sentence
from alerting.unheard import UNHEARD, Span
from alerting.watching.life import Taken
from alerting.watching.vitals import Looked
from devices.home import DeviceId
from devices.observation import Observation, Report


class Seen(msgspec.Struct, gc=False):
    """One observation of a home. `at` is the device's time, never later than the receipt."""

    device: DeviceState
    observation: Observation
    report: Report
    at: datetime
    raw: bytes
    received_at: datetime
    taken: Taken | None = None
    """What it came to as a word of the life in the home, once a rule has looked at it so."""
    together: tuple[Observation, ...] = ()
    """For rules that look at all of a report at once: what they watch of it."""
    looked: Looked | None = None
    """What these came to among the vital signs of the home, once a rule has looked at them so."""
    _shown: Evidence | None = None

    @property
    def suspect(self) -> bool:
        """Whether the device's clock is not to be believed."""
        return self.report.clock_suspect or self.at > self.report.observed_at

    @property
    def evidence(self) -> Evidence:
        """Made once for all rules that keep it."""
        shown = self._shown
        if shown is None:
            report = self.report
            shown = Evidence(self.device.record.id, report.id, self.at, report.received_at, self.observation, self.suspect, self.raw)
            self._shown = shown
        return shown

    def fits(self, patterns: tuple[Pattern, ...]) -> bool:
        """Whether it is one of these."""
        for pattern in patterns:  # noqa: SIM110 - as in `Report.urgent`
            if pattern.property is self.observation.property and self._fits(pattern):
                return True
        return False

    def _fits(self, pattern: Pattern) -> bool:
        value = self.observation.value
        return (
            (pattern.is_ is None or pattern.is_ is value)
            and (pattern.at_least is None or value >= pattern.at_least)
            and (pattern.at_most is None or value <= pattern.at_most)
            and (not pattern.rooms or self.device.record.room in pattern.rooms)
        )


class Scene(msgspec.Struct, frozen=True, gc=False):
    """A home at a moment, as one rule looks at it. One is made for every report that any of them watches."""

    home: HomeState
    device: DeviceId | None
    """The one that is watched, where the rule is per device."""
    now: datetime
    index: Index
    """The rules of that moment: a fold may be of older ones than those of the circumstances."""
    _around: Circumstances

    def of(self, device: DeviceId | None) -> "Scene":
        """The same, of one device."""
        return self if device == self.device else Scene(self.home, device, self.now, self.index, self._around)

    def fired(self, rule: HomeRule) -> datetime | None:
        """When the rule last raised, repeated or recurred its alert here. For outcomes and deadlines; never does a memory depend on it."""
        if not self.home.fired:
            return None
        firings = self.firings(rule)
        return firings[-1].at if firings else None

    def firings(self, rule: HomeRule) -> Sequence[Firing]:
        """The latest of them, oldest first. The same holds: no memory may depend on them."""
        return self.home.fired.get(key_of(rule, self.device), ())

    def standing(self, rule: HomeRule) -> Alert | None:
        """The alert that the rule last spoke for, while it is open and has not been cleared. Again: never for memories."""
        if not self.home.fired:
            return None
        firings = self.firings(rule)
        alert = self.home.alerts.get(firings[-1].alert) if firings else None
        return alert if alert is not None and alert.open and alert.cleared_at is None else None

    def heard_span(self, since: datetime, patience: timedelta) -> datetime:
        """When `patience` of listening since a moment is over, and what had waited is said; UNHEARD while that is not in sight."""
        return Hearing(self.home, self._around.deafness).heard_span(since, patience)

    def counted(self, rule: HomeRule, since: datetime, span: timedelta) -> datetime | None:
        """When `span` of listening since a moment is over, with the rule's schedule open all along; None: never, as far as one can see.

        What held before the schedule opened counts from the opening.
        """
        over = self.heard_span(since, span)
        if rule.id not in self.index.schedules or over >= UNHEARD:  # what cannot be heard now is not looked for in the days to come
            return over
        return self.openings(rule).after(since, span, self.heard_span)

    def openings(self, rule: HomeRule) -> Openings:
        """When the rule counts in this home."""
        return Openings(self.index.schedules.get(rule.id, ALWAYS), self.shift, self.home.arranged.modes)

    def mode(self, at: datetime) -> Mode:
        """How the home was lived in at a moment."""
        return mode_at(self.home.arranged.modes, at)

    def number(self, rule: HomeRule, name: str) -> float:
        """A number of the rule, by its name there: the home's own where it has set one. A span is in minutes."""
        home = self.home.arranged.own
        own = parameters.number(rule, name, home) if rule.id in home else None
        value = self.index.value(rule, name) if own is None else own
        assert isinstance(value, float)
        return value

    def span(self, rule: HomeRule, name: str) -> timedelta:
        """The same for a span of time."""
        return timedelta(minutes=self.number(rule, name)) if rule.id in self.home.arranged.own else self.index.span(rule, name)

    def times(self, rule: HomeRule, name: str) -> tuple[str, ...]:
        """The same for times of day."""
        own = parameters.times(rule, name, self.home.arranged.own)
        value = self.index.value(rule, name) if own is None else own
        assert isinstance(value, tuple)
        return value

    def set_at(self, rule: HomeRule) -> datetime | None:
        """When the home last set numbers of its own; None where it has none."""
        own = self.home.arranged.own.get(rule.id)
        return own.at if own else None

    @property
    def shift(self) -> timedelta:
        """What clocks on walls show, minus service time."""
        return self._around.wall_offset + self.index.utc_offset

    def watched_gaps(self, since: datetime, until: datetime) -> tuple[Span, ...]:
        """The spans between two moments in which nobody could hear the home, by their beginning, and why."""
        return Hearing(self.home, self._around.deafness).gaps(since, until)

    def local(self, at: datetime) -> datetime:
        """The moment as clocks on walls show it, with their offset."""
        return (at + self._around.wall_offset).astimezone(self.index.zone)

    def clock(self, at: datetime) -> Sentence:
        """The moment as a sentence says it."""
        wall = self._around.wall_offset
        return wording.same(wording.clock(at + wall, self.index.ruleset.utc_offset_minutes, self.now + wall))


class Raise(msgspec.Struct, frozen=True):
    """The rule has something to say: it raises its alert, or is one more occurrence of it. There always is a fact of it."""

    evidence: tuple[Evidence, ...]
    """What it rests on, oldest first."""
    fields: dict[str, Sentence] = {}
    """For the rule's sentences, besides those of home, place and moment."""


class Still(msgspec.Struct, frozen=True):
    """It goes on. Says nothing while the alert is open; one that was closed too early is raised anew, if the rule insists."""

    evidence: tuple[Evidence, ...]
    fields: dict[str, Sentence] = {}


class Clear(msgspec.Struct, frozen=True):
    """What the rule spoke of is over; its alert is cleared unless another rule still stands for it."""

    evidence: tuple[Evidence, ...] = ()


Outcome = tuple[Raise | Still | Clear, ...]


class Phase(StrEnum):
    IDLE = "idle"
    PENDING = "pending"
    FIRING = "firing"
    LEARNING = "learning"
    NOT_WATCHED = "not_watched"


class Judgement(msgspec.Struct, frozen=True):
    """How a rule stands at a moment, for people: support, families, the page of a home."""

    phase: Phase
    sentence: Sentence
    clears: Sentence | None = None
    """What would end it."""
    since: datetime | None = None
    due_at: datetime | None = None
    numbers: dict[str, float] = {}


NOT_HEARD = Judgement(Phase.NOT_WATCHED, Sentence("目前收不到这户的信号", "the home cannot be heard at present"))
NOT_NOW = Judgement(Phase.NOT_WATCHED, Sentence("按时段或住户模式，目前不判断", "by its hours or the home's mode it does not count now"))


def unwatched(at: datetime | None) -> Judgement:
    """Why nothing will come due, `at` being what `counted` gave: None or UNHEARD."""
    return NOT_NOW if at is None else NOT_HEARD


def key_of(rule: HomeRule, device: DeviceId | None) -> str:
    """Under what a rule's memory and firings are kept: the rule, or rule:device."""
    return f"{rule.id}:{device}" if rule.by_device and device is not None else rule.id


def shared_key(shares: str, device: DeviceId | None) -> str:
    """Under what is kept what several rules share; of rules that look at each device, of one."""
    return f"{shares}@{device}" if device is not None else shares
