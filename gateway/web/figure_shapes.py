"""What the API answers of figures: how calls are answered, who could be heard, what the morning's check found."""

from datetime import datetime

from alerting.items import Matter
from gateway.web.shapes import Page, Shape


class AnswerFigures(Shape):
    """Shares are of `count`. Seconds from raised to first claimed, acknowledged or closed by a person; null where nothing was answered."""

    count: int
    answered: int
    waiting: int
    never_answered: int
    within_60_s: float | None
    within_180_s: float | None
    p50_s: float | None
    p95_s: float | None
    max_s: float | None


class AnsweringReport(Shape):
    """`reflects` is the last number of the journal that the figures hold."""

    month: str
    start: datetime
    end: datetime
    reflects: int
    target_60_s: float
    target_180_s: float
    all: AnswerFigures
    by_priority: dict[str, AnswerFigures]
    by_category: dict[str, AnswerFigures]


class UnheardHome(Shape):
    """Seconds of the month in which the home was not heard; `share` of it in which it was."""

    home: str
    home_name: str
    area: str
    unheard_s: float
    share: float


class WatchedReport(Page[UnheardHome]):
    """How much of the month so far homes could be heard. `share` is the mean of `homes`; `items`: those below 1, the worst first.

    `service_unheard_s`: the whole service was down, or its line to the broker cut.
    """

    month: str
    start: datetime
    end: datetime
    homes: int
    share: float | None
    service_unheard_s: float


class FindingShape(Shape):
    """What somebody should see to before it matters. `sentence` is Chinese."""

    area: str
    home: str
    home_name: str
    matter: Matter
    sentence: str
    sentence_en: str
    device: str | None


class HomesReport(Page[FindingShape]):
    """`day` is the local day of the check, YYYY-MM-DD; null before the first."""

    day: str | None
