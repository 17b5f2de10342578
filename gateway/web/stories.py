"""What was arranged for a home, told: one fact, one sentence in Chinese and English, the newest of each home in memory and in views.db."""

from typing import TYPE_CHECKING

import msgspec

from alerting.arrangements import MODES, ArrangementFact
from alerting.home_facts import HomeModeEnded, HomeModeEnding, HomeModeSet, ParametersChanged
from alerting.terms import SERVICE, Sentence, Value
from devices.home import HomeId
from gateway.web.timeline import Told, because, utc
from gateway.web.viewrows import Line

if TYPE_CHECKING:
    from gateway.web.shapes import Datum

LINES_KEPT = 100


class Story(msgspec.Struct, frozen=True):
    """Of one home, oldest first."""

    lines: tuple[Line, ...] = ()


class Stories:
    def __init__(self) -> None:
        self.of: dict[HomeId, Story] = {}

    def lines(self, home: HomeId) -> tuple[Line, ...]:
        return self.of[home].lines if home in self.of else ()

    def add(self, fact: ArrangementFact, seq: int) -> Story:
        """The home's story with this in it; `seq` is the fact's number in the journal."""
        told = tell(fact)
        line = Line(seq, fact.at, told.kind, told.by, told.sentence, told.data)
        story = self.of[fact.home] = Story((*self.lines(fact.home), line)[-LINES_KEPT:])
        return story


def tell(fact: ArrangementFact) -> Told:
    match fact:
        case HomeModeSet(by=by, mode=mode, until=until, reason=reason):
            words, why = MODES[mode], because(reason)
            said = Sentence(f"{by} 将住户设为{words.zh}{why.zh}", f"{by} set the home to {words.en}{why.en}")
            return Told("mode_set", said, by, {"mode": mode.value, "until": utc(until), "reason": reason})
        case HomeModeEnding(mode=mode, until=until):
            words = MODES[mode]
            zh = f"{words.zh}模式即将结束，请核实老人是否按时返家"
            said = Sentence(zh, f"{words.en} ends soon: ask whether the resident will be back")
            return Told("mode_ending", said, data={"mode": mode.value, "until": utc(until)})
        case HomeModeEnded(by=by, mode=mode):
            words = MODES[mode]
            if by == SERVICE:
                said = Sentence(f"{words.zh}模式到期，恢复为在家", f"{words.en} ran out: the resident counts as at home")
            else:
                said = Sentence(f"{by} 结束{words.zh}模式，恢复为在家", f"{by} ended {words.en}: the resident counts as at home")
            return Told("mode_ended", said, by, {"mode": mode.value})
        case ParametersChanged(by=by, rule=rule, values=values, reason=reason):
            why, numbers = because(reason), [f"{name} = {_written(value)}" for name, value in values.items()]
            if values:
                zh, en = "，".join(numbers), ", ".join(numbers)
                said = Sentence(f"{by} 调整规则 {rule}：{zh}{why.zh}", f"{by} set {en} of rule {rule}{why.en}")
            else:
                said = Sentence(f"{by} 将规则 {rule} 恢复为通用数值{why.zh}", f"{by} gave rule {rule} its own numbers back{why.en}")
            data: dict[str, Datum] = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
            return Told("parameters_changed", said, by, data | {"rule": rule, "reason": reason})


def _written(value: Value) -> str:
    return " ".join(value) if isinstance(value, tuple) else f"{value:g}"
