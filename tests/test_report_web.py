"""The catalogue of certified models over HTTP and from a shell: only what a trusted key signed of a device that passed comes in."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from alerting.items import Configured
from alerting.rules import Uncertified
from devices.certificate import Certificate, Part, Seal, Told, canonical, fingerprint, seal_line
from gateway.settings import Certification
from simulator.certification.report.signer import Signer, signer_at
from tests.patience import STORY_S
from tests.service import ROOT
from tests.web_alarm import AREA, HOME, ruleset
from tests.web_desk import ADMIN, Json, Service

GOOD = Certificate(
    vendor="Vendor", model="a-cord", profile="pull_cord", firmware="1.2", firmware_hash="", features="1" * 64, suite="1",
    catalogue="2" * 64, level=4, virtual=False, whole=True, began_at=datetime(2026, 11, 1, tzinfo=UTC),
    ended_at=datetime(2026, 11, 1, 2, tzinfo=UTC), verdicts={"A-01": Told.PASS, "A-02": Told.NOT_APPLICABLE},
    files={Part.JSON: "3" * 64},
)  # fmt: skip


class Laboratory(msgspec.Struct):
    """A service that trusts one key, and that key."""

    desk: Service
    signer: Signer
    folder: Path

    def add(self, certificate: Certificate, signer: Signer | None = None) -> httpx.Response:
        return self.send(canonical((signer or self.signer).sign(certificate)))

    def send(self, body: bytes) -> httpx.Response:
        return self.desk.admin.post("/certificates", content=body, headers={"Content-Type": "application/json"})

    def policy(self, policy: Uncertified) -> None:
        self.desk.see(self.desk.alarm.take(Configured(replace(ruleset(), version=policy.value, uncertified=policy))))


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    folder = tmp_path_factory.mktemp("certificates")
    signer = signer_at(folder / "key")
    (folder / "trust.toml").write_text(f'[[key]]\nname = "County laboratory"\npublic = "{signer.key}"\n')
    running = Service(folder / "data")
    try:
        running.web.stop()
        running.web.settings = replace(running.web.settings, certification=Certification(trust=str(folder / "trust.toml")))
        running.web.start()
        running.web.ready()
        running.register()
        yield Laboratory(running, signer, folder)
    finally:
        running.close()


def said(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    sentence: Json = answer.json()["sentence"]
    assert sentence["zh"]
    return str(sentence["en"])


def standing(laboratory: Laboratory, device: str) -> str:
    found: str = laboratory.desk.operator.get(f"/devices/{device}").json()["certified"]
    return found


def test_a_certificate_comes_in_is_listed_and_shown_at_the_devices_until_it_is_suspended(laboratory: Laboratory) -> None:
    device = f"{HOME}-cord"
    assert standing(laboratory, device) == "no"
    made = laboratory.add(GOOD)
    assert made.status_code == 201, made.text
    assert made.json() | {
        "vendor": "Vendor", "model": "a-cord", "firmware": "1.2", "signed_by": "County laboratory", "added_by": ADMIN,
        "key": fingerprint(laboratory.signer.key), "suspended_at": None,
    } == made.json()  # fmt: skip
    assert "known already" in said(laboratory.add(GOOD), 409)
    assert [one["id"] for one in laboratory.desk.operator.get("/certificates?model=a-cord").json()["items"]] == [made.json()["id"]]
    assert laboratory.desk.operator.get("/certificates?model=other").json()["items"] == []
    assert standing(laboratory, device) == "yes"
    for firmware, expected in (("1.3", "other_firmware"), ("1.2", "yes")):
        status = json.dumps({"status": "online", "model": "a-cord", "firmware": firmware}).encode()
        laboratory.desk.see(laboratory.desk.alarm.publish(f"anju/v1/{AREA}/{HOME}/{device}/status", status))
        assert standing(laboratory, device) == expected
    path = f"/certificates/{made.json()['id']}"
    assert laboratory.desk.admin.delete(path).status_code == 422
    gone = laboratory.desk.admin.delete(path, params={"reason": "silent in the field"})
    assert (gone.json()["reason"], gone.json()["suspended_by"]) == ("silent in the field", ADMIN)
    assert standing(laboratory, device) == "suspended"
    assert "already" in said(laboratory.desk.admin.delete(path, params={"reason": "again"}), 409)
    assert laboratory.desk.admin.delete("/certificates/none", params={"reason": "x"}).status_code == 404


def test_what_is_known_of_certificates_survives_the_web_process(laboratory: Laboratory) -> None:
    id_ = laboratory.add(replace(GOOD, model="survivor")).json()["id"]
    laboratory.desk.web.stop()
    laboratory.desk.web.start()
    laboratory.desk.web.ready()
    assert id_ in [one["id"] for one in laboratory.desk.operator.get("/certificates").json()["items"]]


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (replace(GOOD, virtual=True), "virtual time"),
        (replace(GOOD, whole=False), "clauses were left out"),
        (replace(GOOD, verdicts={"A-01": Told.PASS, "A-02": Told.FAIL}), "did not pass: A-02"),
        (replace(GOOD, verdicts={"A-01": Told.PASS, "A-02": Told.INCONCLUSIVE}), "did not pass: A-02"),
        (replace(GOOD, verdicts={"A-01": Told.NOT_APPLICABLE}), "nothing was measured"),
    ],
)  # fmt: skip
def test_what_did_not_pass_is_refused_and_says_why(laboratory: Laboratory, certificate: Certificate, why: str) -> None:
    assert why in said(laboratory.add(certificate), 422)


def test_only_a_trusted_key_s_own_signature_counts(laboratory: Laboratory, tmp_path: Path) -> None:
    stranger = signer_at(tmp_path / "stranger")
    assert "unknown key" in said(laboratory.add(GOOD, stranger), 422)
    other = replace(GOOD, firmware="6.6")
    seal = stranger.sign(other)
    assert "altered" in said(laboratory.send(canonical(replace(seal, key=laboratory.signer.key))), 422)
    mine = laboratory.signer.sign(GOOD)
    assert "altered" in said(laboratory.send(canonical(replace(mine, certificate=other))), 422)
    assert all(one["firmware"] != "6.6" for one in laboratory.desk.operator.get("/certificates").json()["items"])


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"\xff", b"{" * 5000, b'{"certificate": {}, "key": "", "signature": ""}', b"x" * 70_000],
)
def test_what_is_no_certificate_is_said_to_be_none(laboratory: Laboratory, body: bytes) -> None:
    assert "certificate" in said(laboratory.send(body), 422)


def test_an_operator_without_the_right_adds_and_suspends_nothing(laboratory: Laboratory) -> None:
    body = canonical(laboratory.signer.sign(GOOD))
    assert laboratory.desk.operator.post("/certificates", content=body).status_code == 403
    assert laboratory.desk.operator.delete("/certificates/x", params={"reason": "x"}).status_code == 403


def test_who_registers_an_uncertified_device_is_told_or_refused_as_the_policy_says(laboratory: Laboratory) -> None:
    def register(id_: str, model: str) -> httpx.Response:
        return laboratory.desk.admin.post("/devices", json={"id": id_, "home": HOME, "model": model})

    laboratory.add(replace(GOOD, model="sound"))
    laboratory.policy(Uncertified.WARN)
    warned = register("warned", "unheard-of").json()
    assert (warned["certified"], warned["warnings"][0]["en"]) == ("no", "the model unheard-of is not certified")
    assert register("sound-1", "sound").json()["warnings"] == []
    laboratory.policy(Uncertified.ALLOW)
    assert register("allowed", "unheard-of").json()["warnings"] == []
    laboratory.policy(Uncertified.REFUSED)
    assert "not certified" in said(register("refused", "unheard-of"), 422)
    assert laboratory.desk.operator.get("/devices/refused").status_code == 404
    assert register("sound-2", "sound").status_code == 201
    assert laboratory.desk.admin.patch("/devices/sound-2", json={"model": "unheard-of"}).status_code == 409
    laboratory.desk.see(laboratory.desk.alarm.report("warned", pull_cord=True))
    calls = laboratory.desk.operator.get("/alerts", params={"status": "open", "category": "call_for_help"}).json()["items"]
    assert [call["device"] for call in calls] == ["warned"]
    laboratory.policy(Uncertified.ALLOW)


def shell(laboratory: Laboratory, *words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "gateway", "certificate", *words, "--url", laboratory.desk.web.url, "--token", "env:TOKEN"]
    environment = {**os.environ, "TOKEN": laboratory.desk.web.tokens[ADMIN]}
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=STORY_S, check=False, env=environment)


def test_the_shell_takes_a_certificate_out_of_any_file_of_a_report(laboratory: Laboratory, tmp_path: Path) -> None:
    def seal(model: str) -> Seal:
        return laboratory.signer.sign(replace(GOOD, model=model))

    for name, body in (
        ("certificate.json", canonical(seal("of-json")) + b"\n"),
        ("report.html", b"<!doctype html>\n" + seal_line(Part.HTML, seal("of-html"))),
        ("report.pdf", b"%PDF-1.4\n" + seal_line(Part.PDF, seal("of-pdf")) + b"startxref\n0\n%%EOF\n"),
    ):
        (tmp_path / name).write_bytes(body)
        added = shell(laboratory, "add", str(tmp_path / name), "--json")
        assert added.returncode == 0, added.stderr
        assert json.loads(added.stdout)[0]["signed_by"] == "County laboratory"
    listed = json.loads(shell(laboratory, "list", "--json").stdout)
    found = {one["model"]: one["id"] for one in listed}
    assert {"of-json", "of-html", "of-pdf"} <= set(found)
    assert "why not" in shell(laboratory, "suspend", found["of-pdf"], "--reason", "why not").stdout
    again = shell(laboratory, "add", str(tmp_path / "report.pdf"))
    assert (again.returncode, again.stderr) == (1, f"anju: the certificate {found['of-pdf']} is known already\n")


@pytest.mark.parametrize("body", [b"", b"{}", b"<!doctype html>\n", b"<!-- anju-seal:AAAA -->\n"])
def test_the_shell_says_that_a_file_holds_no_certificate(laboratory: Laboratory, tmp_path: Path, body: bytes) -> None:
    (tmp_path / "file").write_bytes(body)
    done = shell(laboratory, "add", str(tmp_path / "file"))
    assert done.returncode == 1
    assert "no certificate in it" in done.stderr


def test_without_a_list_of_keys_nothing_is_trusted(laboratory: Laboratory) -> None:
    desk = laboratory.desk.web.desk
    desk.trust, kept = "", desk.trust
    try:
        assert "the platform trusts no key" in said(laboratory.add(replace(GOOD, model="nobody")), 422)
        desk.trust = str(laboratory.folder / "gone.toml")
        assert "cannot be read" in said(laboratory.add(replace(GOOD, model="nobody")), 503)
    finally:
        desk.trust = kept
