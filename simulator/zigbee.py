"""A simulated Zigbee2MQTT in a home: its device list, its states with everything cached, its availability.

Written from Zigbee2MQTT's own documentation of its topics and from two models' published exposes (TS0215A_sos, HS2WL). Every state
message repeats all that is known of the device, as Zigbee2MQTT does by default; only `action` is momentary and never repeated.
"""

from random import Random

import msgspec
from msgspec import UNSET, UnsetType

from simulator.world import Bridged

DIALECT = "zigbee2mqtt"
BUTTON = "床头 求助按钮"
LEAK = "卫生间 水浸"


class _Expose(msgspec.Struct, frozen=True, omit_defaults=True):
    type: str
    property: str
    access: int
    """1: published in the state"""
    values: tuple[str, ...] | UnsetType = UNSET
    value_on: bool | UnsetType = UNSET
    value_off: bool | UnsetType = UNSET
    unit: str | UnsetType = UNSET


class _Definition(msgspec.Struct, frozen=True):
    model: str
    vendor: str
    description: str
    exposes: tuple[_Expose, ...]


class _Listed(msgspec.Struct, frozen=True):
    ieee_address: str
    type: str
    network_address: int
    friendly_name: str
    definition: _Definition | None
    supported: bool = True
    disabled: bool = False
    interview_completed: bool = True


class _ButtonState(msgspec.Struct, frozen=True, omit_defaults=True):
    battery: int
    voltage: int
    linkquality: int
    action: str | UnsetType = UNSET


class _LeakState(msgspec.Struct, frozen=True):
    water_leak: bool
    temperature: float
    battery: int
    battery_low: bool
    linkquality: int


_BATTERY = _Expose("numeric", "battery", 1, unit="%")
_BUTTON = _Definition(
    "TS0215A_sos", "Tuya", "SOS button",
    (_BATTERY, _Expose("numeric", "voltage", 1, unit="mV"), _Expose("enum", "action", 1, values=("emergency",))),
)  # fmt: skip
_LEAK = _Definition(
    "HS2WL", "Heiman", "Water leakage sensor",
    (
        _Expose("binary", "water_leak", 1, value_on=True, value_off=False), _Expose("numeric", "temperature", 1, unit="°C"),
        _BATTERY, _Expose("binary", "battery_low", 1, value_on=True, value_off=False),
    ),
)  # fmt: skip

_encode = msgspec.json.Encoder().encode


class ZigbeeNet:
    """One home's coordinator, a button and a leak sensor."""

    def __init__(self, home: str, seed: str) -> None:
        chance = Random(seed)  # noqa: S311 - a story, not a secret
        self._home = home
        self._chance = chance
        base = chance.getrandbits(36) << 4
        self._listed = (
            _Listed(f"0x00124b{base & 0xFFFFFFFFFF:010x}", "Coordinator", 0, "Coordinator", None),
            _Listed(f"0xa4c138{base + 1 & 0xFFFFFFFFFF:010x}", "EndDevice", chance.randint(1, 65000), BUTTON, _BUTTON),
            _Listed(f"0x00158d{base + 2 & 0xFFFFFFFFFF:010x}", "EndDevice", chance.randint(1, 65000), LEAK, _LEAK),
        )
        self._battery = chance.randint(55, 100)
        self._leak = False
        self._temperature = chance.uniform(17, 22)

    def opening(self) -> tuple[Bridged, ...]:
        """What its broker holds retained, and a bridge therefore brings at every connection: state, list, availability."""
        return (
            self._bridged("bridge/state", b'{"state":"online"}'),
            self._bridged("bridge/devices", _encode(self._listed)),
            self._bridged(f"{BUTTON}/availability", b'{"state":"online"}'),
            self._bridged(f"{LEAK}/availability", b'{"state":"online"}'),
        )

    def button(self, *, pressed: bool = False, mark: str = "") -> Bridged:
        state = _ButtonState(self._battery, 2900, self._chance.randint(90, 200), "emergency" if pressed else UNSET)
        return self._bridged(BUTTON, _encode(state), mark, urgent=pressed)

    def leak_sensor(self, *, wet: bool | None = None, mark: str = "") -> Bridged:
        """`wet`: what changed; None where it only reports again, and what it last said of the water comes with it."""
        self._leak = self._leak if wet is None else wet
        self._temperature += self._chance.uniform(-0.2, 0.2)
        state = _LeakState(self._leak, round(self._temperature, 1), self._battery, False, self._chance.randint(90, 200))
        return self._bridged(LEAK, _encode(state), mark)

    def _bridged(self, topic: str, payload: bytes, mark: str = "", *, urgent: bool = False) -> Bridged:
        return Bridged(self._home, DIALECT, f"zigbee2mqtt/{topic}", payload, mark, urgent)
