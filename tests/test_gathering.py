"""How long readings wait for each other: a table, on a clock that the test winds."""

import pytest

from gateway.gathering import CROWD, CROWD_S, ENOUGH, FEW_S, Gathering, telling

COMMITTED_AT = 100.0


@pytest.mark.parametrize(("together", "waiting", "later", "patience"), [
    (1, 1, 0.0, FEW_S),  # behind a commit of one, the next waits a little
    (1, 1, FEW_S, 0.0),
    (1, 1, 60.0, FEW_S - 60.0),  # a quiet house: nobody is waited for
    (CROWD - 1, 5, 0.001, FEW_S - 0.001),
    (CROWD, 1, 0.001, CROWD_S - 0.001),  # many came together: more are on their way
    (CROWD, ENOUGH - 1, 0.001, CROWD_S - 0.001),
    (CROWD, ENOUGH, 0.001, 0.0),  # company enough
    (256, ENOUGH + 100, 0.0, 0.0),
])  # fmt: skip
def test_a_reading_waits_from_the_last_commit_on_until_there_is_company_enough(
    together: int, waiting: int, later: float, patience: float,
) -> None:  # fmt: skip
    gathering = Gathering()
    gathering.committed(together, COMMITTED_AT)
    assert gathering.patience(waiting, COMMITTED_AT + later) == pytest.approx(patience)


def test_before_the_first_commit_nothing_waits() -> None:
    assert Gathering().patience(1, COMMITTED_AT) < 0


def test_the_loop_is_told_of_the_first_reading_and_of_the_one_that_makes_enough() -> None:
    assert [waiting for waiting in range(1, 3 * ENOUGH) if telling(waiting)] == [1, ENOUGH]
