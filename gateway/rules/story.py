"""A rule test, as a nurse can read and write it: a home, what its devices say and when, and which alerts that must come to.

One file holds any number of them (`config/rules/*.test.toml`). Everything that is raised, comes back or clears counts: what is not
expected must not happen.
"""

from datetime import datetime

import msgspec

from alerting.terms import Category, Mode, Priority, Value
from devices.home import DeviceId, ModelId
from devices.observation import Property


class DeviceThere(msgspec.Struct, frozen=True):
    model: ModelId
    room: str = ""


class Says(msgspec.Struct, frozen=True, kw_only=True):
    """A device says something, once or `every` so often `until`. `received`: how much later it arrives than it was observed.

    `online`: its connection was lost (false) or is back. `homes`: `1`, `2-40`, `all`.
    """

    at: str
    device: DeviceId
    values: dict[Property, bool | int | float] = {}
    online: bool | None = None
    every: str = ""
    until: str = ""
    received: str = ""
    id: str = ""
    """The report's id; the same id is the same report, delivered again. Empty: its own."""
    homes: str = "1"


class Does(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people or the service do; exactly one of the fields beside `at` and `home`."""

    at: str
    home: int = 1
    acknowledge: str = ""
    """The open alert of this rule."""
    close: str = ""
    hears_nothing: str = ""
    """The service is down for so long: what devices say meanwhile arrives when it is back."""
    mode: Mode | None = None
    """The home is lived in so, until `until`; `home` ends it."""
    until: str = ""
    sets: str = ""
    """The rule of which the home sets `values` for itself."""
    values: dict[str, Value] = {}


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """One of `raises`, `repeats`, `recurs`, `worsens` and `clears`: the rule of the alert, or that made it worse.

    Or `prompts`: the rule, one with `alerts = false`.
    """

    at: str
    raises: str = ""
    repeats: str = ""
    recurs: str = ""
    worsens: str = ""
    clears: str = ""
    prompts: str = ""
    within: str = ""
    """How much later it may be."""
    home: int = 0
    """Which home; 0: any, or an area's."""
    priority: Priority | None = None
    category: Category | None = None
    says: str = ""
    """What must stand in the reason, in Chinese or in English."""


class RuleTest(msgspec.Struct, frozen=True, kw_only=True):
    """`about`: the rules that it is a test of. `start`: what the clock on the wall shows when the story begins.

    `only`: nothing but these rules is looked at; empty: all, except `ignore`. Repeats are looked at where one is expected.
    """

    name: str
    about: tuple[str, ...]
    start: datetime = datetime(2026, 3, 2, 8, 0)  # noqa: DTZ001 - the wall's clock; the ruleset knows its offset
    homes: int = 1
    residents: tuple[str, ...] = ("王桂芳",)
    stands: tuple[float, float] | None = None
    """Where the homes stand: latitude and longitude."""
    devices: dict[DeviceId, DeviceThere] = {}
    says: tuple[Says, ...] = ()
    does: tuple[Does, ...] = ()
    expect: tuple[Expected, ...] = ()
    until: str = ""
    """When the story ends, if not with the last thing in it."""
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    @property
    def raised(self) -> frozenset[str]:
        """The rules that it expects to raise, or to prompt."""
        return frozenset(found for one in self.expect if (found := one.raises or one.worsens or one.prompts))


class StoryFile(msgspec.Struct, frozen=True):
    tests: tuple[RuleTest, ...] = msgspec.field(name="test")
