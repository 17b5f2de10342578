"""The morning's list: what somebody should see to before it matters. A pure function of the homes as the engine has them."""

from collections.abc import Iterable, Iterator

from alerting.facts import Finding, Matter
from alerting.home_state import DeviceState, HomeState
from alerting.terms import Sentence
from devices.home import Lifecycle, Role
from devices.observation import Property

CONTACTS_WANTED = 3
"""So that somebody answers when one is at work and one has changed the number."""

BATTERY_DUE = 25.0
"""Percent: above the rule that raises an alert, so that the visit comes before it."""


def daily_check(homes: Iterable[HomeState]) -> tuple[Finding, ...]:
    """Homes with fewer than three contacts that can be rung, silent devices, batteries that are due; by area, then home."""
    found = [finding for home in homes if not home.retired for finding in (*_contacts(home), *_devices(home))]
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
