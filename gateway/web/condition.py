"""How the service is: one answer for `/readyz`, every page and the metrics, with its reasons in words."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from time import monotonic

from alerting.marks import flooding
from alerting.terms import Sentence
from gateway.control import Health
from gateway.web.historian import Historian
from gateway.web.problems import Words
from gateway.web.self_check import SelfCheck
from gateway.web.shapes import Beat, Flood
from gateway.web.users import Users
from gateway.web.views import Views

SILENT_AFTER_S = 3.0
"""Health comes every second; this long without it, the alarm process hangs."""
BEHIND_AFTER_S = 2.0

DOWN = Sentence("告警进程没有运行，正在等待它恢复", "the alarm process is not running; waiting for it to come back")
HANGING = Sentence("告警进程没有回应", "the alarm process does not answer")
STARTING = Sentence("网页进程正在读取日志", "the web process is reading the journal")
BEHIND = Sentence("网页显示落后于告警进程", "what the pages show is behind the alarm process")


class Condition:
    """Fed by the follower; read by everyone else. Seconds are monotonic ones."""

    def __init__(
        self, views: Views, users: Users, telemetry: Historian, wall: Callable[[], datetime], self_check: SelfCheck | None = None,
    ) -> None:  # fmt: skip
        self.health: Health | None = None
        self.connected = False
        self.caught_up = False
        """Whether the view has reached the end of the journal since the start."""
        self.journal_problem = ""
        self.restored: Sentence | None = None
        """What the view lacks since it had to be built from snapshots. It works; no reason not to be ready."""
        self._views = views
        self._users = users
        self._telemetry = telemetry
        self._wall = wall
        self._self_check = self_check
        self._heard_at = 0.0
        self._behind_since: float | None = None
        self._flooding: datetime | None = None

    def heard(self, health: Health) -> None:
        self.health, self._heard_at = health, monotonic()
        self.watch()

    def watch(self) -> None:
        """Note since when the view has been behind."""
        behind = self.health is not None and self._views.position < self.health.seq
        if not behind:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = monotonic()

    @property
    def alarm_process_up(self) -> bool:
        return self.connected and self.health is not None and monotonic() - self._heard_at < SILENT_AFTER_S

    def now(self) -> datetime:
        """Service time, as near as this process knows it, never before what it shows; carried on while the alarm process is away."""
        stamp = self._views.stamp
        if self.health is not None:
            told = self.health.now + timedelta(seconds=monotonic() - self._heard_at)  # a health that came late tells too little
            return told if stamp is None else max(told, stamp.service_at)
        if stamp is not None:
            return stamp.service_at + max(self._wall() - stamp.wall_at, timedelta())
        return self._wall()

    def problems(self) -> list[Sentence]:
        return list(self._problems())

    @property
    def ready(self) -> bool:
        """Whether everything works; what is only a warning does not count against it."""
        warnings = [*self.health.problems] if self.health is not None and self.health.ready else []
        warnings += self._telemetry.warnings()
        warnings += self._self_check.warnings() if self._self_check is not None else ()
        return all(problem in warnings or problem is self.restored for problem in self._problems())

    def _problems(self) -> Iterator[Sentence]:
        if not self.connected:
            yield DOWN
        elif not self.alarm_process_up:
            yield HANGING
        elif self.health is not None:
            yield from self.health.problems
            if not self.health.ready and not self.health.problems:
                yield Sentence("告警进程尚未就绪", "the alarm process is not ready")
        if self.journal_problem:
            yield Sentence(f"无法读取日志：{self.journal_problem}", f"the journal cannot be read: {self.journal_problem}")
        elif not self.caught_up:
            yield STARTING
        elif self._behind_since is not None and monotonic() - self._behind_since > BEHIND_AFTER_S:
            yield BEHIND
        if self.restored is not None:
            yield self.restored
        for zh, en, problem in (
            ("值守视图（views.db）", "the desk's view (views.db)", self._views.store.problem),
            ("用户库（users.db）", "the users' file (users.db)", self._users.problem),
        ):
            if problem:
                yield Sentence(f"{zh}暂时无法写入：{problem}", f"{en} cannot be written for now: {problem}")
        yield from self._telemetry.problems()
        yield from self._telemetry.warnings()
        if self._self_check is not None:
            yield from self._self_check.broken()
            yield from self._self_check.warnings()

    def beat(self) -> Beat:
        problems = self.problems()
        return Beat(
            now=self.now(),
            seq=self._views.position,
            alarm_process="up" if self.alarm_process_up else "down",
            ready=self.ready,
            problems=[Words.of(problem) for problem in problems],
            flood=self._flood(),
        )

    def _flood(self) -> Flood | None:
        now, life = self.now(), self._views.places.ruleset.life
        raised = self._views.board.raised_since(now - life.flood_within)
        if not flooding(raised, now, life, before=self._flooding is not None):
            self._flooding = None
            return None
        self._flooding = self._flooding or now
        return Flood(since=self._flooding, count=len(raised))
