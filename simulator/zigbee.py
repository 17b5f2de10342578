"""A simulated Zigbee2MQTT in a home: its device list, its states with everything cached, its availability.

Written from Zigbee2MQTT's own documentation of its topics and from three models' published exposes (TS0215A_sos, HS2WL, E1603). Every
state message repeats all that is known of the device, as Zigbee2MQTT does by default; only `action` is momentary and never repeated.
What is set is published back as the new state; what cannot be done is a line of `bridge/logging`, in the words of its
`lib/extension/publish.ts`.
"""

from random import Random

import msgspec
from msgspec import UNSET, UnsetType

from simulator.world import Bridged

DIALECT = "zigbee2mqtt"
BUTTON = "床头 求助按钮"
LEAK = "卫生间 水浸"
LAMP = "床头 夜灯"
COMMANDS = ("+/set", "+/set/+", "+/get", "+/get/+")
"""Below the base topic."""


class _Expose(msgspec.Struct, frozen=True, omit_defaults=True):
    type: str
    property: str
    access: int
    """1: published in the state"""
    values: tuple[str, ...] | UnsetType = UNSET
    value_on: bool | UnsetType = UNSET
    value_off: bool | UnsetType = UNSET
    unit: str | UnsetType = UNSET


class _Switched(msgspec.Struct, frozen=True):
    """The feature of a switch."""

    type: str = "binary"
    name: str = "state"
    property: str = "state"
    access: int = 7
    value_on: str = "ON"
    value_off: str = "OFF"
    value_toggle: str = "TOGGLE"


class _Switch(msgspec.Struct, frozen=True):
    features: tuple[_Switched, ...]
    type: str = "switch"


class _Definition(msgspec.Struct, frozen=True):
    model: str
    vendor: str
    description: str
    exposes: tuple[_Expose | _Switch, ...]


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


class _LampState(msgspec.Struct, frozen=True):
    state: str
    linkquality: int


class _Log(msgspec.Struct, frozen=True):
    message: str
    level: str = "error"
    namespace: str = "z2m"


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

_LAMP = _Definition("E1603/E1702/E1708", "IKEA", "TRADFRI control outlet", (_Switch((_Switched(),)),))

_encode = msgspec.json.Encoder().encode


class ZigbeeNet:
    """One home's coordinator, a button, a leak sensor, and a lamp at an outlet that can be switched."""

    def __init__(self, home: str, seed: str) -> None:
        chance = Random(seed)  # noqa: S311 - a story, not a secret
        self._home = home
        self._chance = chance
        base = chance.getrandbits(36) << 4
        self._listed = (
            _Listed(f"0x00124b{base & 0xFFFFFFFFFF:010x}", "Coordinator", 0, "Coordinator", None),
            _Listed(f"0xa4c138{base + 1 & 0xFFFFFFFFFF:010x}", "EndDevice", chance.randint(1, 65000), BUTTON, _BUTTON),
            _Listed(f"0x00158d{base + 2 & 0xFFFFFFFFFF:010x}", "EndDevice", chance.randint(1, 65000), LEAK, _LEAK),
            _Listed(f"0x000b57{base + 3 & 0xFFFFFFFFFF:010x}", "Router", base % 65000 + 1, LAMP, _LAMP),
        )
        self._battery = chance.randint(55, 100)
        self._leak = False
        self._lit = False
        self._temperature = chance.uniform(17, 22)

    def opening(self) -> tuple[Bridged, ...]:
        """What its broker holds retained, and a bridge therefore brings at every connection: state, list, availability."""
        return (
            self._bridged("bridge/state", b'{"state":"online"}'),
            self._bridged("bridge/devices", _encode(self._listed)),
            self._bridged(f"{BUTTON}/availability", b'{"state":"online"}'),
            self._bridged(f"{LEAK}/availability", b'{"state":"online"}'),
            self._bridged(f"{LAMP}/availability", b'{"state":"online"}'),
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

    def command(self, topic: str, payload: bytes) -> tuple[Bridged, ...]:
        """What comes of a message on a topic of the hub's broker; nothing for what is no command."""
        match topic.split("/"):
            case ["zigbee2mqtt", name, "set" | "get" as verb, *attribute] if len(attribute) < 2:
                pass
            case _:
                return ()
        if name not in (BUTTON, LEAK, LAMP):
            return (self._log(f"Entity '{name}' is unknown"),)
        wanted = _wanted(payload, *attribute)
        if wanted is None:
            return (self._log("Invalid message 'null', skipping..."),)
        said = []
        published = False
        for key, value in wanted.items():
            switch = value.lower() if isinstance(value, str) else ""
            if name != LAMP or key != "state":
                said.append(self._log(f"No converter available for '{verb}' '{key}' ({value})"))
            elif verb == "set" and switch not in ("on", "off", "toggle"):
                said.append(self._log(f"Publish 'set' 'state' to '{name}' failed: 'Error: state: {value} is not supported'"))
            else:
                self._lit = self._lit if verb == "get" else not self._lit if switch == "toggle" else switch == "on"
                published = True
        return (*said, *((self.lamp(),) if published else ()))

    def lamp(self) -> Bridged:
        return self._bridged(LAMP, _encode(_LampState("ON" if self._lit else "OFF", 120)))

    def _log(self, message: str) -> Bridged:
        return self._bridged("bridge/logging", _encode(_Log(message)))

    def _bridged(self, topic: str, payload: bytes, mark: str = "", *, urgent: bool = False) -> Bridged:
        return Bridged(self._home, DIALECT, f"zigbee2mqtt/{topic}", payload, mark, urgent)


def _wanted(payload: bytes, attribute: str = "") -> dict[str, object] | None:
    """What a command's message asks for: an object, a bare state, or the value of the attribute in the topic; None for anything else."""
    value: object
    try:
        value = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        value = payload.decode(errors="replace")
        if not attribute and value.lower() in ("on", "off", "toggle"):
            return {"state": value}
    if attribute:
        return {attribute: value}
    return {str(key): one for key, one in value.items()} if isinstance(value, dict) else None
