"""The class and grade of a matter: what its plan has, and raising it."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from alerting.escalation import policy_for
from alerting.grading import named
from alerting.plan_facts import RaiseGrade, Scale
from alerting.terms import AlertId
from gateway.web.alerts import act, found
from gateway.web.auth import ACT, READ
from gateway.web.bodies import Body, Said
from gateway.web.desk import OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.problems import ProblemDetails
from gateway.web.shapes import AlertShape, Shape

router = APIRouter(prefix="/alerts/{alert_id}", tags=["alerts"], responses={404: {"model": ProblemDetails}, 409: {"model": ProblemDetails}})


class GradeBody(Body):
    scale: Scale
    grade: Annotated[int, Field(ge=1, le=4)]
    """1 is I, the gravest."""
    reason: Said


class GradeShape(Shape):
    """`may_raise`: roles of the staff; none: whoever may act. `now`: the alert stands there."""

    scale: Scale
    grade: int
    title: str
    title_en: str
    targets: list[str]
    may_raise: list[str]
    now: bool


class GradesShape(Shape):
    policy: str
    items: list[GradeShape]


@router.get("/grades", dependencies=[READ, NO_QUERY])
async def grades(desk: OnDesk, alert_id: str) -> GradesShape:
    """What the plan of this alert has."""
    alert = (await found(desk, alert_id)).alert
    policy = policy_for(desk.views.places.ruleset, alert.category, alert.policy)
    items = [
        GradeShape(
            scale=one.scale, grade=one.grade, title=named(one.scale, one.grade).zh, title_en=named(one.scale, one.grade).en,
            targets=list(one.targets), may_raise=list(one.may_raise), now=alert.graded == (one.scale, one.grade),
        )
        for one in policy.grades
    ]  # fmt: skip
    return GradesShape(policy=policy.id, items=items)


@router.post("/grade", dependencies=[ACT, NO_QUERY], response_model=AlertShape)
async def raise_grade(desk: OnDesk, request: Request, alert_id: str, body: GradeBody) -> Response:
    """It is in the timeline with the reason, and those whom the plan names are told at once."""
    return await act(desk, request, RaiseGrade(AlertId(alert_id), body.scale, body.grade, body.reason))
