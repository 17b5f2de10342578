"""`./anju simulate`, `./anju certify` and what `./anju up` starts: which of them is asked for, and what it ends with."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from simulator import asking
from simulator.certification import asking as certifying
from simulator.limits import TooFewFiles
from simulator.link import BrokerError
from simulator.live import live
from simulator.registry import PlatformError
from simulator.scenario import ScenarioError, load
from simulator.simulate import SimulationFailed, simulate
from simulator.usage import OneLine

Result = TypeVar("Result")


def parser() -> argparse.ArgumentParser:
    root = OneLine(prog="anju", description="Virtual homes for Anju (安居).")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    asking.add(commands)
    certifying.add(commands)

    many = commands.add_parser("live", help="animate the homes of a running platform for ever", description="Started by `anju up`.")
    many.add_argument("--endpoints", type=Path, required=True, metavar="FILE", help="the platform's endpoints.json")
    many.add_argument("--scenario", default="community", metavar="SCENARIO")
    many.add_argument("--seed", type=int, default=1, metavar="S")
    many.add_argument("--watch-stdin", action="store_true", help="end when standard input ends")
    return root


def command(words: list[str]) -> int:
    """Does what the words say; its exit status."""
    if words[:2] == ["certify", "verify"]:
        from simulator.certification.report.command import verify

        return verify(words[2:])
    if words[:2] == ["certify", "mutants"]:
        from simulator.certification.mutation import mutants

        return mutants(words[2:])
    asked = parser().parse_args(words)
    # What a line says when it breaks is told in the hub's words; aiomqtt's and paho's log would tell it twice.
    logging.getLogger("simulator.mqtt").addHandler(logging.NullHandler())
    logging.getLogger("simulator.mqtt").propagate = False
    try:
        if asked.command == "live":
            return asyncio.run(_live(asked))
        if asked.command == "certify":
            return _certify(asked)
        what = asking.asked(asked)
        if asked.dry:
            return asking.dry(what)
        report = asyncio.run(_until_told(simulate(what, progress=sys.stderr.isatty())))
        if report is None:
            return 130
        return asking.hand_in(report, asked.report, as_text=not asked.json)
    except (asking.WrongUsage, ScenarioError, BrokerError, certifying.WrongAsked) as problem:
        return _complain(problem, 2)
    except (SimulationFailed, PlatformError, TooFewFiles, OSError) as problem:
        return _complain(problem, 1)


def _certify(asked: argparse.Namespace) -> int:
    from simulator.certification.command import run
    from simulator.certification.report.command import hand_in

    result = run(asked)
    signed = asked.out is None or hand_in(result, asked.out, asked.key)
    return 0 if result.passed and signed else 1


def _complain(problem: Exception, code: int) -> int:
    print(f"anju: {str(problem) or type(problem).__name__}", file=sys.stderr)  # noqa: T201 - the one plain line
    return code


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
