"""`./anju certify`: the suite against a vendor's device over a real socket, or against our own virtual one.

Exit 0: every clause that applies passed; 1: one failed or remained open; 2: wrong usage.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec

from config import ConfigError, load
from simulator.certification import catalogue, lab, stand
from simulator.certification.asking import WrongAsked
from simulator.certification.authority import Authority
from simulator.certification.catalogue import Clause
from simulator.certification.endpoint import Endpoint
from simulator.certification.features import Features, reference
from simulator.certification.procedures import PROCEDURES
from simulator.certification.result import Result, as_json, write
from simulator.certification.terminal import Bar, PersonsHands, table
from simulator.virtual.device import VirtualDevice
from simulator.virtual.driver import Driver
from simulator.virtual.pace import Pace
from simulator.virtual.profile import PROFILES, Profile, ProfileName
from simulator.virtual.speech import Channel, Identity
from simulator.virtual.stimulus import Deed, Stimulus
from simulator.wire import Address

REFERENCE_SPEED = 60.0
"""How much faster than life our own device is examined over sockets."""
AREA, HOME = "330106", "bench"


class Examination(msgspec.Struct, frozen=True):
    """What is asked of whichever device: these clauses, in this version of MQTT."""

    clauses: tuple[Clause, ...]
    only: frozenset[str]
    level: int

    async def over(self, bench: stand.Stand, hands: stand.Hands, features: Features, *, seed: str = "") -> Result:
        progress = self.progress(features)
        try:
            return await stand.examine_all(
                bench, hands, self.clauses, PROCEDURES, features, level=self.level, seed=seed, only=self.only,
                begun=progress.begun, told=progress.told,
            )  # fmt: skip
        finally:
            progress.end()

    def progress(self, features: Features) -> Bar:
        asked = [(clause, clause.lasts(features).total_seconds()) for clause in self.clauses if not self.only or clause.number in self.only]
        return Bar(asked, shown=sys.stderr.isatty())


def run(asked: argparse.Namespace) -> int:
    """Raises WrongAsked and OSError."""
    clauses = catalogue.load(PROCEDURES)
    only = _only(asked.clause, clauses)
    profile = PROFILES[ProfileName(asked.profile)]
    features = _stated(asked.features, profile, ours=asked.reference)
    level = asked.level or features.connection.levels[0]
    if level not in features.connection.levels:
        raise WrongAsked(f"--level {level}: the device states {' '.join(map(str, features.connection.levels))}")
    examination = Examination(clauses, only, level)
    if asked.device is not None:
        result = asyncio.run(_of_a_vendor(asked, features, examination))
    elif asked.listen is not None:
        result = asyncio.run(_of_ours(asked, features, examination))
    else:
        progress = examination.progress(features)
        result = lab.examine_all(clauses, PROCEDURES, features, level=level, seed=asked.seed, only=only, told=progress.told)
        progress.end()
    if asked.out is not None:
        write(result, asked.out)
    sys.stdout.write(as_json(result).decode() if asked.json else table(result))
    return 0 if result.passed else 1


async def _of_ours(asked: argparse.Namespace, features: Features, examination: Examination) -> Result:
    """Our own device, over a real socket."""
    pace = Pace(REFERENCE_SPEED, capped=True)
    features, profile = brisk(features)
    who = lab.identity(profile, examination.level)
    async with _standing(asked, who, features, pace) as (bench, trust):
        device = VirtualDevice(profile, who, pace.now, seed=asked.seed)
        driver = Driver(device, "127.0.0.1", bench.port, pace, trust)
        driver.act(Deed(Stimulus.POWER))
        try:
            return await examination.over(bench, stand.OurHands(driver), features, seed=asked.seed)
        finally:
            await driver.close()


async def _of_a_vendor(asked: argparse.Namespace, features: Features, examination: Examination) -> Result:
    who = Identity(Address(AREA, HOME), asked.device, f"{HOME}-{asked.device}", secrets.token_urlsafe(12), examination.level)
    async with _standing(asked, who, features, Pace()) as (bench, trust):
        sys.stderr.write(_instructions(who, bench, trust, asked.out))
        return await examination.over(bench, PersonsHands(), features)


@asynccontextmanager
async def _standing(
    asked: argparse.Namespace, who: Identity, features: Features, pace: Pace,
) -> AsyncIterator[tuple[stand.Stand, str | None]]:  # fmt: skip
    """The bench, listening, and the authority that devices are to trust; None without TLS."""
    tls = features.connection.tls
    host, port = _address(asked.listen or f"0.0.0.0:{8883 if tls else 1883}")
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder), host, pace.now) if tls else None
        bench = stand.Stand(Endpoint(who), pace, authority)
        await bench.listen(host, port)
        try:
            yield bench, None if authority is None else authority.trust
        finally:
            await bench.close()


def brisk(features: Features) -> tuple[Features, Profile]:
    """Our own device with shorter intervals, so that an examination in real time ends."""
    profile, quick = features.of_profile, timedelta(minutes=1)
    every = None if profile.every is None else quick / 3
    return (
        msgspec.structs.replace(features, heartbeat=quick),
        msgspec.structs.replace(profile, heartbeat=quick, every=every, keep_alive=20),
    )


def _stated(file: Path | None, profile: Profile, *, ours: bool) -> Features:
    if file is None:
        if not ours:
            raise WrongAsked("--features FILE: a vendor's device needs its statement; --help tells more")
        return reference(profile)
    try:
        stated = load(file, Features)
    except ConfigError as wrong:
        raise WrongAsked(str(wrong)) from None
    if stated.profile is not profile.name:
        raise WrongAsked(f"{file}: states the profile {stated.profile}, and --profile says {profile.name}")
    return stated


def _only(numbers: list[str], clauses: tuple[Clause, ...]) -> frozenset[str]:
    known = {clause.number for clause in clauses}
    unknown = [number for number in numbers if number not in known]
    if unknown:
        raise WrongAsked(f"--clause {unknown[0]}: there is no such clause")
    return frozenset(numbers)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 0xFFFF:
        raise WrongAsked(f"--listen {text}: an address is written host:port")
    return host.strip("[]"), int(port)


def _instructions(who: Identity, bench: stand.Stand, trust: str | None, out: Path | None) -> str:
    """The authority's certificate stands in --out where one is given, else here."""
    scheme = "mqtt" if trust is None else "mqtts"
    lines = [
        f"设备应连接 / the device connects to: {scheme}://<本机 / this machine>:{bench.port}, MQTT level {who.level}",
        f"用户名 / username: {who.username}",
        f"密码 / password: {who.password}",
        f"发布 / publishes to: {who.topic(Channel.REPORT)} (alarm, status, reply)",
        f"订阅 / listens to: {who.topic(Channel.COMMAND)}",
    ]
    if trust is not None and out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "ca.pem").write_text(trust)
        lines.append(f"信任 / trusts: {out / 'ca.pem'}")
    elif trust is not None:
        lines.append(f"信任 / trusts:\n{trust}")
    return "\n".join([*lines, ""])
