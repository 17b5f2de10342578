"""`python -m benchmarks`: measures, prints tables, writes JSON. See `docs/performance.md`."""

import argparse
import shlex
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine, node_red, render, results
from benchmarks.driven import ROOT
from benchmarks.results import Results
from benchmarks.suite import BENCHMARKS, Plan

DOCUMENT = ROOT / "docs" / "performance.md"


def main(words: list[str] | None = None) -> int:
    asked = _parser().parse_args(words)
    if asked.render:
        say(f"put into {DOCUMENT.name}: {', '.join(render.put_into(DOCUMENT, results.read(asked.render)))}")
        return 0
    chosen = list(dict.fromkeys([*(asked.what or BENCHMARKS), *(["profile"] if asked.profile else [])]))
    unknown = set(chosen) - set(BENCHMARKS)
    if unknown:
        say(f"no benchmark is named {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
        return 2
    if asked.peer:
        node_red.install()
    found = Results(
        machine.machine(asked.folder),
        shlex.join(["python", "-m", "benchmarks", *(sys.argv[1:] if words is None else words)]),
        datetime.now(UTC).isoformat(timespec="seconds"),
        _version(),
        asked.quick,
        asked.runs,
        node_red.version() if asked.peer else "",
    )
    plan = Plan(asked.folder, asked.quick, asked.peer, asked.calls)
    for run in range(asked.runs):
        for name in chosen:
            say(f"run {run + 1} of {asked.runs}: {name}")
            BENCHMARKS[name](plan, found)
            if asked.out:
                results.write(found, asked.out)
    print()
    for name, text in render.rendered(found).items():
        print(f"{name}\n\n{text}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"which of them, in the order given ({', '.join(BENCHMARKS)}); all where none is named")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="all of it so many times (1)")
    parser.add_argument("--peer", action="store_true", help="measure Node-RED too, installed from npm into a folder of its own")
    parser.add_argument("--profile", action="store_true", help="the benchmark `profile` too, when others are named")
    parser.add_argument("--calls", type=int, default=0, metavar="N", help="so many calls in each scenario of the latency (10,000)")
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


if __name__ == "__main__":
    sys.exit(main())
