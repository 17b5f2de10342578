"""The procedures by name, one module a family. A procedure is a public function of a Bench; what begins with `_` is a part of one."""

from collections.abc import Callable
from inspect import isgeneratorfunction
from types import ModuleType

from simulator.certification.bench import Bench, Procedure
from simulator.certification.procedures import alarm, connect

FAMILIES: tuple[ModuleType, ...] = (connect, alarm)

PROCEDURES: dict[str, Callable[[Bench], Procedure]] = {
    name: found
    for module in FAMILIES
    for name, found in vars(module).items()
    if isgeneratorfunction(found) and not name.startswith("_") and found.__module__ == module.__name__
}
"""Names are unique over all families; the test of the catalogue sees to it."""
