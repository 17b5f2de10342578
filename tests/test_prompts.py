"""Safety prompts under judgement: what is said at once, in the morning, once, or not at all; to whom; the same after a restart."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from alerting.assembly import RulesetError, assemble
from alerting.caring.commands import SetCarePlan
from alerting.caring.facts import CareDone, CareMissed
from alerting.caring.help_facts import MessageRequested
from alerting.caring.help_records import Event
from alerting.caring.prompt_facts import PromptDropped, PromptFound, PromptPutOff, PromptSaid
from alerting.caring.prompting import AWAY, ENOUGH, IN_QUIET_HOURS, NOBODY, OFTEN, OVER, PromptPayload
from alerting.caring.prompts import Audience, PromptFile, Quiet
from alerting.caring.records import CarePlan, Errand, Every, PlanId
from alerting.commands import Asked, RegisterDevice, RegisterPerson, RetireDevice, SetHomeMode, SetSilence
from alerting.engine import Engine
from alerting.facts import AlertRaised, CommandIssued, Fact
from alerting.home_state import HomeState
from alerting.items import ServiceStarted
from alerting.policy import EscalationFile
from alerting.refusals import IllegalTransition
from alerting.rules import DispositionFile, RuleFile, Ruleset
from alerting.snapshots import home_key
from alerting.terms import Category, Mode, SilenceId
from config import DEFAULTS, load, load_all
from devices.catalog import Models
from devices.home import Device, DeviceId, ModelId, Person, PersonId, Role
from gateway.care_round import CareRound
from gateway.inbox import Outcome
from tests.household import MODELS
from tests.test_care import local
from tests.town import Town, of, row

FILE = load(DEFAULTS / "prompts.toml", PromptFile)


def shipped(prompts: PromptFile = FILE) -> Ruleset:
    return assemble(
        load_all(DEFAULTS / "rules", RuleFile), load(DEFAULTS / "escalation.toml", EscalationFile),
        load(DEFAULTS / "dispositions.toml", DispositionFile), (*load(DEFAULTS / "models.toml", Models).model, *MODELS),
        channels={"family": ("sms",)}, prompts=prompts,
    )  # fmt: skip


SHIPPED = shipped()


class Evening:
    """A home with a hub that speaks, a cord, a gas detector, a door and a motion sensor, a daughter; the calendar looks each minute."""

    def __init__(self, at: str, ruleset: Ruleset = SHIPPED) -> None:
        self.ruleset = ruleset
        self.town = Town(1, ruleset=ruleset)
        self.town.now = local(at)
        self.id = self.town.homes[0]
        for device, model, room in (
            ("speaker", "anju-hub-1", ""), ("gas", "anju-gas-1", "厨房"), ("door", "anju-door-1", ""), ("motion", "anju-motion-1", "卧室"),
            ("bath", "cord", "卫生间"),
        ):  # fmt: skip
            self.town.asks(RegisterDevice(Device(DeviceId(f"{self.id}-{device}"), self.id, ModelId(model), room=room)))
        self.town.asks(RetireDevice(self.id, DeviceId(f"{self.id}-hub")))
        daughter = Person(PersonId("daughter"), self.id, Role.FAMILY, "某小梅", phone="139-0000-0034", hours=("06:00-23:30",))
        self.town.asks(RegisterPerson(daughter))
        self.town.asks(RegisterPerson(Person(PersonId("grid"), self.id, Role.GRID_WORKER, "某网格员", phone="139-0000-0035")))

    @property
    def home(self) -> HomeState:
        return self.town.engine.homes[self.id]

    def says(self, device: str, **values: bool | float) -> list[Fact]:
        return self.town.says(self.id, device, **values)

    def round(self) -> list[Fact]:
        before = len(self.town.facts)

        def ask(asked: Asked, answer: Callable[[Outcome], None]) -> None:
            answer(Outcome(facts=tuple(self.town.takes(asked))))

        asyncio.run(CareRound(self.town.engine, ask, lambda: self.town.now).run())
        return self.town.facts[before:]

    def until(self, text: str, minutes: int = 8) -> list[Fact]:
        """Time passes; the hub says that it is there, and the calendar looks."""
        before = len(self.town.facts)
        while self.town.now < local(text):
            self.says("speaker", rssi=-60)
            self.town.now = min(local(text), self.town.now + timedelta(minutes=minutes))
            self.town._kept(self.town.engine.advance(self.town.now))
            self.round()
        return self.town.facts[before:]

    def restart(self, at: str) -> list[Fact]:
        """From the journal alone, at a later moment."""
        engine = Engine(self.ruleset)
        for entry, moment in self.town.journal:
            engine.fold(entry, moment)
        self.town.engine, before, self.town.now = engine, len(self.town.facts), local(at)
        self.town.takes(ServiceStarted(None))
        self.round()
        return self.town.facts[before:]

    def gas(self) -> list[Fact]:
        """Traces of it for three minutes."""
        before = len(self.town.facts)
        for _ in range(4):
            self.says("gas", gas=3)
            self.town.now += timedelta(minutes=1)
            self.town._kept(self.town.engine.advance(self.town.now))
        return self.town.facts[before:]


def test_gas_left_on_at_night_is_said_at_once_by_the_hub_and_to_the_family_and_is_no_alert() -> None:
    night = Evening("2026-11-22 23:00")
    facts = night.gas()
    (said,) = of(PromptSaid, facts)
    (command,) = [one for one in of(CommandIssued, facts) if one.alert is None]
    (message,) = of(MessageRequested, facts)
    assert command.topic.endswith(f"/{night.id}-speaker/command")
    payload = msgspec.json.decode(command.payload, type=PromptPayload)
    assert (payload.command, payload.prompt) == ("prompt", "gas-on")
    assert payload.text.zh.startswith("请检查燃气。")
    assert "厨房" in payload.text.zh
    assert (message.person, message.channel, message.event) == ("daughter", "sms", Event.PROMPT)
    assert (said.devices, said.people) == ((f"{night.id}-speaker",), ("daughter",))
    assert facts.index(said) < facts.index(command) < facts.index(message), "what is said follows the word that it is"
    assert not of(AlertRaised, facts)


def test_the_same_gas_is_not_said_again_within_half_an_hour_and_is_after_it() -> None:
    night = Evening("2026-11-22 23:00")
    night.gas()
    night.says("gas", gas=0)
    again = night.gas()
    assert [fact.why for fact in of(PromptDropped, again)] == [OFTEN]
    night.says("gas", gas=0)
    night.until("2026-11-22 23:50")
    assert len(of(PromptSaid, night.gas())) == 1


def test_gas_that_the_detector_alarms_for_is_an_alert_whatever_prompts_there_are() -> None:
    with_prompts, without = Evening("2026-11-22 23:00"), Evening("2026-11-22 23:00", shipped(PromptFile()))
    raised = [of(AlertRaised, [*evening.gas(), *evening.says("gas", gas_alarm=True)]) for evening in (with_prompts, without)]
    assert [[fact.category for fact in one] for one in raised] == [[Category.GAS]] * 2
    assert [fact.next_step_at for fact in raised[0]] == [fact.next_step_at for fact in raised[1]], "it rings as it does without"
    assert [fact.alert for fact in raised[0]] == [fact.alert for fact in raised[1]]


def test_a_door_left_open_at_night_is_said_once() -> None:
    night = Evening("2026-11-22 22:30")
    night.says("door", contact_open=True)
    facts = night.until("2026-11-23 05:00")
    assert [fact.prompt for fact in of(PromptSaid, facts)] == ["door-open"]
    assert [fact.rule for fact in of(PromptFound, facts)] == ["door-open-at-night"]
    assert not [fact for fact in of(AlertRaised, facts) if fact.category is not Category.TECHNICAL]


@pytest.mark.parametrize(("degrees", "prompt"), [(35.0, "too-hot"), (5.0, "too-cold")])
def test_heat_and_cold_are_said_when_they_last(degrees: float, prompt: str) -> None:
    day = Evening("2026-11-22 10:00")
    day.says("motion", temperature=degrees)
    assert [fact.prompt for fact in of(PromptSaid, day.until("2026-11-22 11:30"))] == [prompt]


def test_a_battery_that_is_low_at_night_is_an_alert_at_once_and_a_word_in_the_morning() -> None:
    night = Evening("2026-11-22 22:00")
    facts = night.says("door", battery=10)
    assert [fact.rule for fact in of(AlertRaised, facts)] == ["battery-low"]
    (put_off,) = of(PromptPutOff, facts)
    assert put_off.until == local("2026-11-23 08:00")
    assert not of(PromptSaid, night.until("2026-11-23 07:50"))
    assert [fact.prompt for fact in of(PromptSaid, night.until("2026-11-23 08:10"))] == ["battery"]
    assert not of(PromptSaid, night.until("2026-11-24 12:00")), "once"


def test_a_battery_that_was_changed_by_the_morning_is_not_spoken_of() -> None:
    night = Evening("2026-11-22 22:00")
    night.says("door", battery=10)
    night.says("door", battery=90)
    facts = night.until("2026-11-23 09:00")
    assert not of(PromptSaid, facts)
    assert [fact.why for fact in of(PromptDropped, facts)] == [OVER]


def test_what_waits_for_the_morning_is_said_once_after_a_restart_that_slept_through_it() -> None:
    night = Evening("2026-11-22 22:00")
    night.says("door", battery=10)
    facts = night.restart("2026-11-23 11:00")
    (said,) = of(PromptSaid, facts)
    (message,) = of(MessageRequested, facts)
    assert [one.notification for one in night.town.engine.pending_messages()] == [message.notification]
    again = night.restart("2026-11-23 11:30")
    assert not of(PromptSaid, again)
    assert [one.notification for one in night.town.engine.pending_messages()] == [message.notification], "still to be sent, under its id"
    assert said in night.home.care.prompted.told


def test_a_restored_row_and_a_folded_journal_know_the_same_of_prompts() -> None:
    night = Evening("2026-11-22 22:00")
    night.says("door", battery=10)
    night.gas()
    folded, restored = Engine(SHIPPED), Engine(SHIPPED)
    for entry, moment in night.town.journal:
        folded.fold(entry, moment)
    for saved in [*night.town.engine.keys()]:
        restored.restore(saved, night.town.engine.snapshot(saved))
    key = home_key(night.id)
    assert row(folded, key) == row(restored, key) == row(night.town.engine, key)
    assert folded.differences == 0


def test_medicine_that_was_not_taken_in_the_quiet_hours_is_left_out() -> None:
    prompts = tuple(replace(p, rules=("battery-low",), quiet=Quiet.DROP) if p.id == "medication" else p for p in FILE.prompts)
    night = Evening("2026-11-22 22:00", shipped(replace(FILE, prompts=tuple(p for p in prompts if p.id == "medication"))))
    facts = night.says("door", battery=10)
    assert [fact.why for fact in of(PromptDropped, facts)] == [IN_QUIET_HOURS]
    assert not of(PromptSaid, night.until("2026-11-23 12:00"))


def test_a_cord_that_nobody_tried_this_month_is_said_once_on_the_25th_and_names_it() -> None:
    month = Evening("2026-11-22 10:00")
    month.until("2026-12-01 01:00", 360)
    month.says("watch", sos=True)
    month.says("gas", test=True)
    month.says("cord", test=True)
    facts = month.until("2026-12-25 07:00", 360) + month.until("2026-12-26 07:00", 60) + month.until("2026-12-30 23:00", 360)
    (said,) = of(PromptSaid, facts)
    assert said.at == local("2026-12-25 09:00")
    assert "卫生间拉绳" in said.text.zh
    assert said.text.zh.count("、") == 0, "the cord that was tried is not named"


def test_who_tried_everything_this_month_hears_nothing() -> None:
    month = Evening("2026-11-22 10:00")
    month.until("2026-12-01 01:00", 360)
    for device in ("cord", "bath", "watch"):
        month.says(device, sos=True) if device == "watch" else month.says(device, pull_cord=True)
    month.says("gas", test=True)
    assert not of(PromptSaid, month.until("2026-12-30 23:00", 360))


def test_a_device_of_this_month_is_not_asked_for() -> None:
    month = Evening("2026-11-22 10:00")
    assert not of(PromptSaid, month.until("2026-11-30 23:00", 360))


def test_a_planned_prompt_is_said_at_its_hour_with_its_words_and_is_nobodys_task() -> None:
    day = Evening("2026-11-22 07:00")
    plan = CarePlan(PlanId("pills"), day.id, Errand.PROMPT, Every.DAY, "07:30", within_min=30, note="请服降压药")
    day.town.asks(SetCarePlan(plan))
    facts = day.until("2026-11-22 08:00")
    (said,) = of(PromptSaid, facts)
    assert said.text.zh.startswith("请服降压药。")
    assert len(of(CareDone, facts)) == 1
    assert not day.home.care.open
    later = day.until("2026-11-24 12:00")
    occasions = [f"planned:{day.id}.pills.2026-11-{number}" for number in (23, 24)]
    assert [one.occasion for one in of(PromptSaid, later)] == occasions


def test_planned_prompts_whose_time_was_slept_through_are_not_said_late() -> None:
    day = Evening("2026-11-22 07:00")
    day.town.asks(SetCarePlan(CarePlan(PlanId("pills"), day.id, Errand.PROMPT, Every.DAY, "07:30", within_min=30, note="请服降压药")))
    facts = day.restart("2026-11-24 12:00")
    assert not of(PromptSaid, facts)
    assert len(of(CareMissed, facts)) == 3


def test_a_plan_of_a_prompt_without_words_is_refused() -> None:
    day = Evening("2026-11-22 07:00")
    with pytest.raises(IllegalTransition, match="what the prompt says"):
        day.town.asks(SetCarePlan(CarePlan(PlanId("x"), day.id, Errand.PROMPT, Every.DAY, "07:30")))


def test_a_home_that_is_away_is_told_of_danger_alone() -> None:
    day = Evening("2026-11-22 10:00")
    day.town.asks(SetHomeMode(day.id, Mode.HOLIDAY, local("2026-11-29 10:00"), "探亲"))
    assert [fact.why for fact in of(PromptDropped, day.says("door", battery=10))] == [AWAY]
    assert len(of(PromptSaid, day.gas())) == 1


def test_a_silence_that_mutes_the_alert_keeps_the_word_from_being_said_too() -> None:
    day = Evening("2026-11-22 10:00")
    day.town.asks(SetSilence(SilenceId("s"), day.id, None, (Category.TECHNICAL,), local("2026-11-22 18:00"), "检修"))
    facts = day.says("door", battery=10)
    assert len(of(AlertRaised, facts)) == 1
    assert not of(PromptSaid, facts)


def test_a_home_is_told_only_so_much_in_a_day_and_of_danger_all_the_same() -> None:
    day = Evening("2026-11-22 10:00", shipped(replace(FILE, most_a_day=2)))
    facts = [fact for device in ("door", "motion", "cord", "bath") for fact in day.says(device, battery=10)]
    assert len(of(PromptSaid, facts)) == 2
    assert [fact.why for fact in of(PromptDropped, facts)] == [ENOUGH, ENOUGH]
    assert len(of(PromptSaid, day.gas())) == 1


def test_where_nothing_can_say_it_and_nobody_can_be_told_that_is_what_is_written_down() -> None:
    day = Evening("2026-11-22 10:00", shipped(replace(FILE, prompts=tuple(replace(p, to=(Audience.HOME,)) for p in FILE.prompts))))
    for device in ("speaker",):
        day.town.asks(RetireDevice(day.id, DeviceId(f"{day.id}-{device}")))
    assert [fact.why for fact in of(PromptDropped, day.says("door", battery=10))] == [NOBODY]


def test_a_daughter_is_not_told_outside_her_hours() -> None:
    night = Evening("2026-11-23 01:00")
    facts = night.gas()
    assert [fact.people for fact in of(PromptSaid, facts)] == [()]
    assert not of(MessageRequested, facts)


@pytest.mark.parametrize(
    ("sentence", "wrong", "said"),
    [
        ("a rule that is not there", {"rules": ("no-such-rule",)}, "there is no rule"),
        ("two things at once", {"untested_from": 25}, "exactly one"),
        ("nobody", {"to": ()}, "tells nobody"),
        ("every minute", {"every": timedelta(minutes=1)}, "every is under"),
    ],
)
def test_a_prompt_that_makes_no_sense_is_refused_in_words(sentence: str, wrong: dict[str, object], said: str) -> None:
    prompts = tuple(replace(p, **wrong) if p.id == "gas-on" else p for p in FILE.prompts)
    with pytest.raises(RulesetError, match=said):
        shipped(replace(FILE, prompts=prompts))
    assert sentence


def test_a_rule_under_the_safety_floor_may_not_be_without_an_alert() -> None:
    rules = load_all(DEFAULTS / "rules", RuleFile)
    quiet = [replace(file, rules=tuple(replace(rule, alerts=False) if rule.id == "gas" else rule for rule in file.rules)) for file in rules]
    with pytest.raises(RulesetError, match="alerts = false under the safety floor"):
        assemble(quiet, load(DEFAULTS / "escalation.toml", EscalationFile), load(DEFAULTS / "dispositions.toml", DispositionFile), MODELS)
