"""The table of docs/mqtt.md is whole: every number is there, each with a test or a reason, and no test shows what is not there."""

import pytest

from tests.mqtt_statements.table import DOCUMENT, VERSIONS, every_test, shown, statements, written

COUNTS = {4: 141, 5: 251}
"""Of the two appendices B; the first counts MQTT-3-8.3-4, as it is printed there, under its right number."""
MISSING = {4: set[str](), 5: {"MQTT-2.2.1-1"}}
"""5.0 gives this number to nothing."""

each_version = pytest.mark.parametrize("version", VERSIONS, ids=[name for name, _ in VERSIONS.values()])


@each_version
def test_every_number_of_the_appendix_is_in_the_table(version: int) -> None:
    numbers = list(statements(version))
    assert len(numbers) == COUNTS[version]
    by_section: dict[str, list[int]] = {}
    for number in numbers:
        section, _, place = number.rpartition("-")
        by_section.setdefault(section, []).append(int(place))
    gaps = {
        f"{section}-{place}"
        for section, places in by_section.items()
        for place in range(1, max(places) + 1)
        if place not in places
    }  # fmt: skip
    assert gaps == MISSING[version]


@each_version
def test_every_statement_has_a_test_or_the_reason_why_not(version: int) -> None:
    by_number = shown(version)
    for number, statement in statements(version).items():
        assert statement.who in {"server", "client", "both"}, number
        assert statement.says, number
        assert bool(statement.why) != (number in by_number), f"{number}: a test or a reason, and not both"
        assert not (statement.differs and statement.why), number


@each_version
def test_no_test_shows_a_number_that_is_not_there(version: int) -> None:
    assert set(shown(version)) <= set(statements(version))


def test_every_test_here_says_what_it_shows() -> None:
    for module, name, found in every_test():
        numbers: dict[int, list[str]] = getattr(found, "shows", {})
        assert any(numbers.values()), f"{module}.{name}"


def test_the_document_holds_the_table_as_it_is_now() -> None:
    assert DOCUMENT.read_text() == written(), "python -m tests.mqtt_statements.table"
