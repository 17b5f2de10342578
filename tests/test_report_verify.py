"""`./anju certify verify`: a report that was touched anywhere, belongs to another, or was signed by nobody known is never called good."""

import base64
import os
import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from devices.certificate import LIMIT, Certifier, Certifiers, Part, Seal, canonical, digest, fingerprint, seal_line, sealed, unseal
from simulator.certification.report.signer import Signer, genuine, signer_at
from simulator.certification.report.verify import LARGEST, Examined, examine
from simulator.certification.report.writing import CERTIFICATE, with_seal, write
from tests.certified import FAULTY, SOUND

FILES = [*(part.value for part in Part), CERTIFICATE]


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return signer_at(tmp_path_factory.mktemp("keys") / "key")


@pytest.fixture(scope="module")
def original(signer: Signer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("report")
    write(SOUND, folder, signer)
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def another(signer: Signer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The same key's report of another device, which failed."""
    folder = tmp_path_factory.mktemp("another")
    features = msgspec.structs.replace(FAULTY.features, model="other-model", firmware="9.9")
    write(msgspec.structs.replace(FAULTY, features=features), folder, signer)
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture
def folder(original: dict[str, bytes], tmp_path: Path) -> Path:
    for name, body in original.items():
        (tmp_path / name).write_bytes(body)
    return tmp_path


@pytest.fixture(scope="module")
def trusted(signer: Signer) -> Certifiers:
    return Certifiers((Certifier("County laboratory", signer.key),))


def doubts(found: Examined) -> str:
    return "\n".join(str(doubt) for doubt in found.doubts)


def test_the_folder_and_each_file_of_it_alone_are_beyond_doubt(folder: Path, trusted: Certifiers) -> None:
    whole = examine(folder, trusted)
    assert doubts(whole) == ""
    assert whole.signed_by == "County laboratory"
    assert sorted(whole.files) == sorted(part.value for part in Part)
    for name in FILES:
        found = examine(folder / name, trusted)
        assert doubts(found) == "", name
        assert found.seal == whole.seal


@pytest.mark.parametrize("name", FILES)
def test_a_byte_flipped_anywhere_is_doubted(folder: Path, original: dict[str, bytes], trusted: Certifiers, name: str) -> None:
    body, dice = original[name], random.Random(7)
    ends = [0, 1, len(body) - 2, len(body) - 1, body.find(b"anju-seal:"), body.rfind(b"-->")]
    for at in sorted({place for place in [*ends, *(dice.randrange(len(body)) for _ in range(40))] if place >= 0}):
        flipped = bytearray(body)
        flipped[at] ^= 1 << dice.randrange(8)
        (folder / name).write_bytes(flipped)
        assert examine(folder / name, trusted).doubts, f"{name} byte {at}, alone"
        if at in ends[:3]:
            assert examine(folder, trusted).doubts, f"{name} byte {at}"


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_off_or_grown_is_doubted(folder: Path, original: dict[str, bytes], trusted: Certifiers, name: str) -> None:
    body = original[name]
    for other in (b"", body[:1], body[: len(body) // 2], body[:-2], body + b" ", body + b"\n<!-- more -->\n", b"\xff\xfe" * 50):
        (folder / name).write_bytes(other)
        assert examine(folder, trusted).doubts
        assert examine(folder / name, trusted).doubts


def test_an_edited_verdict_is_called_altered(folder: Path, another: dict[str, bytes], trusted: Certifiers) -> None:
    for name, body in another.items():
        (folder / name).write_bytes(body)
    page = another[Part.HTML].replace(b'data-clause="A-02" data-verdict="fail"', b'data-clause="A-02" data-verdict="pass"')
    assert page != another[Part.HTML]
    (folder / Part.HTML).write_bytes(page)
    assert "report.html: it is not as it was signed: altered" in doubts(examine(folder, trusted))
    assert "report.html: it is not as it was signed: altered" in doubts(examine(folder / Part.HTML, trusted))


def test_an_edited_certificate_has_no_genuine_signature(folder: Path, another: dict[str, bytes], trusted: Certifiers) -> None:
    seal = unseal(another[CERTIFICATE])
    better = msgspec.structs.replace(seal.certificate, verdicts=dict.fromkeys(seal.certificate.verdicts, "pass"))
    forged = msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(seal, certificate=better)), type=Seal)
    (folder / CERTIFICATE).write_bytes(canonical(forged) + b"\n")
    assert "the signature does not belong to this certificate" in doubts(examine(folder / CERTIFICATE, trusted))


def test_a_signature_of_another_report_is_told_apart(
    folder: Path, original: dict[str, bytes], another: dict[str, bytes], trusted: Certifiers,
) -> None:
    mine, other = unseal(original[CERTIFICATE]), unseal(another[CERTIFICATE])
    (folder / CERTIFICATE).write_bytes(canonical(msgspec.structs.replace(mine, signature=other.signature)) + b"\n")
    assert "the signature does not belong to this certificate" in doubts(examine(folder, trusted))


@pytest.mark.parametrize("part", [Part.HTML, Part.PDF, Part.JUNIT])
def test_a_seal_moved_to_another_report_is_told_apart(
    folder: Path, original: dict[str, bytes], another: dict[str, bytes], trusted: Certifiers, part: Part,
) -> None:
    _, failed = sealed(another[part])
    (folder / part).write_bytes(with_seal(part, failed, seal_line(part, unseal(original[CERTIFICATE]))))
    assert "altered, or of another report" in doubts(examine(folder / part, trusted))
    assert "altered, or of another report" in doubts(examine(folder, trusted))


@pytest.mark.parametrize("part", list(Part))
def test_a_file_of_another_device_in_the_folder_is_named(
    folder: Path, another: dict[str, bytes], trusted: Certifiers, part: Part,
) -> None:
    (folder / part).write_bytes(another[part])
    said = doubts(examine(folder, trusted))
    assert said.startswith(part.value)
    assert "another" in said
    if part is Part.JSON:
        assert "other-model 9.9" in said


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_makes_the_report_incomplete(folder: Path, trusted: Certifiers, name: str) -> None:
    (folder / name).unlink()
    assert f"{name}: incomplete" in doubts(examine(folder, trusted))
    assert "incomplete" in doubts(examine(folder / name, trusted))


def test_a_json_without_its_certificate_is_incomplete(folder: Path, trusted: Certifiers) -> None:
    (folder / CERTIFICATE).unlink()
    assert "incomplete" in doubts(examine(folder / Part.JSON, trusted))


def test_a_page_without_its_last_line_is_incomplete(folder: Path, original: dict[str, bytes], trusted: Certifiers) -> None:
    (folder / Part.HTML).write_bytes(sealed(original[Part.HTML])[1])
    assert "incomplete" in doubts(examine(folder / Part.HTML, trusted))
    assert "report.html: incomplete" in doubts(examine(folder, trusted))


def test_a_file_that_nobody_signed_is_not_taken_for_part_of_the_report(
    folder: Path, original: dict[str, bytes], signer: Signer, trusted: Certifiers,
) -> None:
    certificate = unseal(original[CERTIFICATE]).certificate
    fewer = {part: hash_ for part, hash_ in certificate.files.items() if part is not Part.PDF}
    for part in (Part.HTML, Part.JUNIT):
        (folder / part).unlink()
        fewer.pop(part)
    (folder / CERTIFICATE).write_bytes(canonical(signer.sign(msgspec.structs.replace(certificate, files=fewer))) + b"\n")
    assert doubts(examine(folder, trusted)) == "report.pdf: it lies there, and the certificate does not name it: nobody signed it"


def test_a_huge_file_is_not_read(folder: Path, trusted: Certifiers) -> None:
    for name in FILES:
        with (folder / name).open("r+b") as file:
            os.truncate(file.fileno(), LARGEST * 40)  # sparse
        assert "not read any further" in doubts(examine(folder / name, trusted))


def test_a_huge_certificate_is_refused_before_it_is_parsed(folder: Path, trusted: Certifiers) -> None:
    (folder / CERTIFICATE).write_bytes(b'{"certificate":' + b"[" * (LIMIT + 1))
    assert "no larger than" in doubts(examine(folder, trusted))


def test_an_unknown_key_is_named_by_its_fingerprint(folder: Path, signer: Signer) -> None:
    found = examine(folder, Certifiers())
    assert found.signed_by == ""
    assert doubts(found).startswith(f"signed by an unknown key, {fingerprint(signer.key)}")
    assert examine(folder, Certifiers(), own=signer.key).signed_by == "this machine's own key"


def test_somebody_else_s_signature_over_the_same_words_is_genuine_and_unknown(
    folder: Path, original: dict[str, bytes], tmp_path: Path, trusted: Certifiers,
) -> None:
    stranger = signer_at(tmp_path / "stranger")
    seal = stranger.sign(unseal(original[CERTIFICATE]).certificate)
    assert genuine(seal)
    (folder / CERTIFICATE).write_bytes(canonical(seal) + b"\n")
    said = doubts(examine(folder, trusted))
    assert "unknown key" in said
    assert "report.html: it carries the certificate of another report" in said


def test_a_known_key_s_name_does_not_lend_itself_to_another_signature(
    folder: Path, original: dict[str, bytes], signer: Signer, tmp_path: Path, trusted: Certifiers,
) -> None:
    seal = signer_at(tmp_path / "stranger").sign(unseal(original[CERTIFICATE]).certificate)
    (folder / CERTIFICATE).write_bytes(canonical(msgspec.structs.replace(seal, key=signer.key)) + b"\n")
    assert "the signature does not belong" in doubts(examine(folder / CERTIFICATE, trusted))


def test_a_report_of_an_older_suite_is_read_and_doubted(tmp_path: Path, signer: Signer, trusted: Certifiers) -> None:
    write(msgspec.structs.replace(SOUND, suite="0", catalogue="0" * 64), tmp_path / "old", signer)
    said = doubts(examine(tmp_path / "old", trusted))
    assert "measured with suite 0" in said
    assert "altered" not in said


def test_a_part_of_the_catalogue_is_no_report_of_the_device(tmp_path: Path, signer: Signer, trusted: Certifiers) -> None:
    write(msgspec.structs.replace(SOUND, verdicts=SOUND.verdicts[:5]), tmp_path / "part", signer)
    assert doubts(examine(tmp_path / "part", trusted)) == (
        "incomplete: clauses were left out of the run, so it says nothing of the device as a whole"
    )


@pytest.mark.parametrize("part", [Part.HTML, Part.JUNIT, Part.JSON])
def test_a_file_signed_with_other_verdicts_than_its_certificate_is_found(
    original: dict[str, bytes], another: dict[str, bytes], signer: Signer, tmp_path: Path, part: Part,
) -> None:
    """Whoever holds the key may still have written two different things."""
    body = another[part] if part is Part.JSON else sealed(another[part])[1]
    certificate = unseal(original[CERTIFICATE]).certificate
    lying = msgspec.structs.replace(certificate, files={part: digest(body)})
    seal = signer.sign(lying)
    (tmp_path / CERTIFICATE).write_bytes(canonical(seal) + b"\n")
    (tmp_path / part).write_bytes(body if part is Part.JSON else with_seal(part, body, seal_line(part, seal)))
    assert "clause A-02 is fail here and pass in the certificate" in doubts(examine(tmp_path, Certifiers(), own=signer.key))


def test_a_page_whose_words_are_not_its_marks_is_found(
    folder: Path, original: dict[str, bytes], signer: Signer, trusted: Certifiers,
) -> None:
    body = sealed(original[Part.HTML])[1]
    at = body.index(b'data-clause="A-02"')
    body = body[:at] + body[at:].replace("通过".encode(), "未通过".encode(), 1)
    certificate = msgspec.structs.replace(unseal(original[CERTIFICATE]).certificate, files={Part.HTML: digest(body)})
    (folder / "other.html").write_bytes(with_seal(Part.HTML, body, seal_line(Part.HTML, signer.sign(certificate))))
    assert "clause A-02 is called one thing and marked another" in doubts(examine(folder / "other.html", trusted))


@pytest.mark.parametrize(
    "line",
    [
        b"<!-- anju-seal:" + base64.b64encode(b"{}") + b" -->\n",
        b"<!-- anju-seal:!!! -->\n",
        b"<!-- anju-seal:AAA -->\n",
    ],
)  # fmt: skip
def test_a_damaged_seal_is_said_to_be_one(folder: Path, original: dict[str, bytes], trusted: Certifiers, line: bytes) -> None:
    (folder / Part.HTML).write_bytes(sealed(original[Part.HTML])[1] + line)
    found = examine(folder / Part.HTML, trusted)
    assert found.seal is None
    assert "certificate" in doubts(found)


@pytest.mark.parametrize("part", [Part.HTML, Part.JUNIT, Part.PDF])
def test_a_seal_that_was_moved_within_its_file_is_doubted(
    folder: Path, original: dict[str, bytes], trusted: Certifiers, part: Part,
) -> None:
    seal, rest = sealed(original[part])
    assert seal is not None
    at = rest.index(b"\n") + 1
    (folder / part).write_bytes(rest[:at] + seal_line(part, seal) + rest[at:])
    assert "not as it was written" in doubts(examine(folder / part, trusted))


def test_two_seals_are_one_too_many(folder: Path, original: dict[str, bytes], trusted: Certifiers) -> None:
    line = seal_line(Part.HTML, unseal(original[CERTIFICATE]))
    (folder / Part.HTML).write_bytes(original[Part.HTML] + line)
    assert "carries 2 certificates" in doubts(examine(folder / Part.HTML, trusted))


def verify(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "simulator", "certify", "verify", *words]
    environment = {**os.environ, "XDG_DATA_HOME": str(home)}
    return subprocess.run(program, capture_output=True, text=True, env=environment, check=False)


def test_the_command_says_in_plain_lines_what_it_found_and_exits_by_it(folder: Path, signer: Signer, tmp_path: Path) -> None:
    trust = tmp_path / "trust.toml"
    trust.write_text(f'[[key]]\nname = "County laboratory"\npublic = "{signer.key}"\n')
    good = verify(str(folder), "--trust", str(trust), home=tmp_path)
    assert (good.returncode, good.stderr) == (0, "")
    assert "signed by County laboratory" in good.stdout
    assert good.stdout.endswith("Not a doubt: it is as it was signed.\n")
    unknown = verify(str(folder / Part.PDF), home=tmp_path)
    assert unknown.returncode == 1
    assert "1 doubt:\n  - signed by an unknown key" in unknown.stdout
    other = verify(str(folder), "--trust", str(trust), "--model", "anju-cord-1", "--firmware", "7", home=tmp_path)
    assert other.returncode == 1
    assert "a report of another device" in other.stdout
    assert "a report of other firmware" in other.stdout
    assert verify(str(tmp_path / "nothing"), home=tmp_path).returncode == 1


def test_wrong_usage_is_one_line(tmp_path: Path) -> None:
    for words in ((), ("a", "b"), ("--nonsense", "a")):
        found = verify(*words, home=tmp_path)
        assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
        assert found.stderr.startswith("anju: ")


def test_a_list_of_trust_that_cannot_be_read_is_wrong_usage(folder: Path, tmp_path: Path) -> None:
    trust = tmp_path / "trust.toml"
    trust.write_text('[[key]]\nname = "x"\npublic = "not a key"\n')
    found = verify(str(folder), "--trust", str(trust), home=tmp_path)
    assert found.returncode == 2
    assert "trust.toml" in found.stderr


def test_certify_leaves_a_report_that_verify_does_not_doubt(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "simulator", "certify", "--reference", "--profile", "door", "--out", str(tmp_path / "out")]
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "home")}
    done = subprocess.run(program, capture_output=True, text=True, env=environment, check=False)
    assert "公钥 / public key: " in done.stderr
    assert (tmp_path / "home" / "anju" / "certification.key").stat().st_mode & 0o777 == 0o600
    found = verify(str(tmp_path / "out"), home=tmp_path / "home")
    assert found.returncode == 0, found.stdout
    assert "this machine's own key" in found.stdout
