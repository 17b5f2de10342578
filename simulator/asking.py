"""`./anju simulate`: its words, what they mean together, and what is handed in at the end."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TypeVar

import msgspec

from simulator.limits import processes_for
from simulator.link import broker_at
from simulator.page import as_page
from simulator.registering import log_in
from simulator.registry import api, endpoints
from simulator.report import Report, as_json, as_table
from simulator.scenario import load, shipped
from simulator.simulate import Asked, tell_alone

MOST_PROCESSES = 64


Parser = TypeVar("Parser", bound=argparse.ArgumentParser)


class WrongUsage(Exception):  # noqa: N818 - the person's, not a fault
    """What was typed cannot be meant."""


def positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < number <= 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def add(commands: "argparse._SubParsersAction[Parser]") -> None:
    one = commands.add_parser(
        "simulate",
        help="play a scenario to a broker, and report which planted events were answered",
        description="Plays virtual homes to any broker and says for each planted event when its alert came, or that it did not.",
        epilog="Exit 0: every expected alert came in its time, none twice and none unexpected; 1: not so; 2: wrong usage.",
    )
    one.add_argument("scenario", metavar="SCENARIO", help=f"{', '.join(shipped())}; or a TOML file")
    one.add_argument("--broker", metavar="URL", help="mqtt://user:password@host:port, or mqtts:// (mqtt://127.0.0.1:1883)")
    one.add_argument("--ca", default="", metavar="FILE", help="certificates to trust with mqtts://, instead of the system's")
    one.add_argument("--homes", type=int, metavar="N", help="instead of the scenario's own number")
    one.add_argument("--speed", type=positive, default=1.0, metavar="X", help="how many times faster than life (1)")
    one.add_argument("--seed", type=int, default=1, metavar="S", help="what the same seed does it does again (1)")
    one.add_argument("--processes", type=int, metavar="N", help="deal the homes to so many processes (as the open-file limit asks)")
    one.add_argument("--report", type=Path, metavar="FILE", help="write the report there: .html as a page with charts, else as JSON")
    one.add_argument("--json", action="store_true", help="print the report as JSON")
    one.add_argument("--truth", type=Path, metavar="FILE", help="write what really happened there, a JSON object a line")
    one.add_argument("--dry", action="store_true", help="no broker: tell the story to nobody, as fast as it goes (--truth, --recording)")
    one.add_argument("--recording", type=Path, metavar="FILE", help="with --dry: write what a platform would hear, for `rules backtest`")
    one.add_argument("--api", default="", metavar="URL", help="the platform: its homes are played, its live stream is the witness")
    one.add_argument("--token", default="", metavar="T", help="bearer token for --api")
    one.add_argument("--user", default="", metavar="NAME:PASSWORD", help="instead of --token: log in to --api")
    one.add_argument("--register", action="store_true", help="put the scenario's own homes on the platform first, by --api")
    one.add_argument("--endpoints", type=Path, metavar="FILE", help="endpoints.json of a running `anju up`: broker, API and token at once")


def asked(words: argparse.Namespace) -> Asked:
    """WrongUsage, ScenarioError, BrokerError; PlatformError where a log-in is refused."""
    _check(words)
    scenario = load(words.scenario, homes=words.homes)
    if scenario.real_time and words.speed != 1:
        raise WrongUsage(f"{words.scenario} waits for the platform's own delays and is played at --speed 1 alone")
    if (words.processes or 1) > scenario.homes:
        raise WrongUsage(f"--processes {words.processes}: more than its {scenario.homes} homes")
    processes = words.processes or (1 if words.dry else processes_for(scenario.homes, MOST_PROCESSES))
    if words.processes is None and processes > 1:
        sys.stderr.write(f"anju: {scenario.homes} connections are dealt to {processes} processes, as files and ports ask for\n")
    broker, url, token = words.broker, words.api, words.token
    login: tuple[str, str] | None = None
    if words.endpoints is not None:
        found = endpoints(words.endpoints)
        if found is None:
            raise WrongUsage(f"{words.endpoints}: not an endpoints.json of a running platform")
        broker, url, token = broker or found.mqtt, url or found.http, token or found.token
        login = found.device.username, found.device.password
    address = broker_at(broker or "mqtt://127.0.0.1:1883", words.ca)
    if login is not None and address.username is None:
        address = msgspec.structs.replace(address, username=login[0], password=login[1])
    if words.user:
        token = asyncio.run(_token(url, words.user))
    return Asked(
        Path(words.scenario).stem, scenario, address, words.seed, words.speed, url, token, processes, words.register,
        "" if words.truth is None else str(words.truth.resolve()), "" if words.recording is None else str(words.recording.resolve()),
    )  # fmt: skip


def _check(words: argparse.Namespace) -> None:
    if words.homes is not None and words.homes < 1:
        raise WrongUsage(f"--homes {words.homes}: at least one")
    for name, file in (("--report", words.report), ("--truth", words.truth), ("--recording", words.recording)):
        if file is not None and not file.parent.is_dir():
            raise WrongUsage(f"{name} {file}: there is no folder {file.parent}")
    if words.api and not words.api.startswith(("http://", "https://")):
        raise WrongUsage(f"--api {words.api}: a platform is written http://host:port")
    if words.processes is not None and not 1 <= words.processes <= MOST_PROCESSES:
        raise WrongUsage(f"--processes {words.processes}: from 1 to {MOST_PROCESSES}")
    if (words.user or words.register) and not words.api and words.endpoints is None:
        raise WrongUsage("--user and --register need the platform's --api")
    if words.user and ":" not in words.user:
        raise WrongUsage("--user: NAME:PASSWORD")
    if words.dry and words.truth is None and words.recording is None:
        raise WrongUsage("--dry tells nobody anything without --truth FILE or --recording FILE")
    if words.recording is not None and not words.dry:
        raise WrongUsage("--recording goes with --dry: it is told in the story's own time, to no broker")


async def _token(url: str, user: str) -> str:
    async with api(url, "") as client:
        return await log_in(client, user)


def dry(what: Asked) -> int:
    told = tell_alone(what)
    files = [f"the ground truth is in {what.truth}"] if what.truth else []
    files += [f"the recording of {told.messages} messages is in {what.recording}"] if what.recording else []
    sys.stdout.write(f"{told.moments} moments, {told.planted} planted events; {', '.join(files)}\n")
    return 0


def hand_in(report: Report, file: Path | None, *, as_text: bool) -> int:
    if file is not None:
        file.write_bytes(as_page(report).encode() if file.suffix in (".html", ".htm") else as_json(report))
    sys.stdout.write(as_table(report) if as_text else as_json(report).decode())
    return 0 if report.passed else 1
