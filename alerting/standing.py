"""How every rule stands for one home: what it waits for, since when, what it saw last, or why it watches nothing here.

For support and for trust; nothing is decided here. Rules that watch a home say it of themselves (`watching.kind.Kind.state`); for those
that judge a device as it speaks it is said here.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from alerting import wording
from alerting.area_rules import AreaOutage
from alerting.circumstances import Circumstances
from alerting.detection import Index, Limit
from alerting.hearing import Hearing, silent_at
from alerting.home_rules import HomeRule
from alerting.home_state import Beyond, DeviceState, HomeState
from alerting.rules import LowBattery, Rule, Silence, Threshold, Trigger
from alerting.terms import Sentence
from alerting.unheard import UNHEARD
from alerting.watching.kinds import kind_of
from alerting.watching.scene import Judgement, Phase, Scene, key_of
from devices.home import DeviceId, Lifecycle
from devices.observation import Property


class Standing(msgspec.Struct, frozen=True):
    """A rule, of one device where it judges devices."""

    rule: str
    title: Sentence
    judgement: Judgement
    device: DeviceId | None = None
    last_fired_at: datetime | None = None


def standings(home: HomeState, around: Circumstances, now: datetime) -> Iterator[Standing]:
    """Of every rule that holds and raises alerts, in the order of the rules."""
    scene = Scene(home, None, now, around.index, around)
    for rule in around.ruleset.rules:
        if not rule.alerts:
            continue
        if isinstance(rule, HomeRule):
            yield from _of_home(rule, scene)
        elif isinstance(rule, AreaOutage):
            yield _of_area(rule, home)
        else:
            yield from _of_devices(rule, scene, around)


def _of_home(rule: HomeRule, scene: Scene) -> Iterator[Standing]:
    home = scene.home
    exposing = [device for device in _devices(home) if rule.watches.intersection(_exposed(device, scene.index))]
    heard = [key for key in home.memories if key == rule.id or key.startswith(f"{rule.id}:")]
    if home.retired or (rule.watches and not exposing and not heard):
        yield _standing(rule, scene, None, _unwatched(home, tuple(sorted(rule.watches))))
        return
    for device in [one.record.id for one in exposing] if rule.by_device else [None]:
        own = scene.of(device)
        yield _standing(rule, own, device, kind_of(rule).state(rule, home.memories.get(key_of(rule, device)), own))


def _of_area(rule: AreaOutage, home: HomeState) -> Standing:
    title = Sentence("片区断网或断电", "an outage of the area")
    for member in home.outages:
        if member.rule == rule.id and member.back_at is None:
            sentence = Sentence("这户属于一起片区告警", "the home is part of an area's alert")
            return Standing(rule.id, title, Judgement(Phase.FIRING, sentence, since=member.since), last_fired_at=member.joined_at)
    return Standing(rule.id, title, Judgement(Phase.IDLE, Sentence("未发现片区异常", "nothing is wrong with the area")))


def _of_devices(rule: Rule, scene: Scene, around: Circumstances) -> Iterator[Standing]:
    if isinstance(rule, Silence):
        yield from _silences(rule, scene, around)
        return
    watched = _properties(rule)
    exposing = [device for device in _devices(scene.home) if watched.intersection(_exposed(device, scene.index))]
    if not exposing or scene.home.retired:
        yield _standing(rule, scene, None, _unwatched(scene.home, tuple(sorted(watched))))
    for device in exposing:
        yield _standing(rule, scene, device.record.id, _reading(rule, device, scene))


def _silences(rule: Silence, scene: Scene, around: Circumstances) -> Iterator[Standing]:
    for device in _devices(scene.home):
        if scene.index.silence(device.record.model) is not rule:
            continue
        yield _standing(rule, scene, device.record.id, _silence(device, scene, around))


def _silence(device: DeviceState, scene: Scene, around: Circumstances) -> Judgement:
    heard = device.last_heard_at
    if device.silent:
        since = scene.clock(heard or scene.now)
        return Judgement(
            Phase.FIRING, Sentence(f"自 {since.zh} 起没有消息", f"not heard since {since.en}"),
            clears=Sentence("再次收到它的消息即恢复", "it is over as soon as it is heard again"), since=heard,
        )  # fmt: skip
    if heard is None:
        return Judgement(Phase.NOT_WATCHED, Sentence("从未收到过它的消息，不作失联判断", "never heard yet: its silence means nothing"))
    due = silent_at(device, scene.index, Hearing(scene.home, around.deafness))
    if due is None:
        return Judgement(Phase.NOT_WATCHED, Sentence("该型号没有规定心跳，不作失联判断", "its model has no heartbeat to wait for"))
    if due[0] >= UNHEARD:
        return Judgement(
            Phase.NOT_WATCHED, since=heard,
            sentence=Sentence("暂时听不到这户，恢复之前不作失联判断", "the home cannot be heard: until it can be, silence means nothing"),
        )  # fmt: skip
    at, until = scene.clock(heard), scene.clock(due[0])
    sentence = Sentence(f"最后一次消息 {at.zh}，{until.zh} 前未再收到则报警", f"last heard at {at.en}; an alert at {until.en} unless heard")
    return Judgement(Phase.IDLE, sentence, since=heard, due_at=due[0])


def _reading(rule: Rule, device: DeviceState, scene: Scene) -> Judgement:
    """Of a trigger, a threshold or a low battery."""
    said = [(p, last) for p in sorted(_properties(rule)) if (last := device.last.get(p)) is not None]
    numbers = {p.value: float(last.value) for p, last in said}
    beyond, watched = device.past(rule.id), scene.index.limits.get(rule.id)
    if beyond is not None and watched is not None:
        return _beyond(beyond, watched[1].of(scene.home.arranged.own), scene, numbers)
    true = [(p, last) for p, last in said if last.value is True]
    if true:
        at = scene.clock(true[0][1].at)
        sentence = Sentence(f"自 {at.zh} 起处于报警状态", f"it has said so since {at.en}")
        return Judgement(Phase.FIRING, sentence, clears=_clears(rule, scene), since=true[0][1].at, numbers=numbers)
    if not said:
        return Judgement(Phase.IDLE, Sentence("还没有收到相关数据", "nothing was said of it yet"))
    latest = max(said, key=lambda one: one[1].at)
    at = scene.clock(latest[1].at)
    if isinstance(latest[1].value, bool):
        return Judgement(Phase.IDLE, Sentence(f"{at.zh} 报告正常", f"all well, as said at {at.en}"), since=latest[1].at, numbers=numbers)
    level = wording.reading(latest[0], latest[1].value)
    value, unit = level["value"], level["unit"]
    sentence = Sentence(f"{at.zh} 测得 {value.zh}{unit.zh}，在限值之内", f"{value.en}{unit.en} at {at.en}, within the limit")
    return Judgement(Phase.IDLE, sentence, since=latest[1].at, numbers=numbers)


def _beyond(beyond: Beyond, limit: Limit, scene: Scene, numbers: dict[str, float]) -> Judgement:
    since, until = beyond.since, beyond.held_until(limit.hold)
    begun = scene.clock(since)
    numbers = numbers | {"limit": limit.limit, "clear": limit.clear}
    if beyond.evidence is None:
        sentence = Sentence(f"自 {begun.zh} 起超过限值", f"past its limit since {begun.en}")
        return Judgement(Phase.FIRING, sentence, clears=_clears(limit.rule, scene), since=since, numbers=numbers)
    at = scene.clock(until)
    sentence = Sentence(
        f"自 {begun.zh} 起超过限值，{at.zh} 前未恢复则报警", f"past its limit since {begun.en}; an alert at {at.en} if it stays so",
    )
    return Judgement(Phase.PENDING, sentence, since=since, due_at=until, numbers=numbers)


def clears(rule: Rule, index: Index) -> Sentence:
    """What would end an alert of the rule by itself, in words; for those that judge a device as it speaks."""
    match rule:
        case AreaOutage():
            share = round(100 * rule.clear)
            return Sentence(f"未恢复的住户不超过 {share}% 即恢复", f"it clears when no more than {share} % of its homes are still dark")
        case Silence():
            return Sentence("再次收到它的消息即恢复", "it clears as soon as the device is heard again")
        case Threshold() | LowBattery():
            limit = index.limits.get(rule.id)
            property_ = limit[0] if limit else Property.BATTERY
            words = wording.reading(property_, rule.clear)
            value, unit = words["value"], words["unit"]
            over = limit is None or not limit[1].up
            zh, en = ("不低于", "at or over") if over else ("不高于", "at or under")
            return Sentence(f"读数{zh} {value.zh}{unit.zh} 即恢复", f"it clears at a reading {en} {value.en}{unit.en}")
        case Trigger():
            from_calls = not _properties(rule).difference({Property.SOS, Property.PULL_CORD})
            if from_calls:
                return Sentence("求助不会自行解除，只能由值班人员结案", "a call for help clears by nothing; a person closes it")
            return Sentence("设备报告恢复正常即恢复", "it clears when the device says that it is over")
        case _:
            return Sentence("不再满足规则的条件即恢复", "it clears when what the rule waits for is no longer so")


def _clears(rule: Rule, scene: Scene) -> Sentence:
    return clears(rule, scene.index)


def _properties(rule: Rule) -> frozenset[Property]:
    match rule:
        case Trigger():
            return frozenset(rule.properties)
        case Threshold():
            return frozenset({rule.property})
        case LowBattery():
            return frozenset({Property.BATTERY, Property.BATTERY_LOW})
        case _:
            return frozenset()


def _devices(home: HomeState) -> list[DeviceState]:
    return [device for device in home.devices.values() if device.record.lifecycle is not Lifecycle.RETIRED]


def _exposed(device: DeviceState, index: Index) -> frozenset[Property]:
    model = index.models.get(device.record.model)
    return frozenset((*device.record.exposes, *(model.exposes if model else ()), *device.last))


def _unwatched(home: HomeState, watched: tuple[Property, ...]) -> Judgement:
    if home.retired:
        return Judgement(Phase.NOT_WATCHED, Sentence("该住户已停用", "the home is retired"))
    names = ", ".join(p.value for p in watched)
    return Judgement(Phase.NOT_WATCHED, Sentence(f"家中没有设备提供：{names}", f"no device of this home says {names}"))


def _standing(rule: Rule | HomeRule, scene: Scene, device: DeviceId | None, judgement: Judgement) -> Standing:
    firings = scene.home.fired.get(key_of(rule, device) if isinstance(rule, HomeRule) else rule.id)
    known = scene.home.devices.get(device) if device else None
    fields = wording.place(known.record.room) if known else {}
    if known:
        fields = fields | {"device": wording.device(scene.index.kind(known.record.model), known.record.name)}
    return Standing(rule.id, wording.render(rule.title, fields), judgement, device, firings[-1].at if firings else None)
