"""The rules that watch a home over time, in words that a nurse reads: what each waits for, and what would end its alert."""

from collections.abc import Mapping
from typing import assert_never

from alerting import wording
from alerting.home_rules import (
    Absence,
    BedLeft,
    Change,
    Combination,
    Count,
    Geofence,
    MeterUse,
    Missed,
    News2,
    Sequence,
)
from alerting.life_rules import Habit, Inactivity, Routine
from alerting.terms import Sentence
from alerting.watching import phrases

_HABITS = {
    Habit.UP: Sentence("起床活动", "getting up"),
    Habit.DOOR: Sentence("使用入户门", "using the entrance door"),
    Habit.WATER: Sentence("用水", "drawing water"),
    Habit.BED: Sentence("夜间安静休息", "going to rest at night"),
}

Watching = (
    Absence | BedLeft | Change | Combination | Count | Geofence | Inactivity | MeterUse | Missed | News2 | Routine | Sequence
)  # fmt: skip


def over_time(rule: Watching, titles: Mapping[str, Sentence]) -> Sentence:
    """What it waits for. `titles`: what other rules are called, by id."""
    match rule:
        case Absence():
            return _absence(rule)
        case Sequence():
            return _sequence(rule)
        case Count():
            what, within = phrases.any_of(rule.of), wording.duration(rule.within)
            return Sentence(
                f"{within.zh}内{what.zh} {rule.times} 次即报警", f"raises when there is {what.en} {rule.times} times within {within.en}",
            )  # fmt: skip
        case Change():
            name, within, by = phrases.name(rule.of), wording.duration(rule.within), wording.reading(rule.of, rule.least)
            zh, en = ("上升", "rises") if rule.rises is not None else ("下降", "falls")
            value, unit = by["value"], by["unit"]
            return Sentence(
                f"{name.zh}在 {within.zh}内{zh} {value.zh}{unit.zh} 以上即报警",
                f"raises when {name.en} {en} by {value.en}{unit.en} or more within {within.en}",
            )  # fmt: skip
        case Combination():
            return _combination(rule, titles)
        case News2():
            return _news2(rule)
        case Geofence():
            held, radius, jitter = wording.duration(rule.hold), wording.number(rule.radius_m), wording.number(rule.jitter_m)
            return Sentence(
                f"佩戴的设备离开住处活动范围（未划定时为 {radius} 米以内）超出 {jitter} 米，持续 {held.zh}即报警",
                f"raises when a wearable is more than {jitter} m past the home's ground ({radius} m around it where none is drawn) "
                f"for {held.en}",
            )
        case MeterUse():
            return _meter(rule)
        case Missed():
            return _missed(rule)
        case BedLeft():
            lain, held = wording.duration(rule.lain), wording.duration(rule.hold)
            return Sentence(
                f"卧床 {lain.zh}以上后起床，{held.zh}内未回到床上即报警",
                f"raises when somebody who lay in bed for {lain.en} or more got up and is not back after {held.en}",
            )
        case Inactivity():
            return _inactivity(rule)
        case Routine():
            habits = [_HABITS[habit] for habit in rule.habits]
            slack = wording.duration(rule.slack)
            return Sentence(
                f"按这户自己的习惯（已知 {rule.learns} 天以上）应有的{'、'.join(one.zh for one in habits)}，晚了 {slack.zh}以上即报警",
                f"raises when {_or(habits)} is {slack.en} later than this home's own days have it, once {rule.learns} of them are known",
            )
        case _:
            assert_never(rule)


def over_again(rule: Watching) -> Sentence:
    """What would clear its alert."""
    match rule:
        case Absence():
            awaited = phrases.any_of(rule.awaited)
            return Sentence(f"{awaited.zh}即恢复", f"it clears as soon as there is {awaited.en}")
        case Sequence():
            return _sequence_over(rule)
        case Count():
            quiet = wording.duration(rule.ends_after)
            return Sentence(f"{quiet.zh}内不再出现即恢复", f"it clears when there is none for {quiet.en}")
        case Change():
            name, least = phrases.name(rule.of), wording.reading(rule.of, rule.ends_at)
            value, unit = least["value"], least["unit"]
            return Sentence(
                f"{name.zh}的变化不超过 {value.zh}{unit.zh} 即恢复",
                f"it clears when {name.en} changes by no more than {value.en}{unit.en}",
            )  # fmt: skip
        case Combination():
            return Sentence("各项告警随各自的规则恢复", "it clears as the alerts that came together do, each by its own rule")
        case News2():
            return Sentence("评分下降到规则以下即恢复", "it clears when the score is less")
        case Geofence():
            return Sentence("回到活动范围之内即恢复", "it clears with a position on the home's ground")
        case MeterUse():
            if rule.at_most is not None:
                return Sentence("用量增加即恢复", "it clears with more use")
            return Sentence("同样时间内的用量减到限值一半以下即恢复", "it clears when as long a time has no more than half of the limit")
        case Missed():
            return Sentence("收到该信号即恢复", "it clears as soon as the word comes")
        case BedLeft():
            return Sentence("回到床上即恢复", "it clears when somebody is back in bed")
        case Inactivity():
            return Sentence("家中出现任何活动即恢复：人员移动、开关门、起床、用水",
                            "it clears with any sign of life: movement, a door, the bed, water drawn")  # fmt: skip
        case Routine():
            return Sentence("所缺的活动出现即恢复", "it clears when what was missed comes")
        case _:
            assert_never(rule)


