"""The same procedures over real sockets, and the command that a vendor types."""

import asyncio
import io
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from devices.mqtt.packets import Connack
from simulator.certification import lab
from simulator.certification.authority import Authority
from simulator.certification.bench import Bench, Undone, Verdict
from simulator.certification.catalogue import load
from simulator.certification.command import REFERENCE_SPEED, brisk
from simulator.certification.endpoint import Endpoint
from simulator.certification.features import reference
from simulator.certification.person import Person
from simulator.certification.player import Hands, OurHands, examine_all
from simulator.certification.procedures import PROCEDURES
from simulator.certification.result import Result, from_json
from simulator.certification.sayings import asked_for
from simulator.certification.stand import Stand
from simulator.certification.terminal import Terminal, table
from simulator.scenario import Bilingual
from simulator.virtual.device import VirtualDevice
from simulator.virtual.driver import Driver, Way
from simulator.virtual.firmware import Firmware
from simulator.virtual.pace import STALL_S, Pace
from simulator.virtual.profile import PROFILES, Profile, ProfileName
from simulator.virtual.radio import Shown, Timer
from simulator.virtual.stimulus import Deed, Sign, Stimulus
from tests.patience import STORY_S

CLAUSES = load(PROCEDURES)
ROOT = Path(__file__).parent.parent


class TrustsAnybody(Firmware):
    def trusts(self, shown: Shown) -> bool:
        return True


class ComesOnce(Firmware):
    """Its line lost, it does not come again until it is switched off and on."""

    came = False

    def welcomed(self, connack: Connack, now: datetime) -> None:
        self.came = True
        super().welcomed(connack, now)

    def line_down(self, now: datetime) -> None:
        super().line_down(now)
        if self.came:
            del self.timers[Timer.CONNECT]


