"""The evidence from outside: the anchors of its days, a check of all of it, and the erasure of a resident."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from fastapi import APIRouter
from pydantic import StringConstraints

from alerting.record_commands import EraseResident
from devices.home import HomeId
from gateway.evidence import apart
from gateway.evidence.archive import exists, reading
from gateway.evidence.verify import Fault, Verified
from gateway.web.auth import ADMINISTER, READ, Identity
from gateway.web.bodies import Body
from gateway.web.desk import OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.problems import ProblemDetails, Words, missing
from gateway.web.shapes import Page, Shape

router = APIRouter()

_verified = msgspec.json.Decoder(Verified)


class AnchorShape(Shape):
    """The last link over everything up to the end of a local day. Kept elsewhere, it shows later whether anything was made anew."""

    day: str
    seq: int
    entries: int
    total: str


class FindingShape(Shape):
    fault: Fault
    seq: int
    alert: str
    sentence: Words


class ErasedShape(Shape):
    home: str
    at: datetime
    by: str
    entries: int


class VerifiedShape(Shape):
    """`compared_from`: from this number of the journal on each entry was compared with it."""

    good: bool
    entries: int
    alerts: int
    upto: int
    compared_from: int
    last_anchor: AnchorShape | None
    erased: list[ErasedShape]
    gaps: list[tuple[int, int]]
    findings: list[FindingShape]


class ErasureBody(Body):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class ErasureShape(Shape):
    """`journal_until`: by then retention has removed the last file of the journal that may still hold a text of the home."""

    home: str
    seq: int
    journal_until: datetime


@router.get("/audit/anchors", dependencies=[READ, NO_QUERY], tags=["audit"])
async def anchors(desk: OnDesk) -> Page[AnchorShape]:
    """The latest thousand days, the newest first."""
    return Page(items=await asyncio.to_thread(_anchors, desk.views.store.path.parent))


def _anchors(data: Path) -> list[AnchorShape]:
    try:
        file = reading(data)
    except sqlite3.OperationalError:
        return []
    with closing(file):
        rows = file.execute("SELECT day, seq, entries, total FROM anchor ORDER BY day DESC LIMIT 1000").fetchall()
    return [AnchorShape(day=day, seq=seq, entries=entries, total=total.hex()) for day, seq, entries, total in rows]


@router.post("/audit/verify", dependencies=[ADMINISTER, NO_QUERY], tags=["audit"], responses={404: {"model": ProblemDetails}})
async def verify(desk: OnDesk) -> VerifiedShape:
    """Every entry, link, text and anchor, and all of it against the journal; by a process of its own, as long as it takes."""
    data = desk.views.store.path.parent
    if not await asyncio.to_thread(exists, data):
        raise missing("还没有处置档案", "there is no evidence yet")
    async with desk.counting:
        found = _verified.decode(await apart.made("gateway.evidence.verify", str(data)))
    last = found.anchors[-1] if found.anchors else None
    return VerifiedShape(
        good=found.good, entries=found.entries, alerts=found.alerts, upto=found.upto, compared_from=found.compared_from,
        last_anchor=AnchorShape(**msgspec.structs.asdict(last)) if last else None,
        erased=[ErasedShape(home=e.home, at=e.at, by=e.by, entries=e.entries) for e in found.erased],
        gaps=list(found.gaps),
        findings=[FindingShape(fault=f.fault, seq=f.seq, alert=f.alert, sentence=Words.of(f.sentence)) for f in found.findings],
    )  # fmt: skip


@router.post(
    "/homes/{home_id}/erase", dependencies=[NO_QUERY], tags=["homes"],
    responses={404: {"model": ProblemDetails}, 409: {"model": ProblemDetails}},
)  # fmt: skip
async def erase(desk: OnDesk, home_id: str, body: ErasureBody, who: Annotated[Identity, ADMINISTER]) -> ErasureShape:
    """Everything that names the people of a retired home goes: registry, desk, texts and salts of the evidence. It cannot be undone.

    What happened there stays as it is counted: kinds, times, numbers, whose hand. Backups made before, and files of the journal until
    retention removes them, hold what was written into them.
    """
    answered = await desk.ask(EraseResident(HomeId(home_id), body.reason), who)
    until = desk.condition.now() + timedelta(days=desk.journal_days + 1)
    return ErasureShape(home=home_id, seq=answered.seq, journal_until=until)
