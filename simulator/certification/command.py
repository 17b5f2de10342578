"""`./anju certify`: the suite against a vendor's device over a real socket, or against our own virtual one.

Exit 0: every clause that applies passed; 1: one failed or remained open, or nothing could be measured; 2: wrong usage.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec

from config import ConfigError, load
from simulator.certification import catalogue, lab
from simulator.certification.asking import WrongAsked
from simulator.certification.catalogue import Clause
from simulator.certification.examination import selected
from simulator.certification.features import Features, reference
from simulator.certification.page.serving import served
from simulator.certification.page.state import Board
from simulator.certification.person import Person
from simulator.certification.player import Hands, OurHands, Player, examine_all
from simulator.certification.procedures import PROCEDURES
from simulator.certification.result import ClauseVerdict, Result, as_json
from simulator.certification.setting import address_of, identity, setting
from simulator.certification.terminal import Bar, Terminal, table
from simulator.virtual.device import VirtualDevice
from simulator.virtual.driver import Driver
from simulator.virtual.pace import Pace
from simulator.virtual.profile import PROFILES, Profile, ProfileName
from simulator.virtual.stimulus import Deed, Stimulus

REFERENCE_SPEED = 60.0
"""How much faster than life our own device is examined over sockets."""


class Examination(msgspec.Struct, frozen=True):
    """What is asked of whichever device: these clauses, in this version of MQTT."""

    clauses: tuple[Clause, ...]
    only: frozenset[str]
    level: int

    async def over(self, player: Player, hands: Hands, features: Features, board: Board | None, *, seed: str = "") -> Result:
        progress = self.progress(features, player)

        def begun(clause: Clause) -> None:
            progress.begun(clause)
            if board is not None:
                board.begun(clause)

        def told(verdict: ClauseVerdict) -> None:
            progress.told(verdict)
            if board is not None:
                board.told(verdict)

        try:
            result = await examine_all(
                player, hands, self.clauses, PROCEDURES, features, level=self.level, seed=seed, only=self.only, begun=begun, told=told,
            )  # fmt: skip
        finally:
            progress.end()
        if board is not None:
            board.ended(result)
        return result

    def progress(self, features: Features, player: Player | None = None) -> Bar:
        return Bar(self.weights(features, player), shown=sys.stderr.isatty())

    def weights(self, features: Features, player: Player | None = None) -> dict[str, float]:
        """Seconds of each clause that will be examined, by its number. No player: in virtual time."""
        asked = selected(
            self.clauses, features, level=self.level, virtual=player is None, behind=player is not None and bool(player.broker),
            only=self.only,
        )  # fmt: skip
        return {clause.number: clause.lasts(features).total_seconds() for clause, unfit in asked if unfit is None}


def run(asked: argparse.Namespace) -> Result:
    """What it came to, printed too. Raises WrongAsked and OSError."""
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
    elif asked.listen is not None or asked.broker is not None:
        result = asyncio.run(_of_ours(asked, features, examination))
    elif asked.page is not None:
        raise WrongAsked("--page: virtual time is over before anybody could look; give --listen too")
    else:
        progress = examination.progress(features)
        result = lab.examine_all(clauses, PROCEDURES, features, level=level, seed=asked.seed, only=only, told=progress.told)
        progress.end()
    sys.stdout.write(as_json(result).decode() if asked.json else table(result))
    return result


async def _of_ours(asked: argparse.Namespace, features: Features, examination: Examination) -> Result:
    """Our own device, over a real socket."""
    pace = Pace(REFERENCE_SPEED, capped=True)
    features, profile = brisk(features)
    who = identity(asked, lab.identity(profile, examination.level).device, examination.level)
    async with setting(asked, who, features, pace) as place, _page(asked, features, examination, place.player) as (board, address):
        sys.stderr.write(address)
        device = VirtualDevice(profile, place.player.endpoint.identity, pace.now, seed=asked.seed)
        driver = Driver(device, place.way, pace)
        driver.act(Deed(Stimulus.POWER))
        try:
            return await examination.over(place.player, OurHands(driver), features, board, seed=asked.seed)
        finally:
            await driver.close()


async def _of_a_vendor(asked: argparse.Namespace, features: Features, examination: Examination) -> Result:
    who = identity(asked, asked.device, examination.level)
    async with setting(asked, who, features, Pace()) as place, _page(asked, features, examination, place.player) as (board, address):
        sys.stderr.write("\n".join([*place.told, address]))
        sys.stderr.flush()
        windows = [Terminal()] if board is None else [Terminal(), board]
        return await examination.over(place.player, Person(*windows), features, board)


@asynccontextmanager
async def _page(
    asked: argparse.Namespace, features: Features, examination: Examination, player: Player,
) -> AsyncIterator[tuple[Board | None, str]]:  # fmt: skip
    """The page, where one is asked for, and a line with its address."""
    if asked.page is None:
        yield None, ""
        return
    host, port = address_of(asked.page, "--page")
    board = Board(features, examination.weights(features, player))
    async with served(board, host, port) as address:
        yield board, f"操作页面 / the page: {address}\n"


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
