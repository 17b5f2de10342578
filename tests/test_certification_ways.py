"""WebSocket, certificates of devices, and what a device is told once: over real sockets, our own device and one fault at a time."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from simulator.certification import lab
from simulator.certification.authority import Authority
from simulator.certification.bench import Verdict
from simulator.certification.catalogue import load
from simulator.certification.command import REFERENCE_SPEED, brisk
from simulator.certification.endpoint import Endpoint
from simulator.certification.features import Features, reference
from simulator.certification.player import OurHands, examine_all
from simulator.certification.procedures import PROCEDURES
from simulator.certification.result import Result
from simulator.certification.stand import Stand
from simulator.frames import Frame, Op, written
from simulator.virtual.device import VirtualDevice
from simulator.virtual.driver import Driver, Way
from simulator.virtual.pace import Pace
from simulator.virtual.profile import PROFILES, Profile, ProfileName
from simulator.virtual.stimulus import Deed, Stimulus
from simulator.virtual.websocket import Refused, WebSocket
from tests.patience import STORY_S

CLAUSES = load(PROCEDURES)
ROOT = Path(__file__).parent.parent
BY_WEBSOCKET = ("C-30", "C-31", "C-32", "C-33", "C-34")
BY_CERTIFICATE = ("C-35", "C-36")


class Unmasked(WebSocket):
    def frame(self, data: bytes) -> bytes:
        return written(Op.BINARY, data)


class InText(WebSocket):
    def frame(self, data: bytes) -> bytes:
        return written(Op.TEXT, data, b"abcd")


class Elsewhere(WebSocket):
    def request(self, host: str) -> bytes:
        return super().request(host).replace(b"/mqtt ", b"/ws ")


class WithoutSubprotocol(WebSocket):
    def request(self, host: str) -> bytes:
        return super().request(host).replace(b"Sec-WebSocket-Protocol: mqtt\r\n", b"")


class DeafToPings(WebSocket):
    def pinged(self, payload: bytes) -> None:
        """Nobody has told it."""


class EmptyPong(WebSocket):
    def pinged(self, payload: bytes) -> None:
        super().pinged(b"")


class StaysWhenToldToGo(WebSocket):
    def told_that_it_ends(self, payload: bytes) -> None:
        """It waits for the socket's end, which does not come."""


class OnePacketAFrame(WebSocket):
    """It takes a frame for a packet."""

    def _heard(self, frame: Frame) -> bytes:
        if frame.op == Op.BINARY and len(frame.payload) == 1:
            raise Refused
        return super()._heard(frame)


@asynccontextmanager
async def standing(
    folder: Path, *, websocket: type[WebSocket] | None = None, certificate: str = "", kept: Path | None = None, trust: str = "",
) -> AsyncIterator[tuple[Stand, Driver, Features]]:  # fmt: skip
    """Our pull cord on a bench. `certificate`: the name in its own; the bench asks for one."""
    pace = Pace(REFERENCE_SPEED, capped=True)
    stated: Features = reference(PROFILES[ProfileName.PULL_CORD])
    connection = msgspec.structs.replace(stated.connection, websocket=True, client_certificate=True)
    features, profile = brisk(msgspec.structs.replace(stated, connection=connection))
    who = lab.identity(profile, 4)
    authority = Authority(folder, "127.0.0.1", pace.now, kept=kept)
    bench = Stand(Endpoint(who), pace, authority, asks=True)
    await bench.listen("127.0.0.1", 0)
    shown = authority.device(certificate) if certificate else None
    way = Way("127.0.0.1", bench.port, trust or authority.trust, certificate=shown, websocket=websocket)
    driver = Driver(VirtualDevice(profile, who, pace.now), way, pace)
    driver.act(Deed(Stimulus.POWER))
    try:
        yield bench, driver, features
    finally:
        await driver.close()
        await bench.close()


class Case(msgspec.Struct, frozen=True):
    """One device on a bench of its own."""

    numbers: tuple[str, ...]
    websocket: type[WebSocket] | None = WebSocket
    certificate: str = "bench-device"
    trust: str = ""


def examined(folder: Path, *cases: Case) -> list[Result]:
    """All at the same time."""

    async def one(number: int, case: Case) -> Result:
        own = folder / str(number)
        own.mkdir()
        async with standing(own, websocket=case.websocket, certificate=case.certificate, trust=case.trust) as (bench, driver, features):
            return await examine_all(bench, OurHands(driver), CLAUSES, PROCEDURES, features, level=4, only=frozenset(case.numbers))

    async def all_of_them() -> list[Result]:
        return await asyncio.gather(*(one(number, case) for number, case in enumerate(cases)))

    return asyncio.run(all_of_them())


def failed(result: Result) -> list[str]:
    return [one.number for one in result.verdicts if one.verdict is Verdict.FAIL]


