"""Whatever a home does: one leap of time is many steps, a restart changes nothing, lateness within the stated bound changes nothing."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.commands import ChangeHome, ChangeParameters, EndHomeMode, SetHomeMode
from alerting.engine import Engine
from alerting.facts import Fact
from alerting.refusals import IllegalTransition
from alerting.terms import Mode
from devices.home import Home
from tests.household import AREA, HOME, START, Household, report

Doing = tuple[str, float, float]
"""What, a value, and the minutes until the next."""

DOINGS = st.lists(
    st.tuples(
        st.sampled_from(["fix", "water", "bed", "check", "pill", "away", "back", "times"]),
        st.sampled_from([0.0, 1.0, 700.0, 5000.0, 0.3, 0.005]),
        st.sampled_from([0.5, 7.0, 31.0, 200.0, 777.0]),
    ),
    max_size=25,
)


class Lived:
    """The doings of a home, one after the other. `steps`: in how many pieces time passes; `restarts`: the engine is made anew each time."""

    def __init__(self, *, steps: int = 1, restarts: bool = False) -> None:
        self.home = Household()
        self.home.asks(ChangeHome(Home(HOME, AREA, "12栋402", latitude=30.0, longitude=120.0)))
        self._steps = steps
        self._restarts = restarts
        self._water = 10.0

    def do(self, doing: Doing) -> None:
        what, value, minutes = doing
        home = self.home
        try:
            match what:
                case "fix":
                    home.says("watch", latitude=30.0 + value / 111_195, longitude=120.0)
                case "water":
                    self._water += value
                    home.says("meter", water_used=self._water if value < 1000 else value)
                case "bed":
                    home.says("bed", bed_occupied=value >= 1)
                case "check" | "pill":
                    said = {"checked_in" if what == "check" else "medication_taken": value >= 1}
                    home.takes(report("button", home.now, f"{what}{len(home.facts)} {home.now}", said))
                case "away":
                    home.asks(SetHomeMode(HOME, Mode.AWAY, home.now + timedelta(hours=max(value, 1) / 50), "x"))
                case "back":
                    home.asks(EndHomeMode(HOME))
                case _:
                    home.asks(ChangeParameters(HOME, "check-in-missed", {"times": ("08:00", "19:30") if value else ("10:00",)}, "x"))
        except IllegalTransition:
            pass
        self.passes(minutes)

    def passes(self, minutes: float) -> None:
        for _ in range(self._steps):
            self.home.waits(minutes * 60 / self._steps)
        if self._restarts:
            again = Engine()
            for key in list(self.home.engine.keys()):
                again.restore(key, self.home.engine.snapshot(key))
            self.home.engine = again
            self.home.starts(None)

    def all(self, doings: list[Doing]) -> list[Fact]:
        for doing in doings:
            self.do(doing)
        self.passes(3 * 1440)
        return self.home.facts


@settings(deadline=None, max_examples=30)
@given(doings=DOINGS)
def test_one_leap_of_time_is_many_steps(doings: list[Doing]) -> None:
    assert Lived().all(doings) == Lived(steps=4).all(doings)


@settings(deadline=None, max_examples=30)
@given(doings=DOINGS)
def test_a_restart_behind_every_doing_changes_nothing(doings: list[Doing]) -> None:
    assert Lived().all(doings) == Lived(restarts=True).all(doings)


@settings(deadline=None, max_examples=30)
@given(doings=DOINGS)
def test_what_was_lived_is_folded_to_the_same_home(doings: list[Doing]) -> None:
    lived = Lived()
    lived.all(doings)
    folded = Engine(lived.home.engine.ruleset)
    for fact in lived.home.facts:
        folded.fold(fact, lived.home.now)
    assert folded.homes[HOME].arranged == lived.home.engine.homes[HOME].arranged
    assert folded.homes[HOME].fired == lived.home.engine.homes[HOME].fired


SAYINGS = st.lists(
    st.tuples(st.sampled_from(["fix", "water", "bed", "check"]), st.sampled_from([0.0, 1.0, 700.0]), st.integers(2, 400)),
    min_size=1, max_size=20,
)  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(sayings=SAYINGS, late=st.lists(st.integers(0, 110), min_size=20, max_size=20))
def test_reports_that_come_late_twice_and_out_of_order_give_the_same_alerts(sayings: list[tuple[str, float, int]], late: list[int]) -> None:
    at, water, said = START, 10.0, []
    for number, (what, value, minutes) in enumerate(sayings):
        at += timedelta(minutes=minutes)
        water += value / 1000
        said.append((what, at, f"n{number}", _values(what, value, water)))
    alerts = []
    for delays in ([0] * 20, late):
        home = Lived().home
        home.asks(ChangeParameters(HOME, "check-in-missed", {"times": ("10:00",)}, "x"))
        delayed = [(moment + timedelta(seconds=by), what, moment, id_) for by, (what, moment, id_, _) in zip(delays, said, strict=False)]
        told = {id_: values for _, _, id_, values in said}
        for received, what, moment, id_ in sorted(delayed):
            home.waits((received - home.now).total_seconds())
            for _ in range(2):
                home.takes(report(what, moment, id_, told[id_], received_at=received))
        home.waits(3 * 86_400)
        alerts.append({(alert.rule, alert.matter) for alert in home.engine.alerts.values()})
    assert alerts[0] == alerts[1]


def _values(what: str, value: float, water: float) -> dict[str, bool | float]:
    if what == "fix":
        return {"latitude": 30.0 + value / 111_195, "longitude": 120.0}
    if what == "water":
        return {"water_used": water}
    return {"bed_occupied": value >= 1} if what == "bed" else {"checked_in": True}
