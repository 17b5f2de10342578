"""What a report's files tell, read back: the page from what people see there, JUnit as tools count it, the JSON whoever wrote it."""

from datetime import datetime
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import msgspec

from devices.certificate import Told, digest
from simulator.certification.report.words import SIGNS, VERDICTS

_TOLD = {"".join(f"{SIGNS[verdict]}{name.zh}{name.en}".split()): Told(verdict.value) for verdict, name in VERDICTS.items()}


class Unreadable(Exception):  # noqa: N818 - becomes a finding
    """The file tells no verdicts, or contradicts itself."""


class _Run(msgspec.Struct):
    began_at: datetime
    ended_at: datetime
    virtual: bool
    level: int


class _Clause(msgspec.Struct):
    number: str
    verdict: Told


class _Device(msgspec.Struct):
    vendor: str
    model: str
    profile: str
    firmware: str
    firmware_hash: str


class _Report(msgspec.Struct):
    suite: str
    catalogue: str
    features: msgspec.Raw
    run: _Run
    verdicts: tuple[_Clause, ...]


def json_told(data: bytes) -> tuple[dict[str, object], dict[str, Told]]:
    """What the certificate says of a run, by its names there, and the verdicts. It reads what other versions of the suite wrote, too."""
    try:
        report = msgspec.json.decode(data, type=_Report)
        device = msgspec.json.decode(report.features, type=_Device)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise Unreadable(f"it cannot be read: cut off, or damaged ({problem})") from problem
    said = {"suite": report.suite, "catalogue": report.catalogue, "features": digest(bytes(report.features))}
    verdicts = {clause.number: clause.verdict for clause in report.verdicts}
    if len(verdicts) != len(report.verdicts):
        raise Unreadable("a clause stands there twice")
    return {**said, **msgspec.structs.asdict(report.run), **msgspec.structs.asdict(device)}, verdicts


def page_verdicts(page: bytes) -> dict[str, Told]:
    """By clause. Unreadable where what is written beside a clause is not what its element says."""
    reader = _Page()
    try:
        reader.feed(page.decode())
    except UnicodeDecodeError as problem:
        raise Unreadable("it is not UTF-8") from problem
    for number, texts in reader.texts.items():
        shown = {_TOLD.get("".join(text.split())) for text in texts}
        if shown != {reader.told[number]}:
            raise Unreadable(f"clause {number} is called one thing and marked another")
    return reader.told


class _Page(HTMLParser):
    """Takes each clause's mark, and the words of the verdicts within it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.told: dict[str, Told] = {}
        self.texts: dict[str, list[str]] = {}
        self._clause = ""
        self._depth = 0
        """Of spans, within a verdict."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        number, verdict = said.get("data-clause"), said.get("data-verdict")
        if number and verdict:
            if number in self.told:
                raise Unreadable(f"clause {number} stands there twice")
            try:
                self.told[number] = Told(verdict)
            except ValueError as problem:
                raise Unreadable(f"clause {number}: {verdict!r} is no verdict") from problem
            self._clause = number
            self.texts[number] = []
        elif tag == "span" and self._depth:
            self._depth += 1
        elif tag == "span" and self._clause and "verdict" in (said.get("class") or "").split():
            self._depth = 1
            self.texts[self._clause].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "span" and self._depth:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth and self._clause:
            self.texts[self._clause][-1] += data


def junit_verdicts(data: bytes) -> dict[str, Told]:
    """By clause. A document type is refused: entities are no part of a report."""
    if b"<!DOCTYPE" in data:
        raise Unreadable("it declares a document type, which no report does")
    try:
        root = ET.fromstring(data)  # noqa: S314 - without a document type there are no entities to expand
    except ET.ParseError as problem:
        raise Unreadable(f"it is not XML: {problem}") from problem
    told: dict[str, Told] = {}
    for case in root.iter("testcase"):
        number = case.get("name", "").split(" ", 1)[0]
        if number in told:
            raise Unreadable(f"clause {number} stands there twice")
        if case.find("failure") is not None:
            told[number] = Told.FAIL
        elif case.find("error") is not None:
            told[number] = Told.INCONCLUSIVE
        else:
            told[number] = Told.PASS if case.find("skipped") is None else Told.NOT_APPLICABLE
    return told