def test_our_own_device_passes_by_websocket_and_with_its_certificate(tmp_path: Path) -> None:
    results = examined(tmp_path, Case(BY_WEBSOCKET), Case(BY_CERTIFICATE), Case(("A-01", "A-07", "C-15")))
    judged = [one for result in results for one in result.verdicts]
    assert [(one.number, one.reason.en) for one in judged if one.verdict is not Verdict.PASS] == []
    told = {line.text for one in judged for line in one.evidence}
    assert {"WebSocket at /mqtt, subprotocol mqtt", "the device's certificate: bench-device", "WebSocket frame: pong"} <= told


def test_each_fault_of_a_websocket_fails_the_clause_that_names_it_and_no_other(tmp_path: Path) -> None:
    faults: dict[type[WebSocket], str] = {
        Unmasked: "C-31", InText: "C-31", Elsewhere: "C-30", WithoutSubprotocol: "C-30", DeafToPings: "C-33", EmptyPong: "C-33",
        StaysWhenToldToGo: "C-34", OnePacketAFrame: "C-32",
    }  # fmt: skip
    results = examined(tmp_path, *(Case((*BY_WEBSOCKET, "A-01"), fault) for fault in faults))
    assert {fault.__name__: failed(result) for fault, result in zip(faults, results, strict=True)} == {
        fault.__name__: [number] for fault, number in faults.items()
    }


def test_a_device_that_states_websocket_and_comes_without_is_told(tmp_path: Path) -> None:
    result = examined(tmp_path, Case(BY_WEBSOCKET, None))[0]
    assert failed(result) == ["C-30"]
    assert {one.verdict for one in result.verdicts[1:]} == {Verdict.INCONCLUSIVE}


@pytest.mark.parametrize(("certificate", "said"), [("", "showed no certificate"), ("somebody-else", "somebody-else's, not bench-device's")])
def test_a_device_without_its_own_certificate_is_told(certificate: str, said: str, tmp_path: Path) -> None:
    result = examined(tmp_path, Case(("C-35",), certificate=certificate))[0]
    assert failed(result) == ["C-35"]
    assert said in result.verdicts[0].reason.en


def test_a_kept_authority_is_trusted_by_a_device_that_was_told_of_it_in_an_earlier_run(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    pace = Pace()
    earlier = Authority(tmp_path / "first", "127.0.0.1", pace.now, kept=kept)

    async def again() -> Result:
        async with standing(tmp_path / "second", certificate="bench-device", kept=kept, trust=earlier.trust) as (bench, driver, features):
            return await examine_all(bench, OurHands(driver), CLAUSES, PROCEDURES, features, level=4, only=frozenset({"A-01"}))

    assert asyncio.run(again()).passed
    assert (kept / "ca.key").stat().st_mode & 0o077 == 0
    (tmp_path / "third").mkdir()
    other = examined(tmp_path / "third", Case(("C-01",), trust=earlier.trust))[0]
    assert failed(other) == ["C-01"]


def certify(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", "certify", *words], capture_output=True, text=True, timeout=STORY_S, check=False, cwd=ROOT,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_a_vendors_device_is_told_once_where_its_bench_is_kept(tmp_path: Path) -> None:
    """The device never comes here, so the clause is open; what it would be told is what matters."""
    statement = ROOT / "examples" / "vendor" / "starter.toml"
    words = (
        "--device", "button", "--profile", "pendant", "--features", str(statement), "--listen", "127.0.0.1:0",
        "--keep", str(tmp_path / "kept"), "--home", "330106001001/home-7", "--clause", "B-01",
    )  # fmt: skip
    told = [certify(*words).stderr for _ in range(2)]

    def lasting(text: str) -> list[str]:
        return [line for line in text.splitlines() if "connects to" not in line]

    assert lasting(told[0]) == lasting(told[1])
    assert "anju/v1/330106001001/home-7/button/report" in told[0]
    assert any("username: home-7-button" in line for line in lasting(told[0]))
    password = next(line.partition("password: ")[2] for line in told[0].splitlines() if "password: " in line)
    assert f'password = "{password}"' in (tmp_path / "kept" / "bench.toml").read_text()


def test_a_kept_folder_that_cannot_be_read_is_one_plain_line(tmp_path: Path) -> None:
    (tmp_path / "bench.toml").write_text('username = "x"\npassword = 7\n')
    done = certify("--reference", "--profile", "pull_cord", "--listen", "127.0.0.1:0", "--keep", str(tmp_path), "--clause", "A-01")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "bench.toml:2: password" in done.stderr


def test_the_command_examines_a_device_that_comes_by_websocket_and_shows_its_certificate(tmp_path: Path) -> None:
    statement = tmp_path / "cord.toml"
    profile: Profile = PROFILES[ProfileName.PULL_CORD]
    statement.write_text(
        f'profile = "pull_cord"\nvendor = "Anju reference"\nmodel = "{profile.model}"\nfirmware = "{profile.firmware}"\n'
        'heartbeat = "PT1H"\n'
        "[connection]\ntls = true\nwebsocket = true\nclient_certificate = true\n",
    )
    done = certify(
        "--reference", "--profile", "pull_cord", "--features", str(statement), "--listen", "127.0.0.1:0",
        "--clause", "C-30", "--clause", "C-35",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pass  C-30" in done.stdout
