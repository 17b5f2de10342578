"""What a drill is asked with, and its report: who was told of what, when, and who was not, and why."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from alerting.drill import HOMES_MOST, MINUTES_MOST
from alerting.plan_facts import Scale
from alerting.terms import Category, Stage
from gateway.web.bodies import Body, Code, Id, Said
from gateway.web.instants import Instant
from gateway.web.problems import Words
from gateway.web.shapes import Shape

Seconds = Annotated[float, Field(ge=0, le=MINUTES_MOST * 60)]


class AnswerBody(Body):
    """Whoever is told as `target` answers so long after being told."""

    target: Code
    after_s: Seconds
    stage: Literal[Stage.ACCEPTED, Stage.DECLINED] = Stage.ACCEPTED


class DrillBody(Body):
    """`scale` and `grade` together, or neither: the steps alone. `at`: the hour that it pretends to be; left out: now. `desk_after_s` left
    out: nobody at the desk takes the calls. `unreachable`: targets to which no notification gets through.
    """

    area: Id
    category: Category
    scale: Scale | None = None
    grade: Annotated[int, Field(ge=1, le=4)] | None = None
    homes: Annotated[int, Field(ge=1, le=HOMES_MOST)] = 1
    minutes: Annotated[float, Field(gt=0, le=MINUTES_MOST)] = 15
    at: Instant | None = None
    raised_after_s: Seconds = 60
    desk_after_s: Seconds | None = None
    answers: Annotated[list[AnswerBody], Field(max_length=50, default_factory=list)]
    unreachable: Annotated[list[Code], Field(max_length=50, default_factory=list)]
    reason: Said

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.scale is None) != (self.grade is None):
            raise ValueError("scale and grade are given together, or neither")
        return self


class DrillTold(Shape):
    """One who would have been told, the first time. `answer` is what the drill had them say; `by_grade`: the grade told them."""

    target: str
    who: Words
    channel: str
    after_s: float
    times: int
    by_grade: bool
    delivered: bool
    answer: Stage | None
    answered_after_s: float | None


class DrillMissed(Shape):
    target: str
    who: Words
    after_s: float
    by_grade: bool
    why: Words


class DrillLine(Shape):
    after_s: float
    at: datetime
    home: Words
    kind: str
    text: Words


class DrillShape(Shape):
    """`origin` is always `training`. `met`: the grade was raised, and nobody whom it names was left out. `notes`: what was wanting."""

    id: str
    origin: Literal["training"] = "training"
    title: Words
    held_at: datetime
    by: str
    reason: str
    pretended_at: datetime
    area: str
    area_name: str
    category: Category
    scale: Scale | None
    grade: int | None
    homes: int
    minutes: float
    policy: str
    rules_version: str
    alerts: int
    graded_after_s: float | None
    first_told_after_s: float | None
    accepted_after_s: float | None
    acknowledged_after_s: float | None
    met: bool
    notes: list[Words]
    told: list[DrillTold]
    missed: list[DrillMissed]
    lines: list[DrillLine] | None = None
    """Only in a drill read by itself."""
