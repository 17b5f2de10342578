"""What was planted against what was seen. Pure: two lists and a moment in, a verdict for every planted event out.

An alert belongs to the plant of its home and category that came latest before it and still waits for one. A second *new* alert for a
plant that has its own is doubled; a repeat of an open alert serves a plant as well as a new one, since a home's second call rightly
joins the first. An alert that no plant explains is false, and named with what was planted in that home last.
"""

from collections import defaultdict
from enum import StrEnum

import msgspec

from simulator.acts import ACTS
from simulator.plan import Plant
from simulator.scenario import Category, Expect

TOLD_BY_RECEIPT = frozenset({Category.CALL_FOR_HELP, Category.FIRE, Category.GAS, Category.FALL})
"""What a device gets a receipt for. Where nothing but the command topic is watched, the absence of the rest says nothing."""

BRIDGED = frozenset(str(act) for act, capability in ACTS.items() if capability.zigbee)
"""Acts whose message comes by a foreign dialect: what answers it goes to no device of ours."""

FORGOTTEN_S = 60.0
"""An alert that comes so long after an expectation's time is taken for somebody else's: that one is missed, not late."""


class Sighting(msgspec.Struct, frozen=True):
    """An alert came, or came again, at a monotonic second. By receipt only home and device are known, else category and priority."""

    at_s: float
    alert: str
    home: str
    new: bool = True
    category: str = ""
    priority: int = 0
    device: str = ""
    area: str = ""
    """Of an alert that is a whole area's: it answers for every home there."""

    @property
    def by_receipt(self) -> bool:
        return not self.category


class Said(msgspec.Struct, frozen=True):
    """A plant, and the monotonic second at which its device said it; None: the run ended before."""

    plant: Plant
    at_s: float | None


class Outcome(StrEnum):
    SEEN = "seen"
    LATE = "late"
    """It came, after its time."""
    MISSED = "missed"
    WRONG = "wrong priority"
    QUIET = "quiet"
    """Nothing was expected, and nothing came."""
    FALSE = "false alert"
    """Nothing was expected, and something came."""
    UNWATCHED = "not watched"
    """Without the API this cannot be seen."""
    UNPLANTED = "not planted"
    """The home has no such device, or the run ended before."""


BAD = frozenset({Outcome.LATE, Outcome.MISSED, Outcome.WRONG, Outcome.FALSE})


class Row(msgspec.Struct, frozen=True):
    """One expectation of one plant; `latency_s` from the device's message to the sight of the alert."""

    plant: str
    at_s: float
    """In the story's time."""
    home: str
    device: str
    act: str
    expected: str
    outcome: Outcome
    latency_s: float | None = None
    within_s: float | None = None
    alert: str = ""


class Stray(msgspec.Struct, frozen=True):
    """An alert that nothing planted explains; `after` is what was planted last in that home."""

    alert: str
    home: str
    category: str
    after: str


class Receipts(msgspec.Struct, frozen=True):
    """Of the alerts that came for calls and hazards: whether the person in need was told."""

    wanted: int = 0
    came: int = 0
    without: tuple[str, ...] = ()
    """Alerts of which nobody was told."""


class Verdict(msgspec.Struct, frozen=True):
    rows: tuple[Row, ...]
    false: tuple[Stray, ...]
    doubled: tuple[Stray, ...]

    @property
    def good(self) -> bool:
        return not self.false and not self.doubled and not any(row.outcome in BAD for row in self.rows)

    def count(self, outcome: Outcome) -> int:
        return sum(row.outcome is outcome for row in self.rows)

    @property
    def latencies_s(self) -> list[float]:
        return sorted(row.latency_s for row in self.rows if row.latency_s is not None)


class _Wanted(msgspec.Struct):
    """A plant's expectation while the sightings are dealt out."""

    plant: Plant
    at_s: float
    expect: Expect
    sure: bool
    """Whether its alert must be seen by what is watched; if not, its absence says nothing."""
    got: Sighting | None = None


