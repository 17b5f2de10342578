"""What is planted where and when: one emergency and one everyday trouble a home, by a seed; and what each does to the home."""

from collections.abc import Callable
from functools import partial
from random import Random

import msgspec

from benchmarks.county.bodies import Stricken
from benchmarks.county.emergencies import Course, Emergency
from simulator import device as d
from simulator import hazards, mishaps
from simulator.acts import ACTS, Act
from simulator.clock import DAY_S
from simulator.deed import Deed
from simulator.device import Kind
from simulator.home import VirtualHome
from simulator.physics.carbon_monoxide import Leak
from simulator.physics.fire import Burning, Fire
from simulator.physics.room import Air
from simulator.resident import Doing, Room
from simulator.wire import Values
from simulator.world import Part, Process

HOUR_S = 3600.0
FLAT_M3 = 116.0
"""43 m² of 2.7 m: simulator/dwelling.py."""
TROUBLES = (
    Act.BURN_FOOD, Act.SELF_TEST, Act.VISITOR, Act.TAKE_OFF_WATCH, Act.FORGET_CHARGER, Act.DRAIN_BATTERY, Act.PRISE_OPEN,
    Act.LEAVE_DOOR_OPEN,
)  # fmt: skip
FAULTS = ("line_cut", "wrong_clocks", "lossy_air")
AFTERMATH_S = 12 * HOUR_S
"""After it is over, until the home is as usual again."""


class Planted(msgspec.Struct, frozen=True):
    """Virtual seconds. `variant`: which course, where there are several."""

    home: str
    what: str
    at: float
    ends: float
    emergency: Emergency | None = None
    """None: a trouble or a fault, of which nothing need come."""
    variant: str = ""


Begun = Callable[[float], None]
"""Told the second at which it really began: who waits for somebody to be in the bathroom knows it only then."""


