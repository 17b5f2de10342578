"""What a notice says, and what becomes of what a stranger answers."""

from datetime import timedelta

import msgspec
import pytest

from gateway.notify.channel import Moot, Notice, notice_of, one_line, token
from tests.notices import AT, DAUGHTER, HOME, RESIDENT, alert, notice, request


def test_a_notice_says_who_where_and_why_and_nothing_medical() -> None:
    said = notice()
    assert (said.home_name, said.room) == (HOME.name, "卫生间")
    assert (said.residents[0].name, said.residents[0].speech) == ("沈阿婆", "杭州话，听力差")
    assert said.link == "https://anju.example.org/alerts/a-1"
    assert said.life_safety
    everything = msgspec.json.encode(said).decode()
    for kept_back in (RESIDENT.medical, "1941", DAUGHTER.name, HOME.access, HOME.note):
        assert kept_back not in everything


def test_what_was_asked_for_before_the_alert_was_closed_is_moot_and_what_was_asked_for_by_the_closing_is_not() -> None:
    assert isinstance(notice_of(request(), alert(closed_at=AT + timedelta(seconds=1)), HOME, (), ""), Moot)
    assert isinstance(notice_of(request(), alert(closed_at=AT), HOME, (), ""), Notice)


def test_a_notice_of_a_home_that_is_gone_still_says_what_is_known() -> None:
    said = notice_of(request(), alert(), None, (), "")
    assert isinstance(said, Notice)
    assert (said.home, said.home_name, said.link, said.reason.en) == (HOME.id, "", "", "The pull cord in the bathroom was pulled.")


@pytest.mark.parametrize(
    ("id_", "kept"),
    [("n-1_x", True), ("a" * 64, True), ("a" * 65, False), ("警 1", False), ("a\r\nb: c", False), ("a.b", False), ("", False)],
)
def test_an_id_stands_in_a_header_as_it_is_or_as_a_digest(id_: str, kept: bool) -> None:
    assert (token(id_) == id_) is kept
    assert token(token(id_)) == token(id_)


def test_what_a_stranger_answers_becomes_one_printable_line() -> None:
    assert one_line("a\r\n\tb\x00\x1b[31m  c") == "a b [31m c"
    assert len(one_line("好" * 1000)) == 200
