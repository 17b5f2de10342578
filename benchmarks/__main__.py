"""`python -m benchmarks`: measures, prints tables, writes JSON. See `docs/performance.md`."""

import argparse
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine, profile, render, results, subjects, throughput
from benchmarks.disk import fdatasync_loop
from benchmarks.driven import ROOT
from benchmarks.results import Results

DOCUMENT = ROOT / "docs" / "performance.md"


def main(words: list[str] | None = None) -> int:
    asked = _parser().parse_args(words)
    if asked.render:
        say(f"put into {DOCUMENT.name}: {', '.join(render.put_into(DOCUMENT, results.read(asked.render)))}")
        return 0
    unknown = set(asked.what) - set(WHAT)
    if unknown:
        say(f"no benchmark is named {', '.join(sorted(unknown))}; there are {', '.join(WHAT)}")
        return 2
    found = Results(
        machine.machine(asked.folder),
        shlex.join(["python", "-m", "benchmarks", *(sys.argv[1:] if words is None else words)]),
        datetime.now(UTC).isoformat(timespec="seconds"),
        _version(),
        asked.quick,
        asked.runs,
    )
    for run in range(asked.runs):
        for name in asked.what or WHAT:
            say(f"run {run + 1} of {asked.runs}: {name}")
            WHAT[name](found, asked)
            if asked.out:
                results.write(found, asked.out)
    print()
    for name, text in render.tables(found).items():
        print(f"{name}\n\n{text}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"which of them, in the order given ({', '.join(WHAT)}); all where none is named")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="all of it so many times (1)")
    parser.add_argument("--peer", action="store_true", help="measure Node-RED too, installed from npm into a folder of its own")
    parser.add_argument("--quick", action="store_true", help="a tiny form of each: shows that it runs, its figures mean nothing")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write every figure as JSON, after each benchmark")
    parser.add_argument("--render", type=Path, metavar="FILE", help="measure nothing: put the tables of that JSON into docs/performance.md")
    temporary = Path(tempfile.gettempdir())
    parser.add_argument("--folder", type=Path, default=temporary, metavar="DIR", help=f"whose filesystem holds the data ({temporary})")
    return parser


def say(sentence: str) -> None:
    print(f"== {sentence}", flush=True)


def _version() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _throughput(found: Results, asked: argparse.Namespace) -> None:
    """Each subject alone, one after the other, the disk before and after."""
    effort = throughput.QUICK if asked.quick else throughput.FULL
    _disk(found, asked, "before the reports")
    with subjects.listener(effort.homes, asked.folder) as subject:
        figures, checked = throughput.measure(subject, effort)
    found.sustained += figures
    found.checked.append(checked)
    _disk(found, asked, "after the reports")


def _profile(found: Results, asked: argparse.Namespace) -> None:
    effort = throughput.QUICK if asked.quick else throughput.FULL
    for rate in (0.0, throughput.STEADY):
        found.profiles.append(profile.measure(asked.folder, effort, rate=rate))


def _disk(found: Results, asked: argparse.Namespace, when: str) -> None:
    found.disk.append(fdatasync_loop(asked.folder, when, seconds=0.2 if asked.quick else 5))


WHAT: dict[str, Callable[[Results, argparse.Namespace], None]] = {"throughput": _throughput, "profile": _profile}


if __name__ == "__main__":
    sys.exit(main())
