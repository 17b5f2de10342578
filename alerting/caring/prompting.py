"""Safety prompts, decided: what came up is said now, in the morning, or not at all. Pure; the engine makes the facts hold one by one.

A prompt never stands in the place of an alert: where a rule raises one, the prompt comes behind it and changes nothing of it; where a rule
raises none (`alerts = false`) it may not be under the safety floor. A prompt is said once for an occasion (the alert, the finding, the
month, the planned day), which has the same id after a restart. What waits for the morning is in the home's row, and the calendar's look
says it (`caring.caring`): up to a minute late, and after a restart at once.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from alerting import wording
from alerting.alert import Alert
from alerting.caring.days import local
from alerting.caring.help_facts import MessageRequested
from alerting.caring.help_records import Event
from alerting.caring.prompt_facts import PromptDropped, PromptFound, PromptPutOff, PromptSaid
from alerting.caring.prompts import Audience, Prompt, Quiet
from alerting.caring.records import Occasion
from alerting.circumstances import Circumstances
from alerting.facts import CommandIssued, Fact
from alerting.home_state import DeviceState, HomeState
from alerting.identity import message_id
from alerting.registry import Registry
from alerting.rule_head import Template
from alerting.schedule import Openings, next_clock, parse
from alerting.terms import AlertId, Origin, Sentence
from devices.home import DeviceId, HomeId, Lifecycle, Person, Role
from devices.observation import URGENT
from devices.topic import Channel, DeviceTopic

MORNING = 9
"""Local hour from which on untested devices are told of."""
DANGER_KEPT = timedelta(minutes=30)
"""How long a sleeping device may still be told of danger."""
KEPT = timedelta(hours=12)
KIN = frozenset({Role.FAMILY, Role.CONTACT})

AWAY = Sentence("登记为不在家", "nobody is at home, as registered")
IN_QUIET_HOURS = Sentence("处于免打扰时段", "it came in the quiet hours")
OFTEN = Sentence("不久前已提醒过", "the same was said not long before")
ENOUGH = Sentence("24 小时内提醒已达上限", "as much as a home is told in 24 hours was said already")
OVER = Sentence("情况已解除", "the matter was over by then")
NOBODY = Sentence("没有能播报的设备，也没有可通知的人", "no device can say it and nobody can be told")


class PromptWords(msgspec.Struct, frozen=True):
    zh: str
    en: str


class PromptPayload(msgspec.Struct, frozen=True):
    """What a device with a voice or a screen is told to say. It answers with a `reply`."""

    id: str
    command: str
    prompt: str
    text: PromptWords


class Came(msgspec.Struct, frozen=True):
    """What came up. `cause` tells it from other occasions; `of`: the device or plan that it is a matter of; `alert`: that it follows."""

    cause: str
    what: Sentence
    of: str = ""
    alert: AlertId | None = None


_encode = msgspec.json.Encoder().encode


class Prompting:
    def __init__(self, registry: Registry, around: Circumstances) -> None:
        self._registry = registry
        self._around = around

    @property
    def _shift(self) -> timedelta:
        return self._around.wall_offset + timedelta(minutes=self._around.ruleset.utc_offset_minutes)

    # --- what came up ----------------------------------------------------------------------------------------------------------

    def found(self, fact: PromptFound) -> Iterator[Fact]:
        """A rule without an alert found something."""
        for prompt in self._following(fact.rule):
            yield from self._come(fact.home, prompt, Came(fact.cause, fact.reason, fact.device or ""), fact.at)

    def raised(self, alert: Alert, at: datetime) -> Iterator[Fact]:
        """A rule raised an alert: a real one, of a home, for the first time."""
        if alert.home and alert.origin is Origin.REAL and alert.silenced_by is None:
            for prompt in self._following(alert.rule):
                yield from self._come(alert.home, prompt, Came(alert.id, alert.reason, alert.device or "", alert.id), at)

    def planned(self, home: HomeState, occasion: Occasion, now: datetime) -> Iterator[Fact]:
        """An occasion of a plan with the errand `prompt` is due."""
        prompt = next((prompt for prompt in self._around.ruleset.prompts.prompts if prompt.planned), None)
        if prompt is not None:
            yield from self._come(home.id, prompt, Came(occasion.id, Sentence(occasion.note, occasion.note), occasion.plan), now)

    def see_to(self, home: HomeState, now: datetime) -> Iterator[Fact]:
        """What the calendar brings: the end of the quiet hours, and devices that were not tried this month."""
        for put_off in [one for one in home.care.prompted.waiting.values() if one.until <= now]:
            prompt = next((p for p in self._around.ruleset.prompts.prompts if p.id == put_off.prompt), None)
            alert = home.alerts.get(put_off.alert) if put_off.alert is not None else None
            over = put_off.alert is not None and (alert is None or not alert.open or alert.cleared_at is not None)
            if prompt is None or over:
                yield PromptDropped(now, home.id, put_off.prompt, put_off.occasion, put_off.subject, put_off.title, OVER)
            else:
                yield from self._now(home, prompt, put_off, now)
        for prompt, month in self._months(home, now):
            names = [self._name(home.devices[id_]) for id_ in self._untested(home, now)]
            text = Sentence("、".join(n.zh for n in names), ", ".join(n.en for n in names))
            yield from self._come(home.id, prompt, Came(month, text), now)

    def untested_due(self, home: HomeState, now: datetime) -> bool:
        """Whether somebody is to be told that a device was not tried this month."""
        return next(self._months(home, now), None) is not None

    def _months(self, home: HomeState, now: datetime) -> Iterator[tuple[Prompt, str]]:
        day = local(now, self._shift)
        for prompt in self._around.ruleset.prompts.prompts:
            if not 0 < prompt.untested_from <= day.day or day.hour < MORNING:
                continue
            month = f"{day:%Y-%m}"
            if not home.care.prompted.knows(f"{prompt.id}:", f"{prompt.id}:{month}") and self._untested(home, now):
                yield prompt, month

    def _untested(self, home: HomeState, now: datetime) -> list[DeviceId]:
        """What calls for help, has been here since before the month, and of which nothing was heard in it."""
        first = local(now, self._shift).replace(day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
        since, tried = first - self._shift, home.proven.tried
        return [
            id_ for id_, device in home.devices.items()
            if device.record.lifecycle is Lifecycle.REGISTERED and URGENT.intersection(device.record.exposes)
            and (device.record.registered_at is None or device.record.registered_at < since)
            and (id_ not in tried or tried[id_] < since)
        ]  # fmt: skip

    # --- now, later, or not ----------------------------------------------------------------------------------------------------

    def _following(self, rule: str) -> Iterator[Prompt]:
        return (prompt for prompt in self._around.ruleset.prompts.prompts if rule in prompt.rules)

    def _come(self, home_id: HomeId, prompt: Prompt, came: Came, at: datetime) -> Iterator[Fact]:
        home = self._registry.homes.get(home_id)
        occasion, subject = f"{prompt.id}:{came.cause}", f"{prompt.id}:{came.of}"
        if home is None or home.retired or home.care.prompted.knows(subject, occasion):
            return
        title, text = _words(prompt.title), _text(came.what, prompt.advice)
        put_off = PromptPutOff(at, home.id, prompt.id, occasion, subject, title, text, at, came.alert)
        if prompt.quiet is not Quiet.AT_ONCE and self._quiet(at):
            if prompt.quiet is Quiet.DROP:
                yield _dropped(put_off, IN_QUIET_HOURS, at)
            else:
                ends = parse((self._around.ruleset.prompts.quiet_hours,)).hours[0][1]
                yield msgspec.structs.replace(put_off, until=next_clock(ends, self._shift, at))
            return
        yield from self._now(home, prompt, put_off, at)

    def _now(self, home: HomeState, prompt: Prompt, wanted: PromptPutOff, at: datetime) -> Iterator[Fact]:
        said, danger = home.care.prompted, prompt.quiet is Quiet.AT_ONCE
        before = said.said_at(wanted.subject)
        if before is not None and at < before + prompt.every:
            yield _dropped(wanted, OFTEN, at)
        elif not danger and home.arranged.mode is not None:
            yield _dropped(wanted, AWAY, at)
        elif not danger and said.said_lately(at) >= self._around.ruleset.prompts.most_a_day:
            yield _dropped(wanted, ENOUGH, at)
        else:
            yield from self._say(home, prompt, wanted, at)

    def _say(self, home: HomeState, prompt: Prompt, wanted: PromptPutOff, at: datetime) -> Iterator[Fact]:
        devices = tuple(self._speaking(home)) if Audience.HOME in prompt.to else ()
        channels = next((t.channels for t in self._around.ruleset.targets if t.name == self._around.ruleset.prompts.target), ())
        people = list(self._people(home, prompt, at)) if channels else []
        if not devices and not people:
            yield _dropped(wanted, NOBODY, at)
            return
        danger = prompt.quiet is Quiet.AT_ONCE
        yield PromptSaid(
            at, home.id, prompt.id, wanted.occasion, wanted.subject, wanted.title, wanted.text, devices,
            tuple(person.id for person in people), counted=not danger,
        )  # fmt: skip
        words = PromptWords(f"{wanted.title.zh}。{wanted.text.zh}", f"{wanted.title.en}. {wanted.text.en}")
        for device in devices:
            id_ = message_id(home.id, "prompt", wanted.occasion, device)
            topic = str(DeviceTopic(home.topic_area, home.id, device, Channel.COMMAND))
            payload = _encode(PromptPayload(id_, "prompt", prompt.id, words))
            yield CommandIssued(id_, at, topic, payload, home.id, None, at + (DANGER_KEPT if danger else KEPT))
        for person in people:
            for channel in channels:
                told = message_id(home.id, Event.PROMPT, wanted.occasion, person.id, channel)
                yield MessageRequested(told, at, home.id, channel, Event.PROMPT, wanted.title, wanted.text, person.id)

    def _quiet(self, at: datetime) -> bool:
        return Openings(parse((self._around.ruleset.prompts.quiet_hours,)), self._shift, ()).open(at)

    # --- who is there ----------------------------------------------------------------------------------------------------------

    def _speaking(self, home: HomeState) -> Iterator[DeviceId]:
        for id_, device in home.devices.items():
            model, record = self._around.index.models.get(device.record.model), device.record
            if model is not None and model.speaks and record.dialect == "anju" and record.lifecycle is not Lifecycle.RETIRED:
                yield id_

    def _people(self, home: HomeState, prompt: Prompt, at: datetime) -> Iterator[Person]:
        roles = (KIN if Audience.FAMILY in prompt.to else frozenset()) | ({Role.RESIDENT} if Audience.RESIDENT in prompt.to else set())
        for person in sorted(home.people.values(), key=lambda one: (one.order, one.id)):
            there = not person.hours or Openings(parse(person.hours), self._shift, ()).open(at)
            if person.role in roles and person.phone.strip() and there:
                yield person

    def _name(self, device: DeviceState) -> Sentence:
        record = device.record
        name = wording.device(self._around.index.kind(record.model), record.name)
        if not record.room:
            return name
        where = wording.place(record.room)
        return Sentence(f"{where['room'].zh}{name.zh}", f"{name.en}{where['in_room'].en}")


def _dropped(wanted: PromptPutOff, why: Sentence, at: datetime) -> PromptDropped:
    return PromptDropped(at, wanted.home, wanted.prompt, wanted.occasion, wanted.subject, wanted.title, why)


def _words(template: Template) -> Sentence:
    return Sentence(template.zh, template.en)


def _text(what: Sentence, advice: Template) -> Sentence:
    """What was found, then what to do."""
    zh = f"{what.zh.rstrip('。')}。{advice.zh}" if what.zh else advice.zh
    return Sentence(zh, f"{what.en.rstrip('.')}. {advice.en}" if what.en else advice.en)
