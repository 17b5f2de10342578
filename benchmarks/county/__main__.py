"""`python -m benchmarks.county`: a county with planted emergencies through the shipped rules. See `docs/detection.md`."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from ctypes import c_double
from multiprocessing import Array
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchmarks.county.emergencies import Emergency, emergencies
from benchmarks.county.judged import judged
from benchmarks.county.score import Outcome, Score, scored
from benchmarks.county.town import Town, areas_of
from benchmarks.detection.bounds import upper
from benchmarks.markdown import table
from gateway.judging import load_ruleset
from gateway.settings import Settings
from simulator.clock import DAY_S
from simulator.progress import bar

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import SynchronizedArray

LOOKS_S = 0.5
_told: "list[SynchronizedArray[float]]" = []
"""In a process that plays: where it says how far it is."""


PLAYED_AT_ONCE = 50
"""Homes of a share, about: some ten minutes of a processor for a month."""


class Share(msgspec.Struct, frozen=True):
    """Every `of`-th home of an area, from the `nth` on: what a process plays from the first day to the last."""

    number: int
    area: str
    nth: int
    of: int
    homes: int
    """Of the whole county."""
    days: int
    seed: int
    judging: str


def main(words: list[str] | None = None) -> int:
    parser = _parser()
    asked = parser.parse_args(words)
    if asked.so_far and asked.parts is None:
        parser.error("--so-far is of --parts")
    shares = shares_of(asked.homes, asked.days, asked.seed, str(asked.judging or ""))
    score = so_far(shares, asked.parts) if asked.so_far else county(shares, asked.processes, asked.parts)
    if asked.json is not None:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(score)))
    print("\n\n".join(report(score, emergencies())))
    return int(any(outcome.floor and outcome.delay_s is None for outcome in score.outcomes))


def shares_of(homes: int, days: int, seed: int, judging: str = "") -> list[Share]:
    areas = areas_of(homes, seed)
    of = max(1, round(homes / len(areas) / PLAYED_AT_ONCE))
    places = [(area, nth) for nth in range(of) for area in areas]
    return [Share(n, area, nth, of, homes, days, seed, judging) for n, (area, nth) in enumerate(places)]


def county(shares: list[Share], processes: int, parts: Path | None = None) -> Score:
    """All of it, so many shares at a time; a bar on stderr meanwhile.

    `parts`: a folder for the score of each share once it has been played. What is there already is not played again.
    """
    kept = {share.number: part for share in shares if (part := _kept(share, parts)) is not None}
    done = Array(c_double, len(shares))
    for number in kept:
        done[number] = 1.0
    with ProcessPoolExecutor(processes, initializer=_listens, initargs=(done,)) as pool:
        playing = {pool.submit(played, share): share for share in shares if share.number not in kept}
        waiting = set(playing)
        while waiting:
            ended, waiting = wait(waiting, LOOKS_S, FIRST_COMPLETED)
            for each in ended:
                kept[playing[each].number] = _keep(playing[each], each.result(), parts)
            _show(f"{bar(sum(done[:]) / len(shares))} {len(kept)} of {len(shares)} shares of {shares[0].homes} homes")
        _show("")
    return _joined(kept[number] for number in sorted(kept))


def _show(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()


def so_far(shares: list[Share], parts: Path) -> Score:
    """Of the shares that have been played; as many homes as they have."""
    return _joined(part for share in shares if (part := _kept(share, parts)) is not None)


def _joined(parts: Iterable[Score]) -> Score:
    score = Score()
    for part in parts:
        score.join(part)
    return score


def played(share: Share) -> Score:
    began = time.process_time()
    ruleset = load_ruleset(Settings(judging=share.judging) if share.judging else Settings())
    town = Town(frozenset({share.area}), share.homes, share.days, share.seed, emergencies(), part=(share.nth, share.of))
    alarms, reports = judged(town, ruleset, lambda second: _tell(share.number, second / (share.days * DAY_S)))
    score = scored(town.planted, town.lapses, alarms)
    score.homes, score.days, score.reports = len(town.homes), share.days, reports
    score.seconds = time.process_time() - began
    return score


def _file(share: Share, parts: Path) -> Path:
    return parts / f"{share.homes}-{share.days}-{share.seed}-{share.area}-{share.nth}-{share.of}.json"


def _counted(_: type, numbers: dict[str, int]) -> Counter[str]:
    return Counter(numbers)


def _kept(share: Share, parts: Path | None) -> Score | None:
    if parts is None or not _file(share, parts).exists():
        return None
    return msgspec.json.decode(_file(share, parts).read_bytes(), type=Score, dec_hook=_counted)


def _keep(share: Share, score: Score, parts: Path | None) -> Score:
    if parts is not None:
        parts.mkdir(parents=True, exist_ok=True)
        new = _file(share, parts).with_suffix(".new")
        new.write_bytes(msgspec.json.encode(score))
        new.replace(_file(share, parts))
    return score


def report(score: Score, kinds: tuple[Emergency, ...]) -> Iterator[str]:
    home_days = score.homes * score.days
    by_kind: dict[str, list[Outcome]] = {}
    for outcome in score.outcomes:
        by_kind.setdefault(outcome.kind, []).append(outcome)
    yield (
        f"{score.homes:,} homes, {score.days} days, {score.reports:,} reports, {len(score.outcomes)} emergencies; "
        f"{score.seconds / 60:.1f} minutes of one processor."
    )
    yield table(
        ("emergency", "late after", "planted", "in time", "late", "missed", "median", "latest", "found by"),
        [_row(kind, by_kind.get(kind.kind, [])) for kind in kinds],
    )  # fmt: skip
    variants = {o.variant: [x for x in score.outcomes if x.variant == o.variant and x.kind == "deterioration"] for o in score.outcomes}
    for name, some in sorted(variants.items()):
        if some:
            yield f"Deterioration, {name}: {sum(o.delay_s is not None for o in some)} of {len(some)} found."
    for title, some_false in (("false", score.false), ("of the kit, with no fault behind it", score.technical)):
        total = sum(some_false.values())
        rows = [(rule, str(number), f"{number / home_days:.4f}") for rule, number in some_false.most_common()]
        whole = ("all", str(total), f"{total / home_days:.4f} (95 % at most {upper(total, home_days):.4f})")
        yield table((title, "alerts", "per home and day"), [*rows, whole])
    yield f"Alerts that something planted explains: {sum(score.explained.values())}."


def _row(kind: Emergency, some: list[Outcome]) -> tuple[str, ...]:
    delays = sorted(o.delay_s for o in some if o.delay_s is not None)
    late = sum(o.late for o in some)
    rules = ", ".join(rule for rule, _ in Counter(o.rule for o in some if o.rule).most_common(3))
    middle, last = (_span(delays[len(delays) // 2]), _span(delays[-1])) if delays else ("-", "-")
    return (
        kind.title, _span(kind.within.total_seconds()), str(len(some)), str(len(delays) - late), str(late), str(len(some) - len(delays)),
        middle, last, rules,
    )  # fmt: skip


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _listens(done: "SynchronizedArray[float]") -> None:
    _told.append(done)


def _tell(number: int, part: float) -> None:
    if _told:
        _told[0][number] = part


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.county", description=__doc__)
    parser.add_argument("--homes", type=int, default=1000, metavar="N", help="(1000)")
    parser.add_argument("--days", type=int, default=30, metavar="N", help="virtual days, at least 7 (30)")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="played side by side (2)")
    parser.add_argument("--parts", type=Path, metavar="DIR", help="keep the score of every fifty homes there, and go on from what is there")
    parser.add_argument("--so-far", action="store_true", help="play nothing: the report of what is in --parts")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="other people, other days (1)")
    parser.add_argument("--judging", type=Path, metavar="DIR", help="rules of this folder instead of those that Anju comes with")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
