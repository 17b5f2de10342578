"""What a scenario can have happen in a home: each act is one process, and says which of its messages should be noticed.

The message that carries the `mark` is the moment from which the platform's answer is timed: not when the pan was forgotten, but when
the detector said so.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from simulator import device as d
from simulator.body import Episode
from simulator.device import Device, Kind
from simulator.home import VirtualHome
from simulator.wire import Values
from simulator.world import LineCut, LineRestored, Process


class Act(StrEnum):
    PULL_CORD = "pull_cord"
    PRESS_SOS = "press_sos"
    FALL = "fall"
    KITCHEN_FIRE = "kitchen_fire"
    BURN_FOOD = "burn_food"
    SELF_TEST = "self_test"
    DRAIN_BATTERY = "drain_battery"
    LOSE_MAINS = "lose_mains"
    CUT_LINE = "cut_line"
    PRISE_OPEN = "prise_open"
    LEAVE_DOOR_OPEN = "leave_door_open"
    RACING_HEART = "racing_heart"
    LOW_OXYGEN = "low_oxygen"
    STUTTER = "stutter"
    PRESS_ZIGBEE_BUTTON = "press_zigbee_button"
    ZIGBEE_LEAK = "zigbee_leak"


class Deed(msgspec.Struct, frozen=True):
    """One act in one home. `lasts_s` None: as long as such a thing lasts."""

    home: VirtualHome
    device: Device
    mark: str
    times: int = 1
    lasts_s: float | None = None


def _momentary(values: Values, *, between_s: float = 4.0) -> Callable[[Deed, float], Process]:
    """Said once, or `times` over; only the first is a new matter."""

    def act(deed: Deed, now: float) -> Process:
        for number in range(deed.times):
            now = yield deed.home.say(deed.device, values, now, deed.mark if number == 0 else "")
            now = yield between_s

    return act


def _for_a_while(begin: Values, end: Values, usual_s: float) -> Callable[[Deed, float], Process]:
    def act(deed: Deed, now: float) -> Process:
        now = yield deed.home.say(deed.device, begin, now, deed.mark)
        now = yield deed.lasts_s or usual_s
        yield deed.home.say(deed.device, end, now)

    return act


def _fall(deed: Deed, now: float) -> Process:
    """Down, frightened, and then nothing moves."""
    lasts_s = deed.lasts_s or 1200
    deed.home.lying_until = now + lasts_s
    deed.home.body.episode = Episode(now + lasts_s, heart_rate=14)
    yield deed.home.say(deed.device, d.FALLEN, now, deed.mark)


def _kitchen_fire(deed: Deed, now: float) -> Process:
    """Smoke builds up over half a minute, the room gets hot, and it ends when the fire does."""
    ends = now + max(deed.lasts_s or 240, 60)
    deed.home.smoke_until = ends + 1
    density, temperature, marked = 0.02, 26.0, False
    while now < ends:
        reading = d.smoke_reading(density, temperature)
        mark = deed.mark if reading.urgent and not marked else ""
        marked = marked or reading.urgent
        now = yield deed.home.say(deed.device, reading, now, mark)
        now = yield 5.0
        density = min(density * 1.6, 1.2)
        temperature = min(temperature + 2.5, 78.0)
    yield deed.home.say(deed.device, d.ALL_CLEAR, now)


def _burn_food(deed: Deed, now: float) -> Process:
    """Enough to see, not enough to call: every reading stays under the detector's threshold."""
    ends = now + (deed.lasts_s or 90)
    deed.home.smoke_until = ends + 1
    first = True
    while now < ends:
        now = yield deed.home.say(deed.device, d.smoke_reading(d.SMOKE_ALARM_AT * 0.6, 34.0), now, deed.mark if first else "")
        first = False
        now = yield 15.0


NEW_CELL_S = 2400.0
"""So long after its device said that it is low, somebody has been there with a new one."""


def _drain_battery(deed: Deed, now: float) -> Process:
    """An old cell: it falls for a while, says that it is low, and stays low until it is changed."""
    for level in (26, 21, 17):
        deed.device.drained_to = level
        now = yield deed.home.say(deed.device, Values(), now)
        now = yield (deed.lasts_s or 30) / 3
    deed.device.drained_to = 7
    yield deed.home.say(deed.device, Values(battery_low=True), now, deed.mark)
    now = yield NEW_CELL_S
    deed.device.renew(now)
    yield deed.home.say(deed.device, Values(battery_low=False), now)


