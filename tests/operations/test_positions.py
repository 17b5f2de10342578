"""Positions of the stream over a restore: what is common goes on, what was undone is loaded anew."""

import pytest

from gateway.web.position import LIFE, Positions


def test_where_there_was_no_restore_a_position_is_the_journals_number() -> None:
    assert Positions().of(122) == 122
    assert Positions().number("122") == 122


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("100", 100),  # before the backup: the same in both lives
        ("101", None),  # after it: another thing now
        (str(LIFE + 101), 101),
        (str(2 * LIFE + 5), None),  # a life that never was
        ("", None),
        ("-1", None),
        ("1" * 19, None),
        ("x", None),
        ("٣", None),
    ],
)
def test_after_a_restore_a_position_from_before_counts_as_far_as_both_lives_agree(text: str, number: int | None) -> None:
    assert Positions(lives=1, shared=100).number(text) == number


def test_positions_grow_over_every_restore() -> None:
    positions = [Positions(lives, 50).of(seq) for lives, seq in ((0, 99), (1, 51), (2, 51))]
    assert positions == sorted(positions)
    assert len(str(Positions(lives=999).of(10**15 - 1))) <= 18


def test_a_life_before_the_last_one_is_not_vouched_for() -> None:
    assert Positions(lives=2, shared=100).number("50") is None
