"""The same faults over real sockets with TLS: a device that is not sound is found by bytes on a line as it is in virtual time.

Each fault is measured by the clause that names it and by all that this rests on: it fails the one, and no other stands in the way.
"""

import asyncio
import tempfile
from pathlib import Path

import msgspec
import pytest

from simulator.certification import lab
from simulator.certification.authority import Authority
from simulator.certification.bench import Verdict
from simulator.certification.catalogue import Where, load
from simulator.certification.command import REFERENCE_SPEED, brisk
from simulator.certification.endpoint import Endpoint
from simulator.certification.features import reference
from simulator.certification.player import OurHands, examine_all
from simulator.certification.procedures import PROCEDURES
from simulator.certification.result import Result
from simulator.certification.stand import Stand
from simulator.virtual.device import VirtualDevice
from simulator.virtual.driver import Driver, Way
from simulator.virtual.mutants import MUTANTS
from simulator.virtual.mutants.mutant import Mutant
from simulator.virtual.pace import Pace
from simulator.virtual.profile import PROFILES
from simulator.virtual.stimulus import Deed, Stimulus

CLAUSES = load(PROCEDURES)
CLAUSE = {clause.number: clause for clause in CLAUSES}
MET = [mutant for mutant in MUTANTS if CLAUSE[mutant.fails].where is not Where.VIRTUAL]
"""The others show their fault after days, or in what only virtual time can do to a device."""
UNHURRIED = {"alarm_waits": 8.0, "heartbeat_too_slow": 8.0}
"""They are late by less than a network's share is at sixty times the speed of life."""
SPARING = ("outbox_expires",)
"""Shows its fault when it wants to say something while there is no line: by heartbeats of a minute sooner than its clause asks."""
ORDINARILY = ("retained_alarm", "shortens_command_ids", "press_not_shown", "alarm_waits", "online_only_at_boot")
TOGETHER = 8


class Caught(msgspec.Struct, frozen=True):
    """What became of the clause that names the fault, and which others did not say what its record says."""

    verdict: Verdict
    reason: str
    astray: tuple[str, ...]


def _ground(number: str) -> frozenset[str]:
    """A clause, and all that it rests on in the end."""
    return frozenset({number}).union(*(_ground(other) for other in CLAUSE[number].rests_on))


async def _examined(mutant: Mutant, folder: Path) -> Result:
    pace = Pace(UNHURRIED.get(mutant.name, REFERENCE_SPEED), capped=True)
    profile = PROFILES[mutant.profile]
    features = reference(profile)
    if mutant.name not in SPARING:
        features, profile = brisk(features)
    who = lab.identity(profile, mutant.level)
    authority = Authority(folder, "127.0.0.1", pace.now)
    bench = Stand(Endpoint(who), pace, authority)
    await bench.listen("127.0.0.1", 0)
    way = Way("127.0.0.1", bench.port, authority.trust)
    driver = Driver(VirtualDevice(profile, who, pace.now, seed="1", firmware=mutant.firmware), way, pace)
    driver.act(Deed(Stimulus.POWER))
    try:
        return await examine_all(
            bench, OurHands(driver), CLAUSES, PROCEDURES, features, level=mutant.level, only=_ground(mutant.fails),
        )  # fmt: skip
    finally:
        await driver.close()
        await bench.close()


async def _caught(mutant: Mutant) -> Caught:
    with tempfile.TemporaryDirectory() as folder:
        result = await _examined(mutant, Path(folder))
    named = next(one for one in result.verdicts if one.number == mutant.fails)
    also = {one.clause for one in mutant.also}
    astray = tuple(
        f"{one.number} {one.verdict}: {one.reason.en}" for one in result.verdicts
        if one is not named and one.number not in also and one.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
    )  # fmt: skip
    return Caught(named.verdict, named.reason.en, astray)


@pytest.mark.parametrize("mutant", [mutant for mutant in MET if mutant.name in ORDINARILY], ids=lambda mutant: mutant.name)
def test_a_fault_is_found_over_a_socket(mutant: Mutant) -> None:
    found = asyncio.run(_caught(mutant))
    assert (found.verdict, found.astray) == (Verdict.FAIL, ()), found.reason


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_each_fault_is_found_over_sockets() -> None:
    """Many at a time in one process, so that each slows the others."""

    async def all_of_them() -> list[Caught]:
        room = asyncio.Semaphore(TOGETHER)

        async def one(mutant: Mutant) -> Caught:
            async with room:
                return await _caught(mutant)

        return await asyncio.gather(*map(one, MET))

    found = dict(zip((mutant.name for mutant in MET), asyncio.run(all_of_them()), strict=True))
    assert len(found) >= 100
    assert {name: one for name, one in found.items() if one.verdict is not Verdict.FAIL or one.astray} == {}
