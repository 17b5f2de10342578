"""What an operator types to find a home by, with somebody on the telephone."""

import pytest

from gateway.web.finding import Typed

ADDRESS = "翠苑一区 18 栋 3 单元 301"


@pytest.mark.parametrize("typed", ["18 栋", "18栋", "１８栋", "18", "1", "翠苑一区18", "3 单元 301", "3单元301", "苑一", "单元 3", "301"])
def test_part_of_an_address_finds_it_however_it_is_spaced(typed: str) -> None:
    assert Typed(typed).in_words(ADDRESS)


@pytest.mark.parametrize("typed", ["8 栋", "8栋", "01", "栋 18", "3301", "18 3"])
def test_a_number_is_meant_from_its_first_digit(typed: str) -> None:
    assert not Typed(typed).in_words(ADDRESS)


def test_two_numbers_side_by_side_stay_two() -> None:
    assert Typed("3 301").in_words("东区 3 301")
    assert Typed("301").in_words("东区 3 301")
    assert not Typed("3301").in_words("东区 3 301")


@pytest.mark.parametrize("typed", ["13800000123", "138 0000 0123", "0123", "138-0000", "(138)"])
def test_a_telephone_number_is_found_from_anywhere_in_it(typed: str) -> None:
    assert Typed(typed).in_number("138 0000-0123")


def test_names_are_found_in_any_case_and_nothing_typed_finds_all() -> None:
    assert Typed("wang G").in_words("Wang Guifang")
    assert Typed("").in_words(ADDRESS)
    assert not Typed("-").in_number("138-0000")


@pytest.mark.parametrize("typed", ["(", "[0-9]", "\\", ".*", "栋|单元"])
def test_what_is_typed_is_no_pattern(typed: str) -> None:
    assert not Typed(typed).in_words(ADDRESS)