class Unhurried(OurHands):
    """Switch the device on only when its first clause has begun, as a slow machine does. `done`: what they were asked for."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self.done: list[Deed] = []

    async def do(self, deed: Deed) -> None:
        self.done.append(deed)
        await super().do(deed)

    async def begin_anew(self) -> None:
        await OurHands.do(self, Deed(Stimulus.POWER))


class NobodyThere:
    """Hands that do nothing."""

    async def do(self, deed: Deed) -> None:
        raise Undone(asked_for(deed))

    async def look(self, sign: Sign) -> bool:
        raise Undone(asked_for(Deed(Stimulus.PRESS)))

    async def begin_anew(self) -> None:
        pass


@asynccontextmanager
async def standing(folder: Path, level: int, firmware: type[Firmware] = Firmware) -> AsyncIterator[tuple[Stand, Driver]]:
    """Our own pull cord on a bench with TLS, on a free port."""
    pace = Pace(REFERENCE_SPEED, capped=True)
    _, profile = brisk(reference(PROFILES[ProfileName.PULL_CORD]))
    who = lab.identity(profile, level)
    authority = Authority(folder, "127.0.0.1", pace.now)
    bench = Stand(Endpoint(who), pace, authority)
    await bench.listen("127.0.0.1", 0)
    way = Way("127.0.0.1", bench.port, authority.trust)
    driver = Driver(VirtualDevice(profile, who, pace.now, firmware=firmware), way, pace)
    driver.act(Deed(Stimulus.POWER))
    try:
        yield bench, driver
    finally:
        await driver.close()
        await bench.close()


def examined(folder: Path, *numbers: str, level: int = 4, firmware: type[Firmware] = Firmware, hands: Hands | None = None) -> Result:
    async def all_of_it() -> Result:
        features, _ = brisk(reference(PROFILES[ProfileName.PULL_CORD]))
        async with standing(folder, level, firmware) as (bench, driver):
            return await examine_all(
                bench, hands or OurHands(driver), CLAUSES, PROCEDURES, features, level=level, only=frozenset(numbers),
            )  # fmt: skip

    return asyncio.run(all_of_it())


@pytest.mark.parametrize("level", [4, 5])
def test_our_own_device_passes_over_tls_what_it_passes_in_virtual_time(tmp_path: Path, level: int) -> None:
    result = examined(tmp_path, "C-01", "C-14", "C-15", "C-16", "C-17", "S-10", "A-01", "A-07", "A-19", "A-22", "M-01", level=level)
    assert [(one.number, one.reason.en) for one in result.verdicts if one.verdict is not Verdict.PASS] == []
    assert result.run.level == level
    assert not result.run.virtual


def test_a_device_that_takes_any_certificate_is_found_by_real_certificates(tmp_path: Path) -> None:
    result = examined(tmp_path, "C-14", "C-15", "C-16", "C-17", firmware=TrustsAnybody)
    assert [one.verdict for one in result.verdicts] == [Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE]
    assert "C-15" in result.verdicts[2].reason.en
    assert any("untrusted certificate" in line.text for line in result.verdicts[1].evidence)


def test_a_device_that_came_late_and_was_put_to_silence_is_given_its_power_anew(tmp_path: Path) -> None:
    async def deeds() -> list[Deed]:
        features, _ = brisk(reference(PROFILES[ProfileName.PULL_CORD]))
        async with standing(tmp_path, 4, ComesOnce) as (stand, driver):
            driver.act(Deed(Stimulus.POWER, 0))
            hands = Unhurried(driver)
            bench = Bench(stand.endpoint, features, lambda: stand.pace.now, Bilingual("", ""), patience=stand.pace.patience)
            await stand.renew(bench, hands)
            async with asyncio.timeout(60):
                while not stand.endpoint.has_come():
                    await asyncio.sleep(0.01)
                bench.cut()
                stand.pump()
                while driver.device.wants_line:
                    await asyncio.sleep(0.01)
            await stand.renew(bench, hands)
            return hands.done

    assert asyncio.run(deeds()) == [Deed(Stimulus.POWER, 0), Deed(Stimulus.POWER, 1)]


def test_each_clause_sees_a_connection_from_its_first_byte(tmp_path: Path) -> None:
    result = examined(tmp_path, "A-01", "A-03", "S-08")
    for one in result.verdicts:
        assert [line.kind for line in one.evidence[:1]] == ["opened"]
        assert one.evidence[1].packet == "CONNECT"


def test_what_nobody_does_leaves_the_clause_open_and_the_rest_goes_on(tmp_path: Path) -> None:
    result = examined(tmp_path, "A-01", "S-08", hands=NobodyThere())
    assert {one.number: one.verdict for one in result.verdicts} == {"A-01": Verdict.INCONCLUSIVE, "S-08": Verdict.PASS}
    assert not result.passed


def test_a_stalled_machine_is_no_time_for_our_own_device(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([100.0, 100.0, 100.0, 107.0])
    monkeypatch.setattr("simulator.virtual.pace.time.monotonic", lambda: next(moments))
    pace = Pace(60, capped=True)
    first = pace.now
    assert (pace.now - first).total_seconds() == pytest.approx(STALL_S * 60)


def test_a_person_who_is_not_there_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(Undone, match="nobody could be asked"):
        asyncio.run(Person(Terminal()).do(Deed(Stimulus.PRESS)))


@pytest.mark.parametrize("profile", list(PROFILES.values()), ids=lambda profile: profile.name)
def test_a_person_is_told_what_to_do_for_every_stimulus_of_a_profile(profile: Profile) -> None:
    for sense in profile.senses:
        begins = asked_for(sense.deed)
        assert begins.zh
        assert begins.en
        if sense.undoing is not None:
            assert asked_for(sense.undoing).en not in ("", begins.en)
    assert asked_for(Deed(Stimulus.POWER, 0)).en != asked_for(Deed(Stimulus.POWER, 1)).en


# --- the command ---


def anju(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", "certify", *words], capture_output=True, text=True, timeout=STORY_S, check=False,
        cwd=cwd, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def test_the_reference_passes_by_command_and_its_result_is_written(tmp_path: Path) -> None:
    done = anju("--reference", "--profile", "pull_cord", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert re.search(r"passed \(\d{2,3} pass, 0 fail, 0 inconclusive, \d+ not applicable\)", done.stdout)
    result = from_json((tmp_path / "out" / "report.json").read_bytes())
    assert result.passed
    assert table(result) == done.stdout


def test_one_clause_alone_as_json() -> None:
    done = anju("--reference", "--profile", "smoke", "--clause", "A-18", "--level", "5", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [one["number"] for one in said["verdicts"]] == ["A-18"]
    assert said["run"]["level"] == 5
    assert any(line.get("shows") for line in said["verdicts"][0]["evidence"])


@pytest.mark.parametrize(("words", "said"), [
    (["--profile", "pull_cord"], "one of the arguments --device --reference is required"),
    (["--reference", "--profile", "toaster"], "invalid choice: 'toaster'"),
    (["--reference", "--profile", "smoke", "--clause", "A-99"], "there is no such clause"),
    (["--device", "x", "--profile", "smoke"], "a vendor's device needs its statement"),
    (["--reference", "--profile", "smoke", "--listen", "1883"], "an address is written host:port"),
    (["--reference", "--profile", "smoke", "--features", "nowhere.toml"], "nowhere.toml"),
])  # fmt: skip
def test_wrong_usage_is_one_plain_line(words: list[str], said: str, tmp_path: Path) -> None:
    done = anju(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_statement_that_names_something_unknown_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "device.toml"
    file.write_text('profile = "smoke"\nvendor = "V"\nmodel = "M"\nfirmware = "1"\nheartbeat = "PT1H"\n[alarm]\nrestoer = true\n')
    done = anju("--reference", "--profile", "smoke", "--features", str(file))
    assert done.returncode == 2
    assert "device.toml:7: alarm.restoer" in done.stderr