def _lose_mains(deed: Deed, now: float) -> Process:
    deed.home.mains_lost = True
    now = yield deed.home.say(deed.device, d.MAINS_GONE, now, deed.mark)
    now = yield deed.lasts_s or 300
    deed.home.mains_lost = False
    yield deed.home.say(deed.device, d.MAINS_BACK, now)


def _cut_line(deed: Deed, _: float) -> Process:
    yield LineCut(deed.home.id, deed.mark)
    yield deed.lasts_s or 300
    yield LineRestored(deed.home.id)


def _ill(heart_rate: float = 0.0, spo2: float = 0.0) -> Callable[[Deed, float], Process]:
    """The wearable notices and measures every ten seconds."""

    def act(deed: Deed, now: float) -> Process:
        home, ends, mark = deed.home, now + (deed.lasts_s or 900), deed.mark
        home.body.episode = Episode(ends, heart_rate, spo2)
        while now < ends:
            vitals = home.body.vitals(now, home.local_s + now, home.stay.effort, 10.0)
            now = yield home.say(deed.device, vitals, now, mark)
            mark = ""
            now = yield 10.0

    return act


def _stutter(deed: Deed, now: float) -> Process:
    """One pull, and a radio that delivers the same report three times: the same id is the same call."""
    yield deed.home.say(deed.device, d.PULLED, now, deed.mark, copies=3)


def _press_zigbee_button(deed: Deed, _: float) -> Process:
    """Pressed, and a while later the button reports its battery: the press is not in it."""
    if deed.home.zigbee is not None:
        yield deed.home.zigbee.button(pressed=True, mark=deed.mark)
        yield 20.0
        yield deed.home.zigbee.button()


def _zigbee_leak(deed: Deed, _: float) -> Process:
    """Wet; then the sensor reports its temperature, and the hub repeats the cached leak with it."""
    if deed.home.zigbee is not None:
        yield deed.home.zigbee.leak_sensor(wet=True, mark=deed.mark)
        yield 20.0
        yield deed.home.zigbee.leak_sensor()
        yield deed.lasts_s or 120
        yield deed.home.zigbee.leak_sensor(wet=False)


class Capability(msgspec.Struct, frozen=True):
    """`kind`: the device that an act needs; an act of the Zigbee net goes by the hub."""

    kind: Kind
    process: Callable[[Deed, float], Process]
    zigbee: bool = False
    any_kind: bool = False
    """The scenario may name a device of another kind."""


ACTS: dict[Act, Capability] = {
    Act.PULL_CORD: Capability(Kind.CORD, _momentary(d.PULLED)),
    Act.PRESS_SOS: Capability(Kind.WATCH, _momentary(d.SOS)),
    Act.FALL: Capability(Kind.WATCH, _fall),
    Act.KITCHEN_FIRE: Capability(Kind.SMOKE, _kitchen_fire),
    Act.BURN_FOOD: Capability(Kind.SMOKE, _burn_food),
    Act.SELF_TEST: Capability(Kind.SMOKE, _for_a_while(d.TESTED, d.TEST_OVER, 10), any_kind=True),
    Act.DRAIN_BATTERY: Capability(Kind.CORD, _drain_battery, any_kind=True),
    Act.LOSE_MAINS: Capability(Kind.HUB, _lose_mains),
    Act.CUT_LINE: Capability(Kind.HUB, _cut_line),
    Act.PRISE_OPEN: Capability(Kind.SMOKE, _for_a_while(d.PRISED_OPEN, d.CLOSED_AGAIN, 60), any_kind=True),
    Act.LEAVE_DOOR_OPEN: Capability(Kind.DOOR, _for_a_while(d.DOOR_OPEN, d.DOOR_SHUT, 600)),
    Act.RACING_HEART: Capability(Kind.WATCH, _ill(heart_rate=88)),
    Act.LOW_OXYGEN: Capability(Kind.WATCH, _ill(spo2=9)),
    Act.STUTTER: Capability(Kind.CORD, _stutter),
    Act.PRESS_ZIGBEE_BUTTON: Capability(Kind.HUB, _press_zigbee_button, zigbee=True),
    Act.ZIGBEE_LEAK: Capability(Kind.HUB, _zigbee_leak, zigbee=True),
}