def _absence(rule: Absence) -> Sentence:
    awaited, held = phrases.any_of(rule.awaited), wording.duration(rule.hold)
    if not rule.after:
        return Sentence(f"超过 {held.zh}没有{awaited.zh}即报警", f"raises when there was not {awaited.en} for {held.en}")
    after = phrases.any_of(rule.after)
    return Sentence(
        f"{after.zh}之后 {held.zh}内没有{awaited.zh}即报警", f"raises when {held.en} after {after.en} there was not {awaited.en}",
    )  # fmt: skip


def _sequence(rule: Sequence) -> Sentence:
    steps, within = [phrases.any_of(step) for step in rule.steps], wording.duration(rule.within)
    zh, en = "，再".join(one.zh for one in steps), ", then ".join(one.en for one in steps)
    if rule.without:
        no = phrases.any_of(rule.without)
        zh, en = f"{zh}，其间没有{no.zh}", f"{en}, without {no.en} between"
    return Sentence(f"{within.zh}内先{zh}即报警", f"raises when, within {within.en}, there is {en}")


def _sequence_over(rule: Sequence) -> Sentence:
    zh, en = [], []
    if rule.clear:
        what = phrases.any_of(rule.clear)
        zh.append(f"{what.zh}即恢复")
        en.append(f"it clears as soon as there is {what.en}")
    if rule.clear_after is not None:
        quiet = wording.duration(rule.clear_after)
        zh.append(f"{quiet.zh}内不再出现即恢复")
        en.append(f"it clears when it does not come again for {quiet.en}")
    if not zh:
        return Sentence("不会自行恢复，由值班人员结案", "it clears by nothing; a person closes it")
    return Sentence("；或者 ".join(zh), ", or ".join(en))


def _combination(rule: Combination, titles: Mapping[str, Sentence]) -> Sentence:
    within = wording.duration(rule.within)
    groups = [[titles.get(id_, Sentence(id_, id_)) for id_ in group] for group in rule.of]
    zh = " 与 ".join("或".join(f"“{one.zh}”" for one in group) for group in groups)
    en = ", and ".join(" or ".join(f'"{one.en}"' for one in group) for group in groups)
    times_zh, times_en = (f" {rule.times} 次", f" {rule.times} times") if rule.times > 1 else ("", "")
    does_zh, does_en = ("该告警即升级", "makes the alert worse") if rule.worsens else ("即报警", "raises")
    return Sentence(f"{within.zh}内出现{zh}{times_zh}，{does_zh}", f"{does_en} when within {within.en} there is {en}{times_en}")


def _news2(rule: News2) -> Sentence:
    fresh = wording.duration(rule.fresh_for)
    limits = []
    if rule.at_least is not None:
        score = wording.number(rule.at_least)
        limits.append(Sentence(f"总分达到 {score} 分", f"the score is {score} or more"))
    if rule.single:
        limits.append(Sentence("任何一项达到 3 分", "any single reading scores 3"))
    return Sentence(
        f"按 {fresh.zh}内的体征读数计算 NEWS2 评分，{'或'.join(one.zh for one in limits)}即报警；数据不完整，仅供参考",
        f"raises when, by the vital signs of the last {fresh.en}, {_or(limits)} (NEWS2, from partial data)",
    )


def _meter(rule: MeterUse) -> Sentence:
    little = rule.at_most is not None
    limit = (rule.at_most if little else rule.at_least) or 0.0
    within, by = wording.duration(rule.within), wording.reading(rule.counter, limit)
    value, unit, name = by["value"], by["unit"], phrases.name(rule.counter)
    zh, en = ("不超过", "no more than") if little else ("达到或超过", "at least")
    return Sentence(
        f"{name.zh}在 {within.zh}内增加{zh} {value.zh}{unit.zh} 即报警",
        f"raises when {name.en} goes on by {en} {value.en}{unit.en} within {within.en}",
    )


def _missed(rule: Missed) -> Sentence:
    kept, early, grace = phrases.name(rule.kept), wording.duration(rule.early), wording.duration(rule.grace)
    times_zh, times_en = "、".join(rule.times) or "这户设定的时间", ", ".join(rule.times) or "the times that the home has set"
    if not rule.grace:
        return Sentence(
            f"{times_zh}之前 {early.zh}以来没有“{kept.zh}”即报警",
            f'raises when by {times_en} there was no word of "{kept.en}", from {early.en} before',
        )  # fmt: skip
    return Sentence(
        f"{times_zh}之前 {early.zh}至之后 {grace.zh}没有“{kept.zh}”即报警",
        f'raises when there was no word of "{kept.en}" from {early.en} before {times_en} to {grace.en} behind',
    )


def _inactivity(rule: Inactivity) -> Sentence:
    least, unlearned = wording.duration(rule.least), wording.duration(rule.unlearned)
    return Sentence(
        f"家中没有任何活动的时间超过这户在该时段的惯常（不短于 {least.zh}）即报警；未了解满 {rule.learns} 天的住户白天按 {unlearned.zh}",
        f"raises when there is no sign of life for longer than is usual in this home at that hour, never before {least.en}; "
        f"in a home known for less than {rule.learns} days after {unlearned.en} by day",
    )


def _or(each: list[Sentence]) -> str:
    return " or ".join(one.en for one in each)
