"""The procedures by name, one module a family. A procedure is a public function of a Bench; what begins with `_` is a part of one.

One that has nothing to wait for gives its outcome at once.
"""

from inspect import isfunction
from types import ModuleType

from simulator.certification.bench import Procedural
from simulator.certification.procedures import (
    alarm,
    alarm_answer,
    alarm_outage,
    battery,
    clocks,
    commands,
    connect,
    faults,
    heartbeat,
    hostile,
    identity,
    power,
    status,
    unwilling,
    ways,
)

FAMILIES: tuple[ModuleType, ...] = (
    connect, ways, identity, status, heartbeat, alarm, alarm_answer, alarm_outage, clocks, battery, faults, power, hostile, unwilling,
    commands,
)  # fmt: skip

PROCEDURES: dict[str, Procedural] = {
    name: found
    for module in FAMILIES
    for name, found in vars(module).items()
    if isfunction(found) and not name.startswith("_") and found.__module__ == module.__name__
}
"""Names are unique over all families; the test of the catalogue sees to it."""
