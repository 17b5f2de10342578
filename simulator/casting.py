"""Who lives where: a scenario's residents and dwellings dealt to the homes, by number or by chance, the same for the same seed."""

from collections.abc import Iterable
from random import Random

from simulator.body import Health
from simulator.device import Kind
from simulator.dwelling import Dwelling
from simulator.home import DeviceRecord, HomeRecord, Occupant
from simulator.resident import Habits
from simulator.story import Forgets, Heart, Often, Resident, Scenario, Sleeps

DAYS = {Often.EVERY_DAY: 0.95, Often.MOST_DAYS: 0.75, Often.SOME_DAYS: 0.3, Often.HARDLY_EVER: 0.05}
RESTLESS = {Sleeps.WELL: 1.0, Sleeps.BADLY: 2.5, Sleeps.HARDLY: 5.0}
FORGETFUL = {Forgets.NOTHING: 0.0, Forgets.SOMETIMES: 0.15, Forgets.OFTEN: 0.5}
HEALTH = {
    Heart.GOOD: Health(),
    Heart.HIGH_PRESSURE: Health(systolic=158.0, diastolic=90.0),
    Heart.WEAK_HEART: Health(heart_rate=76.0, spo2=96.0, respiration=16.0, systolic=122.0),
    Heart.WEAK_LUNGS: Health(heart_rate=74.0, spo2=95.2, respiration=17.5),
}


def cast(scenario: Scenario, homes: Iterable[str], seed: int) -> tuple[dict[str, Occupant], dict[str, Resident]]:
    """Occupants by home, and the word of the file that each follows; a home that nobody was cast for is in neither."""
    buildings = {one.name: Dwelling(one.walls, one.spread, one.air_changes, one.rooms) for one in scenario.dwelling}
    occupants, words = {}, {}
    for number, home in enumerate(homes, start=1):
        resident = _of(scenario, number, home, seed)
        if resident is not None:
            words[home] = resident
            occupants[home] = Occupant(
                resident.who, _habits(resident), HEALTH[resident.health], buildings.get(resident.dwelling, Dwelling()),
            )  # fmt: skip
    return occupants, words


def _of(scenario: Scenario, number: int, home: str, seed: int) -> Resident | None:
    named = next((resident for resident in scenario.resident if number in resident.homes), None)
    if named is not None:
        return named
    drawn = Random(f"{seed}:{home}:cast").uniform(0, 100)  # noqa: S311 - a story, not a secret
    for resident in scenario.resident:
        drawn -= resident.share
        if drawn < 0:
            return resident
    return None


def _habits(resident: Resident) -> Habits:
    out = DAYS[resident.goes_out]
    return Habits(
        resident.rises / 3600, resident.to_bed / 3600, resident.naps, out, min(out, 0.6), min(DAYS[resident.visitors], 0.4),
        resident.toilet_at_night, RESTLESS[resident.sleeps], FORGETFUL[resident.forgets],
    )  # fmt: skip


ROOMS = {
    "cord-bed": "卧室", "cord-bath": "卫生间", "smoke": "厨房", "co": "厨房", "gas": "厨房", "water": "卫生间", "meter": "卫生间",
    "bed": "卧室",
    "door": "门厅", "power": "门厅", "motion-bed": "卧室", "motion-living": "客厅", "motion-kitchen": "厨房", "motion-bath": "卫生间",
    "watch": "随身", "pendant": "随身", "fall": "随身", "hub": "客厅",
}  # fmt: skip


def furnished(record: HomeRecord, kit: tuple[str, ...]) -> HomeRecord:
    """The home with that kit instead of its own."""
    if not kit:
        return record
    devices = tuple(DeviceRecord(f"{record.id}-{slot}", model_of(slot), ROOMS.get(slot, "")) for slot in kit)
    return HomeRecord(record.id, record.area, devices)


def model_of(slot: str) -> str:
    """The reference model of the catalogue."""
    return f"anju-{Kind(slot.split('-', 1)[0])}-{2 if slot == 'cord-bath' else 1}"
