"""What a scenario can have happen in a home: each act is one process, and says which of its messages should be noticed.

The message that carries the `mark` is the moment from which the platform's answer is timed: not when the pan was forgotten, but when
the detector said so.
"""

from enum import StrEnum

import msgspec

from simulator import device as d
from simulator import hazards, mishaps, people
from simulator.deed import Deed, Play, for_a_while, momentary
from simulator.device import Kind
from simulator.world import Process


class Act(StrEnum):
    PULL_CORD = "pull_cord"
    PRESS_SOS = "press_sos"
    PRESS_PENDANT = "press_pendant"
    FALL = "fall"
    FALL_AND_PRESS = "fall_and_press"
    FALL_UNHEARD = "fall_unheard"
    FALL_ILL = "fall_ill"
    KITCHEN_FIRE = "kitchen_fire"
    FORGET_STOVE = "forget_stove"
    BURN_FOOD = "burn_food"
    FAULTY_BOILER = "faulty_boiler"
    OPEN_GAS_TAP = "open_gas_tap"
    LEAVE_TAP_RUNNING = "leave_tap_running"
    FLOOD_BATHROOM = "flood_bathroom"
    SELF_TEST = "self_test"
    DRAIN_BATTERY = "drain_battery"
    FORGET_CHARGER = "forget_charger"
    TAKE_OFF_WATCH = "take_off_watch"
    LOSE_MAINS = "lose_mains"
    CUT_LINE = "cut_line"
    PRISE_OPEN = "prise_open"
    LEAVE_DOOR_OPEN = "leave_door_open"
    VISITOR = "visitor"
    RACING_HEART = "racing_heart"
    LOW_OXYGEN = "low_oxygen"
    STUTTER = "stutter"
    PRESS_ZIGBEE_BUTTON = "press_zigbee_button"
    ZIGBEE_LEAK = "zigbee_leak"


def _stutter(deed: Deed, now: float) -> Process:
    """One pull, and a radio that delivers the same report three times: the same id is the same call."""
    now = yield deed.so("pulls the cord")
    yield deed.home.say(deed.device, d.PULLED, now, deed.mark, copies=3)


def _press_zigbee_button(deed: Deed, _: float) -> Process:
    """Pressed, and a while later the button reports its battery: the press is not in it."""
    if deed.home.zigbee is not None:
        yield deed.so("presses the Zigbee button")
        yield deed.home.zigbee.button(pressed=True, mark=deed.mark)
        yield 20.0
        yield deed.home.zigbee.button()


def _zigbee_leak(deed: Deed, _: float) -> Process:
    """Wet; then the sensor reports its temperature, and the hub repeats the cached leak with it."""
    if deed.home.zigbee is not None:
        yield deed.home.so("water on the floor", "bathroom")
        yield deed.home.zigbee.leak_sensor(wet=True, mark=deed.mark)
        yield 20.0
        yield deed.home.zigbee.leak_sensor()
        yield deed.lasts_s or 120
        yield deed.home.zigbee.leak_sensor(wet=False)


class Capability(msgspec.Struct, frozen=True):
    """`kind`: the device that an act needs; an act of the Zigbee net goes by the hub."""

    kind: Kind
    process: Play
    zigbee: bool = False
    any_kind: bool = False
    """The scenario may name a device of another kind."""


ACTS: dict[Act, Capability] = {
    Act.PULL_CORD: Capability(Kind.CORD, momentary("pulls the cord", d.PULLED)),
    Act.PRESS_SOS: Capability(Kind.WATCH, momentary("presses the button", d.SOS)),
    Act.PRESS_PENDANT: Capability(Kind.PENDANT, momentary("presses the button", d.SOS)),
    Act.FALL: Capability(Kind.WATCH, people.fall, any_kind=True),
    Act.FALL_AND_PRESS: Capability(Kind.WATCH, people.fall_and_press, any_kind=True),
    Act.FALL_UNHEARD: Capability(Kind.WATCH, people.fall_unheard, any_kind=True),
    Act.FALL_ILL: Capability(Kind.HUB, people.fall_ill),
    Act.KITCHEN_FIRE: Capability(Kind.SMOKE, hazards.kitchen_fire),
    Act.FORGET_STOVE: Capability(Kind.SMOKE, hazards.forgotten_pan),
    Act.BURN_FOOD: Capability(Kind.SMOKE, hazards.burn_food),
    Act.FAULTY_BOILER: Capability(Kind.CO, hazards.faulty_boiler),
    Act.OPEN_GAS_TAP: Capability(Kind.GAS, hazards.open_gas_tap),
    Act.LEAVE_TAP_RUNNING: Capability(Kind.METER, hazards.leave_tap_running),
    Act.FLOOD_BATHROOM: Capability(Kind.WATER, for_a_while("bathroom is under water", d.WET, d.DRY, 1800)),
    Act.SELF_TEST: Capability(Kind.SMOKE, for_a_while("tests the device", d.TESTED, d.TEST_OVER, 10), any_kind=True),
    Act.DRAIN_BATTERY: Capability(Kind.CORD, mishaps.drain_battery, any_kind=True),
    Act.FORGET_CHARGER: Capability(Kind.WATCH, people.forget_charger),
    Act.TAKE_OFF_WATCH: Capability(Kind.WATCH, people.take_off_watch),
    Act.LOSE_MAINS: Capability(Kind.HUB, mishaps.lose_mains),
    Act.CUT_LINE: Capability(Kind.HUB, mishaps.cut_line),
    Act.PRISE_OPEN: Capability(Kind.SMOKE, for_a_while("opens the device", d.PRISED_OPEN, d.CLOSED_AGAIN, 60), any_kind=True),
    Act.LEAVE_DOOR_OPEN: Capability(Kind.DOOR, for_a_while("leaves the door open", d.DOOR_OPEN, d.DOOR_SHUT, 600)),
    Act.VISITOR: Capability(Kind.DOOR, people.visitor),
    Act.RACING_HEART: Capability(Kind.WATCH, people.ill(heart_rate=88)),
    Act.LOW_OXYGEN: Capability(Kind.WATCH, people.ill(spo2=9)),
    Act.STUTTER: Capability(Kind.CORD, _stutter),
    Act.PRESS_ZIGBEE_BUTTON: Capability(Kind.HUB, _press_zigbee_button, zigbee=True),
    Act.ZIGBEE_LEAK: Capability(Kind.HUB, _zigbee_leak, zigbee=True),
}
