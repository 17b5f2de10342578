"""What people arrange for a home besides its records: how it is lived in for a while, and its own numbers of a rule.

Neither ever touches the safety floor: a mode is only looked at by rules that name modes, and no rule under the floor may; nor may one
have numbers that a home can set (`assembly`). A cord pulled in a home that is away is a call.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_never

import msgspec
from msgspec.structs import replace

from alerting.commands import ChangeParameters, EndHomeMode, SetHomeMode
from alerting.home_facts import HomeModeEnded, HomeModeEnding, HomeModeSet, ParametersChanged
from alerting.parameters import OwnNumbers, checked
from alerting.refusals import IllegalTransition, Unknown
from alerting.rules import Rule
from alerting.schedule import ModeSpan
from alerting.terms import SERVICE, Actor, Mode, Sentence
from devices.home import HomeId

MODE_LIMIT = timedelta(days=183)
REMINDED_BEFORE = timedelta(hours=24)
"""Or half of the whole span where that is less."""
SPANS_KEPT = 16
"""Of the modes of a home: windows and sequences look back over days, the timeline is elsewhere."""
TEXT_LIMIT = 500

ArrangementCommand = SetHomeMode | EndHomeMode | ChangeParameters
ArrangementFact = HomeModeSet | HomeModeEnding | HomeModeEnded | ParametersChanged

MODES = {
    Mode.HOME: Sentence("在家", "at home"),
    Mode.AWAY: Sentence("外出", "away"),
    Mode.HOSPITAL: Sentence("住院", "in hospital"),
    Mode.HOLIDAY: Sentence("度假", "on holiday"),
}


class Arrangements(msgspec.Struct, frozen=True, array_like=True):
    """Of one home; a fold of facts. Never changed, so that all homes where nothing is arranged may have the same one."""

    modes: tuple[ModeSpan, ...] = ()
    """The latest ones, oldest first."""
    own: dict[str, OwnNumbers] = {}
    """By rule."""

    @property
    def mode(self) -> ModeSpan | None:
        """The one that holds; None: at home."""
        return self.modes[-1] if self.modes and self.modes[-1].ended_at is None else None

    def after(self, fact: ArrangementFact) -> "Arrangements":
        match fact:
            case HomeModeSet():
                span = ModeSpan(fact.mode, fact.at, fact.until, fact.by, fact.reason)
                return replace(self, modes=(*_ended(self.modes, fact.at), span)[-SPANS_KEPT:])
            case HomeModeEnding():
                return replace(self, modes=(*self.modes[:-1], *(replace(span, reminded=True) for span in self.modes[-1:])))
            case HomeModeEnded():
                return replace(self, modes=_ended(self.modes, fact.at))
            case ParametersChanged(rule=rule):
                own = {id_: numbers for id_, numbers in self.own.items() if id_ != rule}
                if fact.values:
                    own[rule] = OwnNumbers(fact.values, fact.at, fact.by, fact.reason)
                return replace(self, own=own)
            case _:
                assert_never(fact)


NOTHING_ARRANGED = Arrangements()


def remind_at(span: ModeSpan) -> datetime:
    return span.until - min(REMINDED_BEFORE, (span.until - span.since) / 2)


def next_at(arranged: Arrangements) -> datetime | None:
    """When the mode has to be reminded of, or ends."""
    span = arranged.mode
    if span is None:
        return None
    return span.until if span.reminded else remind_at(span)


def due(home: HomeId, arranged: Arrangements, now: datetime) -> HomeModeEnding | HomeModeEnded | None:
    """What is due by `now`, `now` being its moment."""
    span, at = arranged.mode, next_at(arranged)
    if span is None or at is None or at > now:
        return None
    if span.reminded:
        return HomeModeEnded(now, SERVICE, home, span.mode)
    return HomeModeEnding(now, home, span.mode, span.until)


def decide(
    arranged: Arrangements, command: ArrangementCommand, by: Actor, now: datetime, rules: Mapping[str, Rule],
) -> ArrangementFact:  # fmt: skip
    """The fact that a command becomes; Unknown or IllegalTransition, and nothing, where it may not be. The home is known to be there."""
    match command:
        case SetHomeMode():
            return _set(command, by, now)
        case EndHomeMode():
            span = arranged.mode
            if span is None:
                raise IllegalTransition(Sentence(f"住户 {command.home} 本来就是在家模式", f"home {command.home} is at home already"))
            return HomeModeEnded(now, by, command.home, span.mode)
        case ChangeParameters(rule=rule_id):
            rule = rules.get(rule_id)
            if rule is None:
                raise Unknown(Sentence(f"没有编号为 {rule_id[:80]} 的规则", f"there is no rule {rule_id[:80]}"))
            reason = _reason(command.reason)
            values = {name: checked(rule, name, value) for name, value in command.values.items()}
            return ParametersChanged(now, by, command.home, rule_id, values, reason)


def _set(command: SetHomeMode, by: Actor, now: datetime) -> HomeModeSet:
    if command.mode is Mode.HOME:
        raise IllegalTransition(
            Sentence("在家不需要设置：结束当前模式即可", "a home that is in no other mode is at home: end the one it is in"),
        )
    if not now < command.until <= now + MODE_LIMIT:
        days = MODE_LIMIT.days
        raise IllegalTransition(Sentence(f"模式须在将来结束，且最长 {days} 天", f"a mode ends in the future, within {days} days"))
    return HomeModeSet(now, by, command.home, command.mode, command.until, _reason(command.reason))


def _reason(text: str) -> str:
    cleaned = text.strip()
    if not cleaned:
        raise IllegalTransition(Sentence("请填写原因", "the reason is missing"))
    return cleaned[:TEXT_LIMIT]


def _ended(modes: tuple[ModeSpan, ...], at: datetime) -> tuple[ModeSpan, ...]:
    if modes and modes[-1].ended_at is None:
        return (*modes[:-1], replace(modes[-1], ended_at=at))
    return modes
