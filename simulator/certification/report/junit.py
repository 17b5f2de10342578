"""The report as JUnit XML: a suite for each family, a test case for each clause. What could not be judged is an error, not a failure."""

from xml.etree import ElementTree as ET

from simulator.certification.bench import Verdict
from simulator.certification.report import words
from simulator.certification.report.words import clean
from simulator.certification.result import ClauseVerdict, Result

_COUNTED = {"failures": Verdict.FAIL, "errors": Verdict.INCONCLUSIVE, "skipped": Verdict.NOT_APPLICABLE}


def junit(result: Result) -> bytes:
    features = result.features
    name = clean(f"{features.vendor} {features.model} {features.firmware}")
    root = ET.Element("testsuites", {"name": name, **_counts(result.verdicts)})
    for letter, family, verdicts in words.by_family(result):
        began = min(v.began_at for v in verdicts).replace(tzinfo=None).isoformat(timespec="seconds")
        suite = ET.SubElement(root, "testsuite", {"name": f"{letter} {family.en}", **_counts(tuple(verdicts)), "timestamp": began})
        if letter == result.verdicts[0].family:
            properties = ET.SubElement(suite, "properties")
            for label, value in words.facts(result):
                ET.SubElement(properties, "property", {"name": label.en, "value": clean(value.en)})
        for v in verdicts:
            _case(suite, v, clean(features.model))
    ET.indent(root, " ")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode").encode() + b"\n"


def _counts(verdicts: tuple[ClauseVerdict, ...]) -> dict[str, str]:
    counts = {name: str(sum(v.verdict is verdict for v in verdicts)) for name, verdict in _COUNTED.items()}
    return {"tests": str(len(verdicts)), **counts, "time": f"{sum(v.took_s for v in verdicts):.3f}"}


def _case(suite: ET.Element, v: ClauseVerdict, model: str) -> None:
    case = ET.SubElement(
        suite, "testcase", {"name": clean(f"{v.number} {v.title.en}"), "classname": f"{model}.{v.family}", "time": f"{v.took_s:.3f}"},
    )  # fmt: skip
    said = {"message": clean(v.reason.en)}
    match v.verdict:
        case Verdict.FAIL:
            ET.SubElement(case, "failure", {**said, "type": "fail"}).text = _told(v)
        case Verdict.INCONCLUSIVE:
            ET.SubElement(case, "error", {**said, "type": "inconclusive"}).text = _told(v)
        case Verdict.NOT_APPLICABLE:
            ET.SubElement(case, "skipped", said)
        case Verdict.PASS:
            pass


def _told(v: ClauseVerdict) -> str:
    """What is required, what was found, and the packets that show it."""
    shown = [f"{words.span(max((line.at - v.began_at).total_seconds(), 0))} {line.way} {line.text}" for line in v.evidence if line.shows]
    return clean("\n".join([v.requirement.en, v.reason.en, v.reason.zh, *shown]))
