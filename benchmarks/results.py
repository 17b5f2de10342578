"""Everything that was measured, as the JSON file has it."""

from pathlib import Path

import msgspec

from benchmarks.connections import Weight
from benchmarks.consoles import Watched
from benchmarks.disk import Synced
from benchmarks.floor import Floor
from benchmarks.home_rules import Judged
from benchmarks.latency import Latency
from benchmarks.machine import Machine
from benchmarks.memory import Footprint
from benchmarks.profile import Profile
from benchmarks.recovery import Recovery
from benchmarks.throughput import Checked, Sustained


class Results(msgspec.Struct):
    """Each list holds its figures in the order in which they were measured, all runs one behind the other."""

    machine: Machine
    command: str
    at: str
    """When it began, RFC 3339."""
    version: str
    """The commit that was measured."""
    quick: bool
    runs: int
    peer: str = ""
    """Its name and version, where it was measured."""
    disk: list[Synced] = []
    sustained: list[Sustained] = []
    checked: list[Checked] = []
    floors: list[Floor] = []
    latency: list[Latency] = []
    footprints: list[Footprint] = []
    recoveries: list[Recovery] = []
    weights: list[Weight] = []
    watched: list[Watched] = []
    profiles: list[Profile] = []
    homes: list[Judged] = []


def write(results: Results, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


def read(path: Path) -> Results:
    return msgspec.json.decode(path.read_bytes(), type=Results)