def schedule(home: VirtualHome, number: int, days: int, kinds: tuple[Emergency, ...], seed: int) -> tuple[Planted, Planted]:
    """Emergency and trouble of a home, at least two days apart, none on the first two days."""
    chance = Random(f"{seed}:{home.id}:planted")
    slots = {device.slot for device in home.devices}
    able = [kind for kind in kinds if slots.issuperset(kind.needs)]
    kind = able[number // 3 % len(able)]
    day, other = chance.sample(range(2, max(days - 1, 5), 2), 2)
    at = day * DAY_S + chance.uniform(*kind.hours) * HOUR_S
    variant = chance.choice(kind.course).name if kind.course else ""
    trouble = chance.choice((*TROUBLES, *FAULTS))
    begins = other * DAY_S + chance.uniform(8, 20) * HOUR_S
    return (
        Planted(home.id, kind.kind, at, at + kind.lasts_h * HOUR_S, kind, variant),
        Planted(home.id, trouble, begins, begins + DAY_S),
    )  # fmt: skip


def befalls(home: VirtualHome, planted: Planted, seed: int, begun: Begun) -> Callable[[float], Process]:
    """The process that does it."""
    if planted.emergency is None:
        return partial(_trouble, home, planted, seed)
    return partial(KINDS[planted.what], home, planted, planted.emergency, begun)


def _trouble(home: VirtualHome, planted: Planted, seed: int, now: float) -> Process:
    chance = Random(f"{seed}:{home.id}:trouble")
    match planted.what:
        case "line_cut":
            yield from mishaps.without_line(home, chance.uniform(0.2, 6) * HOUR_S)
        case "wrong_clocks":
            yield from mishaps.wrong_clocks(home, chance.choice((-3, -1, 1, 3)) * HOUR_S, DAY_S / 2)
        case "lossy_air":
            yield from mishaps.lossy_air(home, 0.3, DAY_S / 2)
        case act:
            capability = ACTS[Act(act)]
            device = home.find(capability.kind)
            if device is not None:
                yield from capability.process(Deed(home, device, ""), now)


# --- stillness --------------------------------------------------------------------------------------------------------------------


def _lies(home: VirtualHome, planted: Planted, now: float) -> None:
    home.lying_until = now + planted.ends - planted.at


def fall_felt(home: VirtualHome, planted: Planted, _: Emergency, begun: Begun, now: float) -> Process:
    watch = home.find(Kind.WATCH)
    now = yield from _until(now, lambda: home.stay.room is not Room.OUTSIDE)
    _lies(home, planted, now)
    begun(now)
    if watch is not None:
        yield home.say(watch, d.FALLEN, now)


def fall_unfelt(home: VirtualHome, planted: Planted, _: Emergency, begun: Begun, now: float) -> Process:
    now = yield from _until(now, lambda: home.stay.room is not Room.OUTSIDE and home.stay.doing is not Doing.ASLEEP)
    _lies(home, planted, now)
    begun(now)


def still_in_bathroom(home: VirtualHome, planted: Planted, _: Emergency, begun: Begun, now: float) -> Process:
    now = yield from _until(now, lambda: home.stay.room is Room.BATHROOM)
    now = yield 60.0
    _lies(home, planted, now)
    begun(now)


def does_not_get_up(home: VirtualHome, planted: Planted, _: Emergency, begun: Begun, now: float) -> Process:
    now = yield from _until(now, lambda: home.stay.doing is Doing.ASLEEP)
    _lies(home, planted, now)
    home.stays_in_bed_until = home.lying_until
    begun(now)


def leaves_at_night(home: VirtualHome, planted: Planted, _: Emergency, begun: Begun, now: float) -> Process:
    """Out of bed, through the living room, out of the door."""
    now = yield from _until(now, lambda: home.stay.doing is Doing.ASLEEP)
    _lies(home, planted, now)
    for kind, slot, values in ((Kind.BED, "", d.OUT_OF_BED), (Kind.MOTION, "motion-living", d.MOVEMENT), (Kind.DOOR, "", d.DOOR_OPEN)):
        device = home.find(kind, slot)
        if device is not None:
            now = yield home.say(device, values, now)
        now = yield 40.0
    begun(now)
    for kind, slot, values in ((Kind.DOOR, "", d.DOOR_SHUT), (Kind.MOTION, "motion-living", d.STILLNESS)):
        device = home.find(kind, slot)
        if device is not None:
            now = yield home.say(device, values, now)


def _until(now: float, so: Callable[[], bool]) -> Part:
    """Half a day at most."""
    ends = now + DAY_S / 2
    while not so() and now < ends:
        now = yield 20.0
    return now


# --- bodies -----------------------------------------------------------------------------------------------------------------------


def _course(emergency: Emergency, planted: Planted) -> Course:
    return next(course for course in emergency.course if course.name == planted.variant)


def deterioration(home: VirtualHome, planted: Planted, emergency: Emergency, begun: Begun, now: float) -> Process:
    home.body = Stricken(home, _course(emergency, planted), now, now + planted.ends - planted.at)
    begun(now)
    yield 0.0


def cold(home: VirtualHome, planted: Planted, emergency: Emergency, begun: Begun, now: float) -> Process:
    now = yield from _until(now, lambda: home.stay.room is not Room.OUTSIDE and home.stay.doing is not Doing.ASLEEP)
    _lies(home, planted, now)
    home.body = Stricken(home, _course(emergency, planted), now, home.lying_until)
    begun(now)


# --- fire, gas, water -------------------------------------------------------------------------------------------------------------


def blocked_flue(home: VirtualHome, planted: Planted, emergency: Emergency, begun: Begun, now: float) -> Process:
    """Until somebody opens the windows; the detector says how much, and does not call."""
    chance, detector = Random(f"{home.seed}:flue"), home.find(Kind.CO)
    leak = Leak(chance.uniform(*emergency.spills_m3_h), Air(FLAT_M3, home.occupant.dwelling.air_changes))
    ends = now + planted.ends - planted.at
    begun(now)
    while detector is not None and (now < ends or leak.ppm > 5.0):
        if now >= ends:
            leak.source_m3_h, leak.air = 0.0, Air(FLAT_M3, hazards.WINDOWS_OPEN_H)
        now = yield home.say(detector, Values(co=round(leak.ppm, 1)), now)
        now = yield 60.0
        leak.advance(60.0)


def smouldering_chair(home: VirtualHome, _: Planted, emergency: Emergency, begun: Begun, now: float) -> Process:
    chance, detector = Random(f"{home.seed}:chair"), home.find(Kind.SMOKE)
    smoulders_s = chance.uniform(*emergency.smoulders_min) * 60
    rate_g_s = 2 * emergency.smouldered * chance.uniform(*emergency.chair_kg) * 1000 / smoulders_s
    fire = Fire(smoulders_s=smoulders_s, smoulder_g_s=rate_g_s, most_kw=200.0, out_s=smoulders_s + 600)
    burning = Burning(fire, home.occupant.dwelling.air(Room.LIVING))
    home.smoke_until = now + DAY_S / 4
    begun(now)
    while detector is not None and (burning.second < fire.out_s or burning.density > hazards.ALL_CLEAR_AT):
        if burning.second >= fire.out_s:
            burning.air = Air(burning.air.volume_m3, hazards.WINDOWS_OPEN_H)
        numbers = Values(smoke_density=round(min(burning.density, d.SMOKE_MOST), 3), temperature=round(burning.temperature, 1))
        now = yield home.say(detector, numbers, now)
        now = yield 20.0
        burning.advance(20.0)
    home.smoke_until = now


def gas_tap(home: VirtualHome, planted: Planted, _: Emergency, begun: Begun, now: float) -> Process:
    begun(now)
    yield from hazards.open_gas_tap(_deed(home, Kind.GAS, planted), now)


def running_tap(home: VirtualHome, planted: Planted, _: Emergency, begun: Begun, now: float) -> Process:
    begun(now)
    yield from hazards.leave_tap_running(_deed(home, Kind.METER, planted), now)


def _deed(home: VirtualHome, kind: Kind, planted: Planted) -> Deed:
    device = home.find(kind)
    if device is None:
        raise LookupError(f"{home.id} has no {kind}: an emergency is planted only where what it needs is")
    return Deed(home, device, "", lasts_s=planted.ends - planted.at)


def missed_pills(_: VirtualHome, __: Planted, ___: Emergency, begun: Begun, now: float) -> Process:
    """Whoever listens to the home leaves the word of the pills out on that day: `forgotten`."""
    begun(now)
    yield 0.0


KINDS: dict[str, Callable[[VirtualHome, Planted, Emergency, Begun, float], Process]] = {
    "fall_felt": fall_felt,
    "fall_unfelt": fall_unfelt,
    "still_in_bathroom": still_in_bathroom,
    "does_not_get_up": does_not_get_up,
    "leaves_at_night": leaves_at_night,
    "blocked_flue": blocked_flue,
    "smouldering_chair": smouldering_chair,
    "gas_tap": gas_tap,
    "running_tap": running_tap,
    "deterioration": deterioration,
    "heat": deterioration,
    "cold": cold,
    "missed_pills": missed_pills,
}


def forgotten(planted: Planted, second: float) -> bool:
    return planted.what == "missed_pills" and planted.at - planted.at % DAY_S <= second < planted.ends
