"""Service time, against a machine whose clocks the test turns."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import Clock, Readings
from gateway.store.entry import Stamp

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


class Machine:
    """A computer: time passes in it, its wall clock can be set, it can be rebooted."""

    def __init__(self) -> None:
        self.wall = NOON
        self.up = 1000.0
        self.boots = 1
        self.readings = Readings(lambda: self.wall, lambda: self.up, lambda: f"boot-{self.boots}")

    def pass_(self, seconds: float) -> None:
        self.up += seconds
        self.wall += timedelta(seconds=seconds)

    def set_wall(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)

    def reboot(self, off: float) -> None:
        self.boots += 1
        self.up = 20.0
        self.wall += timedelta(seconds=off)

    def clock(self, last: Stamp | None = None) -> Clock:
        return Clock(last, self.readings)


def test_the_first_clock_of_a_house_starts_at_the_wall_clock() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock.now() == NOON
    machine.pass_(1.5)
    assert clock.now() == NOON + timedelta(seconds=1.5)
    assert clock.stamp() == Stamp(NOON + timedelta(seconds=1.5), machine.wall, 1001.5, "boot-1")
    assert not clock.clock_suspect


@pytest.mark.parametrize("step", [-7200.0, -1.5, 1.5, 7200.0, 86400.0 * 400])
def test_a_wall_clock_that_is_set_moves_no_deadline_and_is_told_once(step: float) -> None:
    machine = Machine()
    clock = machine.clock()
    deadline = clock.now() + timedelta(seconds=60)
    machine.pass_(10)
    machine.set_wall(step)
    assert clock.monotonic_until(deadline) == pytest.approx(50)
    stepped = clock.take_step()
    assert stepped is not None
    assert stepped.offset_s == pytest.approx(step)
    assert clock.wall_offset == timedelta(seconds=step)
    assert clock.take_step() is None
    machine.pass_(10)
    assert clock.take_step() is None
    machine.set_wall(-step)
    back = clock.take_step()
    assert back is not None
    assert back.offset_s == pytest.approx(0)


def test_a_wall_clock_that_is_slewed_is_no_step_until_it_adds_up_to_a_second() -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(9):
        machine.pass_(60)
        machine.set_wall(0.1)
        assert clock.take_step() is None
    machine.set_wall(0.2)
    assert clock.take_step() is not None


def test_a_deadline_that_has_passed_is_due_now() -> None:
    machine = Machine()
    assert machine.clock().monotonic_until(NOON - timedelta(seconds=5)) == 0.0


def test_a_restart_of_the_service_goes_on_by_boottime_whatever_the_wall_clock_does_meanwhile() -> None:
    machine = Machine()
    last = machine.clock().stamp()
    machine.pass_(3)
    machine.set_wall(-500)
    clock = machine.clock(last)
    assert clock.now() == NOON + timedelta(seconds=3)
    assert not clock.clock_suspect
    stepped = clock.take_step()
    assert stepped is not None
    assert stepped.offset_s == pytest.approx(-500)


def test_a_long_stop_within_one_boot_is_not_suspect() -> None:
    machine = Machine()
    last = machine.clock().stamp()
    machine.pass_(86400 * 3)
    clock = machine.clock(last)
    assert clock.now() == NOON + timedelta(days=3)
    assert not clock.clock_suspect


@pytest.mark.parametrize(
    ("off", "elapsed", "suspect"),
    [
        (90, 90, False),
        (86400, 86400, False),
        (86401, 86401, True),
        (-0.5, 0, False),
        (-3600, 0, True),
        (-86400 * 365 * 56, 0, True),
    ],
    ids=["a reboot", "a day off", "more than a day", "slewed", "an hour back", "a board without a battery"],
)
def test_a_reboot_adds_what_the_wall_clock_says_and_never_goes_back(off: float, elapsed: float, suspect: bool) -> None:
    machine = Machine()
    last = machine.clock().stamp()
    machine.reboot(off)
    clock = machine.clock(last)
    assert clock.now() == NOON + timedelta(seconds=elapsed)
    assert clock.clock_suspect is suspect
    assert (clock.take_step() is not None) is (abs(off - elapsed) > 1)


def test_a_boottime_that_went_back_within_one_boot_stands_still_and_is_suspect() -> None:
    machine = Machine()
    last = machine.clock().stamp()
    machine.up -= 400
    clock = machine.clock(last)
    assert clock.now() == NOON
    assert clock.clock_suspect


def test_a_step_that_was_stamped_but_never_journaled_is_told_after_the_restart() -> None:
    machine = Machine()
    machine.set_wall(0)
    clock = machine.clock()
    machine.set_wall(300)
    last = clock.stamp()
    assert Clock(last, machine.readings).take_step() is None
    stepped = Clock(last, machine.readings, told=timedelta()).take_step()
    assert stepped is not None
    assert stepped.offset_s == pytest.approx(300)


_EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.floats(0, 1e6)),
        st.tuples(st.just("set"), st.floats(-1e8, 1e8)),
        st.tuples(st.just("reboot"), st.floats(0, 1e5)),
        st.tuples(st.just("restart"), st.floats(0, 1e3)),
    ),
    max_size=30,
)


@given(_EVENTS)
def test_service_time_only_grows_whatever_happens_to_the_machine(events: list[tuple[str, float]]) -> None:
    machine = Machine()
    clock = machine.clock()
    latest = clock.now()
    for what, seconds in events:
        last = clock.stamp()
        if what == "set":
            machine.set_wall(seconds)
        elif what == "reboot":
            machine.reboot(seconds)
            clock = machine.clock(last)
        else:
            machine.pass_(seconds)
            if what == "restart":
                clock = machine.clock(last)
        now = clock.now()
        assert now >= latest
        latest = now


def test_the_real_machine_has_all_three_clocks() -> None:
    first = Clock(None)
    last = first.stamp()
    assert len(last.boot_id) == 36
    second = Clock(last)
    assert last.service_at <= second.now() < last.service_at + timedelta(seconds=30)
    assert second.take_step() is None