def judge(said: list[Said], sightings: list[Sighting], *, by_receipt: bool) -> Verdict:
    wanted = [
        _Wanted(one.plant, one.at_s, expect, sure=not by_receipt or _told_by_receipt(one.plant, expect))
        for one in said
        if one.at_s is not None
        for expect in one.plant.expected
    ]
    by_home: dict[str, list[_Wanted]] = defaultdict(list)
    for want in wanted:
        by_home[want.plant.home].append(want)
    false: list[Stray] = []
    doubled: list[Stray] = []
    for sighting in sorted(sightings, key=lambda each: each.at_s):
        near = wanted if sighting.area else by_home[sighting.home]
        fitting = [want for want in near if want.at_s <= sighting.at_s and _fits(want, sighting)]
        waiting = [want for want in fitting if want.got is None]
        if waiting:
            # One alert may answer two calls that came before it: only the latest would leave the others waiting for ever.
            for want in [want for want in waiting if want.sure] or waiting:
                want.got = sighting
        elif sighting.new:
            (doubled if fitting else false).append(_stray(sighting, said))
    rows = [row for one in said for row in _rows(one, by_home[one.plant.home], false)]
    return Verdict(tuple(rows), tuple(false), tuple(doubled))


def told(verdict: Verdict, receipts: list[Sighting]) -> Receipts:
    """`receipts`: every `accepted` that a home heard."""
    wanted = dict.fromkeys(
        row.alert
        for row in verdict.rows
        if row.alert and row.act not in BRIDGED and row.expected.split(" ", 1)[0] in TOLD_BY_RECEIPT
    )
    heard = {receipt.alert for receipt in receipts}
    without = tuple(alert for alert in wanted if alert not in heard)
    return Receipts(len(wanted), len(wanted) - len(without), without)


def _told_by_receipt(plant: Plant, expect: Expect) -> bool:
    return expect.category in TOLD_BY_RECEIPT and plant.act not in BRIDGED


def _fits(want: _Wanted, sighting: Sighting) -> bool:
    if sighting.at_s > want.at_s + want.expect.within + FORGOTTEN_S:
        return False
    if sighting.area and not want.plant.area.startswith(sighting.area):
        return False
    return want.plant.device == sighting.device if sighting.by_receipt else want.expect.category == sighting.category


def _stray(sighting: Sighting, said: list[Said]) -> Stray:
    before = [one for one in said if one.plant.home == sighting.home and one.at_s is not None and one.at_s <= sighting.at_s]
    after = max(before, key=lambda one: one.at_s or 0.0).plant.id if before else ""
    return Stray(sighting.alert, sighting.home, sighting.category or sighting.device, after)


def _rows(one: Said, wanted: list[_Wanted], false: list[Stray]) -> list[Row]:
    """`wanted`: those of its home."""
    plant = one.plant

    def row(expected: str, outcome: Outcome, want: _Wanted | None = None) -> Row:
        got = want.got if want is not None else None
        return Row(
            plant.id, plant.virtual_s, plant.home, plant.device, plant.act, expected, outcome,
            latency_s=got.at_s - want.at_s if got is not None and want is not None else None,
            within_s=float(want.expect.within) if want is not None else None,
            alert=got.alert if got is not None else "",
        )  # fmt: skip

    if one.at_s is None:
        return [row(", ".join(expect.category for expect in plant.expected) or "nothing", Outcome.UNPLANTED)]
    if not plant.expected:
        broken = any(stray.after == plant.id for stray in false)
        return [row("nothing", Outcome.FALSE if broken else Outcome.QUIET)]
    rows = []
    for expect in plant.expected:
        want = next(want for want in wanted if want.plant is plant and want.expect is expect)
        rows.append(row(_worded(expect), _outcome(want), want))
    return rows


def _worded(expect: Expect) -> str:
    return f"{expect.category} P{expect.priority}" if expect.priority else str(expect.category)


def _outcome(want: _Wanted) -> Outcome:
    got = want.got
    if got is None:
        return Outcome.MISSED if want.sure else Outcome.UNWATCHED
    if want.expect.priority and got.priority and got.priority != want.expect.priority:
        return Outcome.WRONG
    return Outcome.LATE if got.at_s - want.at_s > want.expect.within else Outcome.SEEN
