"""The morning's list: what somebody should see to before it matters. A pure function of the homes as the engine has them."""

from collections.abc import Iterable, Iterator

from alerting.caring.records import Errand, Every, State
from alerting.home_state import DeviceState, HomeState
from alerting.items import Finding, Matter
from alerting.synthetic import is_synthetic
from alerting.terms import Sentence
from devices.home import Lifecycle, Role
from devices.observation import Property

CONTACTS_WANTED = 3
"""So that somebody answers when one is at work and one has changed the number."""

BATTERY_DUE = 25.0
"""Percent: above the rule that raises an alert, so that the visit comes before it."""


def daily_check(homes: Iterable[HomeState]) -> tuple[Finding, ...]:
    """Homes with fewer than three contacts that can be rung, silent devices, batteries that are due, visits; by area, then home."""
    seen_to = (home for home in homes if not home.retired and not is_synthetic(home))
    found = [finding for home in seen_to for finding in (*_contacts(home), *_devices(home), *_visits(home))]
    return tuple(sorted(found, key=lambda f: (f.area, f.home, f.matter, f.device or "")))


def _contacts(home: HomeState) -> Iterator[Finding]:
    """A contact works if there is a number to ring; a home that only its devices know has none to be missed."""
    if home.record is None:
        return
    count = len({p.phone.strip() for p in home.people.values() if p.role is not Role.RESIDENT and p.phone.strip()})
    if count < CONTACTS_WANTED:
        zh = f"只有 {count} 个可拨打的联系人，至少应有 {CONTACTS_WANTED} 个。" if count else "没有可拨打的联系人。"
        en = f"Only {count} of {CONTACTS_WANTED} contacts can be rung." if count else "No contact can be rung."
        yield Finding(home.area, home.id, Matter.CONTACTS, Sentence(zh, en))


def _visits(home: HomeState) -> Iterator[Finding]:
    """Every especially vulnerable resident is visited each month: that needs a plan, and somebody who goes."""
    vulnerable = [p.name for p in home.people.values() if p.role is Role.RESIDENT and p.vulnerable]
    plans = (planned.plan for planned in home.care.plans.values())
    if vulnerable and not any(plan.errand is Errand.VISIT and plan.every is not Every.ONCE for plan in plans):
        names = "、".join(vulnerable)
        said = Sentence(f"{names} 须每月探访，尚无探访计划。", f"{names} has to be visited every month, and no visit is planned.")
        yield Finding(home.area, home.id, Matter.VISIT, said)
    for occasion in home.care.open.values():
        if occasion.errand is Errand.VISIT and occasion.state is State.OVERDUE:
            said = Sentence(f"{occasion.day} 的上门探访已逾期。", f"The visit of {occasion.day} is overdue.")
            yield Finding(home.area, home.id, Matter.VISIT, said)


def _devices(home: HomeState) -> Iterator[Finding]:
    for id_, state in home.devices.items():
        if state.record.lifecycle is Lifecycle.RETIRED:
            continue
        called = state.record.name or id_
        name = Sentence(f"{state.record.room}“{called}”", f"{state.record.room} “{called}”".strip())
        if state.silent:
            yield Finding(home.area, home.id, Matter.SILENT, Sentence(f"{name.zh}没有声音。", f"{name.en} is silent."), id_)
        if (sentence := _battery(name, state)) is not None:
            yield Finding(home.area, home.id, Matter.BATTERY, sentence, id_)


def _battery(name: Sentence, state: DeviceState) -> Sentence | None:
    low = state.last.get(Property.BATTERY_LOW)
    if state.battery is not None and state.battery <= BATTERY_DUE:
        return Sentence(f"{name.zh}电量 {state.battery:g}%，该换电池。", f"{name.en}: battery at {state.battery:g} %, due.")
    if low is not None and low.value is True:
        return Sentence(f"{name.zh}报告电量低，该换电池。", f"{name.en} says its battery is low.")
    return None
