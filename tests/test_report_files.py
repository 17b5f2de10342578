"""What `certify --out` leaves: a page, a PDF, JUnit XML and JSON that tell the same, whatever a device put into its packets."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from devices.certificate import CertificateError, Part, canonical, unseal
from simulator.certification.bench import Verdict
from simulator.certification.report.html import page
from simulator.certification.report.junit import junit
from simulator.certification.report.pdf import pdf
from simulator.certification.report.signer import KeyUnusable, signer_at
from simulator.certification.report.timeline import ROWS, Label, chosen, picture
from simulator.certification.report.words import clock
from simulator.certification.report.writing import write
from simulator.certification.result import ClauseVerdict, Line, Result
from simulator.scenario import Bilingual
from tests.certified import BAD, EPOCH, FAULTY, SOUND

KEY = "0000 1111"


def changed(result: Result, **fields: object) -> Result:
    """Its first three clauses, the texts of one replaced."""
    return msgspec.structs.replace(result, verdicts=(msgspec.structs.replace(result.verdicts[0], **fields), *result.verdicts[1:3]))


def test_every_clause_of_the_result_stands_on_the_page_with_its_verdict_in_words_sign_and_mark() -> None:
    text = page(FAULTY, whole=True, key=KEY).decode()
    for v in FAULTY.verdicts:
        assert f'id="{v.number}" data-clause="{v.number}" data-verdict="{v.verdict}"' in text
    assert text.count("<svg ") == sum(bool(v.evidence) for v in FAULTY.verdicts)
    assert "<b>A-02</b>" in text
    assert "适用的" in text
    assert re.search(r"[1-9]\d* of \d+ clauses that apply failed", text)


def test_the_page_asks_for_nothing_from_elsewhere_and_runs_nothing() -> None:
    text = page(FAULTY, whole=True, key=KEY).decode()
    assert "<script" not in text
    assert not re.search(r"""(src|href)\s*=\s*["'](?!#)""", text)
    assert "url(" not in text
    assert "@import" not in text


def test_what_fails_stands_open_and_before_everything_else() -> None:
    text = page(FAULTY, whole=True, key=KEY).decode()
    assert re.search(r'<details class="clause fail" id="A-02"[^>]* open>', text)
    assert text.index("须处理") < text.index("检验对象")
    assert "须处理" not in page(SOUND, whole=True, key=KEY).decode()


