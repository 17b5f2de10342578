"""How every rule stands for a home, asked of the alarm process at that moment: for support, and for trust."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter

from alerting.standing import Standing
from alerting.watching.scene import Phase
from devices.home import HomeId
from gateway.web.auth import READ, Identity
from gateway.web.desk import OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.problems import ProblemDetails, Words, missing
from gateway.web.shapes import Shape

router = APIRouter(tags=["rules"], responses={404: {"model": ProblemDetails}})


class StandingShape(Shape):
    """`phase`: `idle`, `pending` (an alert at `due_at`), `firing`, `learning`, or `not_watched`, and `sentence` says why."""

    rule: str
    device: str | None
    title: Words
    phase: Phase
    sentence: Words
    clears: Words | None
    """What would end it."""
    since: datetime | None
    due_at: datetime | None
    last_fired_at: datetime | None
    numbers: dict[str, float]


class JudgementShape(Shape):
    """`at` is the moment it speaks of; `version` the ruleset that holds."""

    home: str
    at: datetime
    version: str
    items: list[StandingShape]


@router.get("/homes/{home_id}/judgement", dependencies=[NO_QUERY])
async def judgement(desk: OnDesk, home_id: str, who: Annotated[Identity, READ]) -> JudgementShape:
    """Each rule's present state: what it waits for since when, what it has seen, or why it watches nothing here. Who looks is recorded."""
    stands = await desk.control.inquire(HomeId(home_id)) if len(home_id) <= 200 else None
    if stands is None or stands.at is None:
        raise missing(f"没有住户 {home_id[:80]}", f"there is no home {home_id[:80]}")
    desk.users.looked(who.user, HomeId(home_id), "judgement")
    return JudgementShape(
        home=home_id, at=stands.at, version=desk.views.places.ruleset.version, items=[_shape(one) for one in stands.standings],
    )  # fmt: skip


def _shape(one: Standing) -> StandingShape:
    judged = one.judgement
    return StandingShape(
        rule=one.rule,
        device=one.device,
        title=Words.of(one.title),
        phase=judged.phase,
        sentence=Words.of(judged.sentence),
        clears=Words.of(judged.clears) if judged.clears else None,
        since=judged.since,
        due_at=judged.due_at,
        last_fired_at=one.last_fired_at,
        numbers=judged.numbers,
    )
