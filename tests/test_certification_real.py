"""The suite over real sockets, as a vendor meets it: families that virtual time passes, each profile; many at a time."""

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from simulator.certification import lab
from simulator.certification.authority import Authority
from simulator.certification.bench import Verdict
from simulator.certification.catalogue import Clause, Where, load
from simulator.certification.command import REFERENCE_SPEED, brisk
from simulator.certification.endpoint import Endpoint
from simulator.certification.features import reference
from simulator.certification.player import OurHands, examine_all
from simulator.certification.procedures import PROCEDURES
from simulator.certification.result import Result
from simulator.certification.stand import Stand
from simulator.virtual.device import VirtualDevice
from simulator.virtual.driver import Driver, Way
from simulator.virtual.pace import Pace
from simulator.virtual.profile import PROFILES, ProfileName
from simulator.virtual.stimulus import Deed, Stimulus

CLAUSES = load(PROCEDURES)
REPEATS = 20
OPENED = tuple(  # what a device that is ours may be asked over sockets too: it can be given any battery, and set to any time
    msgspec.structs.replace(clause, where=Where.ANYWHERE) if clause.where is Where.VIRTUAL and clause.number != "F-11" else clause
    for clause in CLAUSES
)
QUICK = {
    ProfileName.PULL_CORD: ("F-01", "F-05", "F-07", "F-08", "R-01", "R-05", "R-13", "K-01", "K-05", "K-06"),
    ProfileName.SMOKE: ("B-01", "B-05", "B-07", "K-04", "F-09", "R-04"),
}


async def examined(
    profile: ProfileName, only: Iterable[str] = (), *, level: int = 4, seed: str = "1",
    clauses: tuple[Clause, ...] = CLAUSES,
) -> Result:  # fmt: skip
    """Over TLS, sixty times as fast as life, by a clock that does not count what this machine stands still."""
    pace = Pace(REFERENCE_SPEED, capped=True)
    features, quick = brisk(reference(PROFILES[profile]))
    who = lab.identity(quick, level)
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder), "127.0.0.1", pace.now)
        bench = Stand(Endpoint(who), pace, authority)
        await bench.listen("127.0.0.1", 0)
        device = VirtualDevice(quick, who, pace.now, seed=seed)
        driver = Driver(device, Way("127.0.0.1", bench.port, authority.trust), pace)
        driver.act(Deed(Stimulus.POWER))
        try:
            return await examine_all(bench, OurHands(driver), clauses, PROCEDURES, features, level=level, only=frozenset(only))
        finally:
            await driver.close()
            await bench.close()


def wrong(result: Result) -> dict[str, str]:
    return {one.number: f"{one.verdict}: {one.reason.en}" for one in result.verdicts if one.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)}


@pytest.mark.parametrize("profile", QUICK)
def test_families_of_long_clauses_pass_over_sockets_as_they_do_in_virtual_time(profile: ProfileName) -> None:
    async def each() -> list[Result]:
        return await asyncio.gather(*(examined(profile, {number}, clauses=OPENED) for number in QUICK[profile]))

    results = asyncio.run(each())
    assert [wrong(result) for result in results] == [{}] * len(results)
    judged = [one for result in results for one in result.verdicts]
    assert [one.number for one in judged if one.verdict is Verdict.NOT_APPLICABLE] == (["R-13"] if profile is ProfileName.PULL_CORD else [])


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("profile", list(ProfileName))
def test_the_reference_of_each_profile_passes_over_sockets_many_times_at_once(profile: ProfileName) -> None:
    """Twenty examinations in one process, all at a time: each slows the others, and none may be failed for it."""

    async def all_of_them() -> list[Result]:
        return await asyncio.gather(*(examined(profile, seed=str(number)) for number in range(REPEATS)))

    found = [wrong(result) for result in asyncio.run(all_of_them())]
    assert [one for one in found if one] == []