def test_elements_of_the_page_close_as_they_open() -> None:
    class Balance(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.stack: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in ("meta", "br"):
                self.stack.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.stack.pop() == tag

    reader = Balance()
    reader.feed(page(FAULTY, whole=True, key=KEY).decode())
    assert reader.stack == []


@pytest.mark.parametrize("poison", ["<script>alert(1)</script>", "a\x00b\x1b[31m", "]]>&lt;", '" onload="x', "\ufffe", "(" * 500, "<b>"])
def test_what_a_device_says_never_becomes_markup(poison: str) -> None:
    text = Bilingual(poison, poison)
    line = Line(1, EPOCH, "packet", f"PUBLISH topic={poison} payload={poison} qos=1", "up", 1, "PUBLISH", "00ff", shows=True)
    bad = changed(SOUND, verdict=Verdict.FAIL, reason=text, title=text, evidence=(line,))
    html = page(bad, whole=True, key=KEY).decode()
    assert "<script" not in html
    assert "onload=" not in html.replace("&quot; onload=", "")
    ET.fromstring(junit(bad))
    assert pdf(bad, whole=True, key=KEY).startswith(b"%PDF-")


def test_a_reader_of_junit_that_is_not_ours_counts_what_the_result_counts(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    file.write_bytes(junit(FAULTY))
    read = JUnitXml.fromfile(str(file))
    counts = FAULTY.counts()
    cases = [case for suite in read for case in suite]
    assert len(cases) == len(FAULTY.verdicts)
    kinds = {Failure: Verdict.FAIL, Error: Verdict.INCONCLUSIVE, Skipped: Verdict.NOT_APPLICABLE}
    for kind, verdict in kinds.items():
        assert sum(any(isinstance(found, kind) for found in case.result) for case in cases) == counts[verdict]
    assert (read.tests, read.failures, read.errors, read.skipped) == (
        len(FAULTY.verdicts), counts[Verdict.FAIL], counts[Verdict.INCONCLUSIVE], counts[Verdict.NOT_APPLICABLE],
    )  # fmt: skip
    for suite in read:
        assert suite.tests == len(list(suite))


def test_the_pdf_says_in_letters_what_the_result_says(tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(pdf(FAULTY, whole=True, key=KEY))
    text = subprocess.run(["pdftotext", "-layout", str(file), "-"], stdout=subprocess.PIPE, check=True).stdout.decode()  # poppler-utils
    for v in FAULTY.verdicts:
        assert v.number in text
    assert "未通过" in text
    assert "断网" in text


def test_the_pdf_of_a_result_is_the_same_twice() -> None:
    few = msgspec.structs.replace(FAULTY, verdicts=FAULTY.verdicts[:3])
    assert pdf(few, whole=False, key=KEY) == pdf(few, whole=False, key=KEY)


def test_without_reportlab_the_other_three_are_written_and_why_is_said(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['reportlab'] = None\n"
        "import importlib.util, pathlib\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'reportlab' else found(name, *a)\n"
        "from tests.certified import SOUND\n"
        "from simulator.certification.report.command import hand_in\n"
        f"sys.exit(not hand_in(SOUND, pathlib.Path({str(tmp_path / 'out')!r}), pathlib.Path({str(tmp_path / 'key')!r})))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no PDF: reportlab is not installed" in done.stderr
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["certificate.json", "report.html", "report.json", "report.xml"]


def test_a_second_report_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    signer = signer_at(tmp_path / "key")
    write(SOUND, tmp_path / "out", signer)
    again = write(FAULTY, tmp_path / "out", signer)
    assert sorted(file.name for file in again) == sorted(file.name for file in (tmp_path / "out").iterdir())
    seal = unseal((tmp_path / "out" / "certificate.json").read_bytes())
    assert set(seal.certificate.files) == set(Part)
    assert not seal.certificate.passed


def test_a_certificate_is_passed_only_by_a_whole_run_without_a_failure(tmp_path: Path) -> None:
    signer = signer_at(tmp_path / "key")
    part = msgspec.structs.replace(SOUND, verdicts=SOUND.verdicts[:3])
    found = {}
    for name, result in (("sound", SOUND), ("faulty", FAULTY), ("part", part)):
        write(result, tmp_path / name, signer)
        found[name] = unseal((tmp_path / name / "certificate.json").read_bytes()).certificate
    assert (found["sound"].passed, found["faulty"].passed, found["part"].passed) == (True, False, False)
    assert not found["part"].whole
    assert "不能作为证书" in (tmp_path / "part" / "report.html").read_text()


@pytest.mark.parametrize("hash_", ["xyz", "0" * 63, "g" * 64])
def test_a_statement_that_fits_in_no_certificate_is_refused_before_anything_is_written(tmp_path: Path, hash_: str) -> None:
    features = msgspec.structs.replace(SOUND.features, firmware_hash=hash_)
    with pytest.raises(CertificateError, match="firmware_hash"):
        write(msgspec.structs.replace(SOUND, features=features), tmp_path / "out", signer_at(tmp_path / "key"))
    assert not (tmp_path / "out").exists()


def test_a_key_is_made_once_for_its_owner_alone_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "key"
    first, second = signer_at(file), signer_at(file)
    assert first.key == second.key
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_that_others_can_read_signs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "key"
    signer_at(file)
    file.chmod(0o644)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        signer_at(file)


@pytest.mark.parametrize("body", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_is_said_so(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(body)
    file.chmod(0o600)
    with pytest.raises(KeyUnusable):
        signer_at(file)


def evidence(count: int, shows: set[int]) -> tuple[Line, ...]:
    return tuple(
        Line(n, EPOCH + timedelta(seconds=n), "packet", f"PINGREQ {n}", "up", 1, "PINGREQ", shows=n in shows) for n in range(count)
    )


def test_what_shows_the_verdict_is_always_drawn_and_what_is_left_out_is_counted() -> None:
    shows = {0, 150, 299}
    drawn = chosen(evidence(300, shows))
    lines = [one for one in drawn if isinstance(one, Line)]
    assert len(lines) == ROWS
    assert {line.number for line in lines if line.shows} == shows
    assert len(lines) + sum(one for one in drawn if isinstance(one, int)) == 300


def test_a_short_trace_is_drawn_whole_in_its_order() -> None:
    assert chosen(evidence(ROWS, set())) == list(evidence(ROWS, set()))


def test_nothing_of_a_picture_lies_outside_it() -> None:
    for v in FAULTY.verdicts:
        drawn = picture(v)
        if drawn is None:
            assert v.verdict is Verdict.NOT_APPLICABLE
            continue
        labels = [shape for shape in drawn.shapes if isinstance(shape, Label)]
        assert all(0 <= label.x <= drawn.width and 0 < label.y < drawn.height for label in labels)


def test_times_in_a_picture_count_from_the_clause_s_beginning() -> None:
    line = Line(7, EPOCH + timedelta(seconds=4, milliseconds=250), "noted", "x")
    v = ClauseVerdict("A-01", "A", BAD, BAD, BAD, "", Verdict.PASS, BAD, EPOCH, 5, (line,))
    drawn = picture(v)
    assert drawn is not None
    assert "4.250 s" in [shape.text for shape in drawn.shapes if isinstance(shape, Label)]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.000 s"), (59.9994, "59.999 s"), (60, "1:00.000"), (187.5, "3:07.500"), (7384.25, "2:03:04.250"),
        (266_584.25, "3 d 02:03:04.250"),
    ],
)
def test_a_span_is_said_as_people_read_it(seconds: float, said: str) -> None:
    assert clock(seconds) == said


def test_the_canonical_form_is_sorted_tight_and_the_same_for_the_same_value() -> None:
    body = canonical(SOUND.run)
    assert body == b'{"began_at":"2026-01-05T00:00:00Z",' + body.split(b",", 1)[1]
    assert datetime.fromisoformat(msgspec.json.decode(body)["began_at"]) == datetime(2026, 1, 5, tzinfo=UTC)
    assert list(msgspec.json.decode(body)) == sorted(msgspec.json.decode(body))
