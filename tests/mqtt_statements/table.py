"""The table of normative statements in docs/mqtt.md: the numbers and what they ask for from two files of data, the tests from the tests.

`python -m tests.mqtt_statements.table` writes it anew.
"""

import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parents[1] / "docs/mqtt.md"
BEGIN, END = "<!-- the table: written by tests/mqtt_statements/table.py -->", "<!-- the end of the table -->"
VERSIONS = {4: ("3.1.1", "v311.toml"), 5: ("5.0", "v5.toml")}


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`why`: no test shows it, for this reason. `differs`: the endpoint does otherwise, for this reason; a test shows what."""

    who: str
    says: str
    why: str = ""
    differs: str = ""


def statements(version: int) -> dict[str, Statement]:
    """By number, in the order of the specification."""
    return msgspec.convert(tomllib.loads((FOLDER / VERSIONS[version][1]).read_text()), dict[str, Statement])


def every_test() -> Iterator[tuple[str, str, object]]:
    """(module, name, function) of every test of this folder but those of the table itself."""
    for path in sorted(FOLDER.glob("test_*.py")):
        if path.stem != "test_table":
            module = importlib.import_module(f"tests.mqtt_statements.{path.stem}")
            yield from ((path.stem, name, found) for name, found in vars(module).items() if name.startswith("test_"))


def shown(version: int) -> dict[str, list[str]]:
    """The tests by the numbers they show."""
    by_number: dict[str, list[str]] = {}
    for module, name, found in every_test():
        for number in getattr(found, "shows", {}).get(version, ()):
            by_number.setdefault(f"MQTT-{number}", []).append(f"{module}.{name}")
    return by_number


def _rows(version: int) -> Iterator[str]:
    by_number = shown(version)
    yield f"### MQTT {VERSIONS[version][0]}\n"
    yield "| statement | binds | asks | shown by, in `tests/mqtt_statements` |"
    yield "|---|---|---|---|"
    for number, statement in statements(version).items():
        says = [f"`{name.removeprefix('test_').replace('.test_', '.')}`" for name in by_number.get(number, ())]
        told = "<br>".join((*says, *filter(None, (statement.differs and f"**Differs.** {statement.differs}", statement.why))))
        yield f"| {number.removeprefix('MQTT-')} | {statement.who} | {statement.says} | {told} |"


def written() -> str:
    """The document with the table as it is now."""
    blocks = "\n\n".join("\n".join(_rows(version)) for version in VERSIONS)
    text = DOCUMENT.read_text()
    table = f"{BEGIN}\n\n{blocks}\n\n{END}"
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: table, text, flags=re.DOTALL)


if __name__ == "__main__":
    DOCUMENT.write_text(written())
