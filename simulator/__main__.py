"""`./anju simulate`, `./anju certify` and what `./anju up` starts.

Exit 0 good, 1 the thing asked about failed, 2 wrong usage; errors in one plain line.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from simulator.certification import asking
from simulator.link import Broker, BrokerError, broker_at
from simulator.live import live
from simulator.registry import PlatformError, endpoints
from simulator.report import Report, as_json, as_table
from simulator.scenario import ScenarioError, load, shipped
from simulator.simulate import Asked, SimulationFailed, simulate

Result = TypeVar("Result")


class WrongUsage(Exception):  # noqa: N818 - the person's, not a fault
    """What was typed cannot be meant."""


class OneLine(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"anju: {message} ({self.prog} --help tells more)\n")


def positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < number <= 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def parser() -> argparse.ArgumentParser:
    root = OneLine(prog="anju", description="Virtual homes for Anju (安居).")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    one = commands.add_parser(
        "simulate",
        help="play a scenario to a broker, and report which planted events were answered",
        description="Plays virtual homes to any broker and says for each planted event when its alert came, or that it did not.",
        epilog="Exit 0: every expected alert came in its time, none twice and none unexpected; 1: not so; 2: wrong usage.",
    )
    one.add_argument("scenario", metavar="SCENARIO", help=f"{', '.join(shipped())}; or a TOML file")
    one.add_argument("--broker", metavar="URL", help="mqtt://user:password@host:port (mqtt://127.0.0.1:1883)")
    one.add_argument("--homes", type=int, metavar="N", help="instead of the scenario's own number")
    one.add_argument("--speed", type=positive, default=1.0, metavar="X", help="how many times faster than life (1)")
    one.add_argument("--seed", type=int, default=1, metavar="S", help="what the same seed does it does again (1)")
    one.add_argument("--report", type=Path, metavar="FILE", help="write the report there as JSON")
    one.add_argument("--json", action="store_true", help="print the report as JSON")
    one.add_argument("--api", default="", metavar="URL", help="the platform: its homes are played, its live stream is the witness")
    one.add_argument("--token", default="", metavar="T", help="bearer token for --api")
    one.add_argument("--endpoints", type=Path, metavar="FILE", help="endpoints.json of a running `anju up`: broker, API and token at once")

    asking.add(commands)

    many = commands.add_parser("live", help="animate the homes of a running platform for ever", description="Started by `anju up`.")
    many.add_argument("--endpoints", type=Path, required=True, metavar="FILE", help="the platform's endpoints.json")
    many.add_argument("--scenario", default="community", metavar="SCENARIO")
    many.add_argument("--seed", type=int, default=1, metavar="S")
    many.add_argument("--watch-stdin", action="store_true", help="end when standard input ends")
    return root


def main(words: list[str] | None = None) -> int:
    words = sys.argv[1:] if words is None else words
    if words[:2] == ["certify", "verify"]:
        from simulator.certification.report.command import verify  # noqa: PLC0415 - each command loads only what it needs

        return verify(words[2:])
    asked = parser().parse_args(words)
    # What a line says when it breaks is told in the hub's words; aiomqtt's and paho's log would tell it twice.
    logging.getLogger("simulator.mqtt").addHandler(logging.NullHandler())
    logging.getLogger("simulator.mqtt").propagate = False
    try:
        if asked.command == "live":
            return asyncio.run(_live(asked))
        if asked.command == "certify":
            return _certify(asked)
        report = asyncio.run(_until_told(simulate(_asked(asked), progress=sys.stderr.isatty())))
        if report is None:
            return 130
        return _hand_in(report, asked.report, as_text=not asked.json)
    except (WrongUsage, ScenarioError, BrokerError, asking.WrongAsked) as problem:
        return _complain(problem, 2)
    except (SimulationFailed, PlatformError, OSError) as problem:
        return _complain(problem, 1)


def _certify(asked: argparse.Namespace) -> int:
    from simulator.certification.command import run  # noqa: PLC0415 - each command loads only what it needs
    from simulator.certification.report.command import hand_in  # noqa: PLC0415
    from simulator.certification.result import from_json  # noqa: PLC0415

    code = run(asked)
    if asked.out is not None and not hand_in(from_json((asked.out / "result.json").read_bytes()), asked.out, asked.key):
        return 1
    return code


def _complain(problem: Exception, code: int) -> int:
    print(f"anju: {problem}", file=sys.stderr)  # noqa: T201 - the one plain line
    return code


def _asked(words: argparse.Namespace) -> Asked:
    if words.homes is not None and words.homes < 1:
        raise WrongUsage(f"--homes {words.homes}: at least one")
    if words.report is not None and not words.report.parent.is_dir():
        raise WrongUsage(f"--report {words.report}: there is no folder {words.report.parent}")
    if words.api and not words.api.startswith(("http://", "https://")):
        raise WrongUsage(f"--api {words.api}: a platform is written http://host:port")
    scenario = load(words.scenario, homes=words.homes)
    if scenario.real_time and words.speed != 1:
        raise WrongUsage(f"{words.scenario} waits for the platform's own delays and is played at --speed 1 alone")
    broker, api, token = words.broker, words.api, words.token
    login: tuple[str, str] | None = None
    if words.endpoints is not None:
        found = endpoints(words.endpoints)
        if found is None:
            raise WrongUsage(f"{words.endpoints}: not an endpoints.json of a running platform")
        broker, api, token = broker or found.mqtt, api or found.http, token or found.token
        login = found.device.username, found.device.password
    address = broker_at(broker or "mqtt://127.0.0.1:1883")
    if login is not None and address.username is None:
        address = Broker(address.host, address.port, *login)
    return Asked(Path(words.scenario).stem, scenario, address, words.seed, words.speed, api, token)


def _hand_in(report: Report, file: Path | None, *, as_text: bool) -> int:
    if file is not None:
        file.write_bytes(as_json(report))
    sys.stdout.write(as_table(report) if as_text else as_json(report).decode())
    return 0 if report.passed else 1


async def _live(asked: argparse.Namespace) -> int:
    scenario = load(asked.scenario)
    await _until_told(live(asked.endpoints, scenario, seed=asked.seed), watch_stdin=asked.watch_stdin)
    return 0


async def _until_told(work: Coroutine[Any, Any, Result], *, watch_stdin: bool = False) -> Result | None:
    """Runs it to its end, or until SIGTERM, SIGINT or the end of standard input: then it is cancelled, and cleans up; None."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    if watch_stdin:
        loop.add_reader(sys.stdin.fileno(), _read_stdin, task)
    try:
        return await task
    except asyncio.CancelledError:
        return None


def _read_stdin(task: "asyncio.Future[Result]") -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        task.cancel()


if __name__ == "__main__":
    sys.exit(main())
