"""What holds of a rule besides what it waits for, in words: when it counts, who is told, whether it may be kept quiet."""

from alerting import wording
from alerting.escalation import policy_for
from alerting.policy import DESK, SIREN, Policy, Step
from alerting.rules import Rule, Ruleset
from alerting.schedule import Weekday
from alerting.suppression import under_floor
from alerting.terms import Mode, Sentence

_DAYS = {
    Weekday.MONDAY: Sentence("周一", "Mon"), Weekday.TUESDAY: Sentence("周二", "Tue"), Weekday.WEDNESDAY: Sentence("周三", "Wed"),
    Weekday.THURSDAY: Sentence("周四", "Thu"), Weekday.FRIDAY: Sentence("周五", "Fri"), Weekday.SATURDAY: Sentence("周六", "Sat"),
    Weekday.SUNDAY: Sentence("周日", "Sun"),
}  # fmt: skip
_MODES = {
    Mode.HOME: Sentence("在家", "at home"), Mode.AWAY: Sentence("外出", "away"), Mode.HOSPITAL: Sentence("住院", "in hospital"),
    Mode.HOLIDAY: Sentence("度假", "on holiday"),
}  # fmt: skip
_BUILT_IN = {DESK: Sentence("值守台", "the desk"), SIREN: Sentence("家中警报器", "the siren in the home")}


def counts_when(rule: Rule) -> Sentence:
    """Its schedule, by local time."""
    zh, en = [], []
    if rule.weekdays:
        zh.append("、".join(_DAYS[day].zh for day in rule.weekdays))
        en.append("on " + ", ".join(_DAYS[day].en for day in rule.weekdays))
    if rule.hours:
        zh.append("、".join(rule.hours))
        en.append(" and ".join(rule.hours))
    if rule.season:
        spans = [season.replace("..", " ~ ") for season in rule.season]
        zh.append(f"每年 {'、'.join(spans)}")
        en.append(f"each year {' and '.join(spans)}")
    if rule.modes:
        zh.append(f"住户登记为{'或'.join(_MODES[mode].zh for mode in rule.modes)}时")
        en.append(f"while the home is registered as {' or '.join(_MODES[mode].en for mode in rule.modes)}")
    return Sentence("，".join(zh) or "任何时候", ", ".join(en) or "at any time")


def policy_of(rule: Rule, ruleset: Ruleset) -> Policy:
    """The one that holds wherever an area has none of its own."""
    return policy_for(ruleset, rule.category, rule.policy)


def told(rule: Rule, ruleset: Ruleset) -> Sentence:
    """Who is told, in the first round of its policy; of a rule that raises no alert, who hears its prompts."""
    if not rule.alerts:
        prompts = [prompt for prompt in ruleset.prompts.prompts if rule.id in prompt.rules]
        if not prompts:
            return Sentence("不报警，也没有安全提示", "no alert, and no prompt names it")
        names_zh, names_en = "、".join(prompt.title.zh for prompt in prompts), ", ".join(prompt.title.en for prompt in prompts)
        return Sentence(f"不报警；安全提示：{names_zh}", f"no alert; safety prompt: {names_en}")
    steps = [_step(step, ruleset) for step in policy_of(rule, ruleset).steps]
    return Sentence("；".join(step.zh for step in steps), "; ".join(step.en for step in steps))


def may_be_silenced(rule: Rule) -> bool:
    """Whether a silence, a mode, a schedule or an event of the area can keep its alerts off the ring."""
    return not under_floor(rule.category)


def silenced(rule: Rule) -> Sentence:
    """The same in words."""
    if not may_be_silenced(rule):
        return Sentence("属于安全底线：任何静音、模式或合并都不能让它不响", "under the safety floor: nothing keeps it from ringing")
    return Sentence("可以静音，须写明谁、为何、到何时", "may be silenced, with who, why and until when")


def _step(step: Step, ruleset: Ruleset) -> Sentence:
    names = [_target(name, ruleset) for name in step.targets]
    after = wording.duration(step.after)
    when_zh, when_en = (f"{after.zh}后", f"after {after.en}") if step.after else ("立即", "at once")
    hours_zh = f"（{'、'.join(step.hours)}）" if step.hours else ""
    hours_en = f" ({', '.join(step.hours)})" if step.hours else ""
    return Sentence(
        f"{when_zh} {'、'.join(name.zh for name in names)}{hours_zh}", f"{when_en} {', '.join(name.en for name in names)}{hours_en}",
    )  # fmt: skip


def _target(name: str, ruleset: Ruleset) -> Sentence:
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    known = next((target for target in ruleset.targets if target.name == name), None)
    return Sentence((known.zh if known else "") or name, (known.en if known else "") or name)
