"""The suite behind somebody else's broker: a real mosquitto with passwords, rights and TLS, our own device, and two with a fault."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import trustme

from simulator.certification import lab
from simulator.certification.behind import Behind, BrokerGone
from simulator.certification.bench import Verdict
from simulator.certification.catalogue import UNSEEN, Needs, Where, load
from simulator.certification.command import REFERENCE_SPEED, brisk
from simulator.certification.features import reference
from simulator.certification.overheard import Overheard
from simulator.certification.player import OurHands, examine_all
from simulator.certification.procedures import PROCEDURES
from simulator.certification.result import Result
from simulator.link import Broker
from simulator.virtual.device import VirtualDevice
from simulator.virtual.driver import Driver, Way
from simulator.virtual.firmware import Firmware
from simulator.virtual.mutants import MUTANTS
from simulator.virtual.pace import Pace
from simulator.virtual.profile import PROFILES, ProfileName
from simulator.virtual.stimulus import Deed, Stimulus
from tests.brokers import PATH, Mosquitto, program
from tests.patience import STORY_S

CLAUSES = load(PROCEDURES)
ROOT = Path(__file__).parent.parent
BENCH, DEVICE, NOBODY = "bench", "cord", "nobody"
SHORT = (
    "A-01", "A-03", "A-04", "A-17", "A-19", "A-22", "I-03", "I-05", "I-06", "K-01", "K-02", "M-01", "M-02", "M-04", "M-08", "S-01", "S-08",
)  # fmt: skip
"""Those of a few seconds each."""


class Guarded(Mosquitto):
    """With TLS alone, a password for each, and rights: the bench reads a device's topics and writes its commands, the device the rest."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        authority = trustme.CA()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        server = authority.issue_cert("127.0.0.1", "localhost")
        server.private_key_pem.write_to_path(str(folder / "server.key"))
        server.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
        users, rights = folder / "users", folder / "rights"
        users.touch(0o600)
        for name in (BENCH, DEVICE, NOBODY):
            subprocess.run(
                [program("mosquitto_passwd", "mosquitto"), "-b", str(users), name, f"of {name}"], check=True, env={"PATH": PATH},
                capture_output=True,
            )  # fmt: skip
        rights.write_text(
            f"user {BENCH}\ntopic read anju/v1/330106/bench/+/#\ntopic write anju/v1/330106/bench/+/command\n"
            f"user {DEVICE}\ntopic write anju/v1/330106/bench/+/#\ntopic read anju/v1/330106/bench/+/command\n"
            f"user {NOBODY}\ntopic read anju/v1/330106/bench/+/#\n",
        )
        rights.chmod(0o600)
        (folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {users}\nacl_file {rights}\nuser root\n"
            f"cafile {self.ca}\ncertfile {folder}/server.pem\nkeyfile {folder}/server.key\n",
        )

    def command(self) -> tuple[list[str], dict[str, str]]:
        return [program("mosquitto", "mosquitto"), "-c", str(self.folder / "mosquitto.conf")], {}

    def address(self, who: str) -> Broker:
        return Broker("127.0.0.1", self.port, who, f"of {who}", tls=True, ca=str(self.ca))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    server = Guarded(tmp_path_factory.mktemp("guarded"))
    server.start()
    yield server
    server.close()


def examined(
    broker: Guarded, *numbers: str, profile: ProfileName = ProfileName.PULL_CORD, firmware: type[Firmware] = Firmware, bench: str = BENCH,
) -> Result:  # fmt: skip
    async def all_of_it() -> Result:
        pace = Pace(REFERENCE_SPEED, capped=True)
        features, quick = brisk(reference(PROFILES[profile]))
        who = msgspec.structs.replace(lab.identity(quick, 4), username=DEVICE, password=f"of {DEVICE}")
        player = Behind(Overheard(who), pace, broker.address(bench))
        await player.listen()
        way = Way("127.0.0.1", broker.port, broker.ca.read_text(), "127.0.0.1")
        driver = Driver(VirtualDevice(quick, who, pace.now, firmware=firmware), way, pace)
        driver.act(Deed(Stimulus.POWER))
        try:
            return await examine_all(player, OurHands(driver), CLAUSES, PROCEDURES, features, level=4, only=frozenset(numbers))
        finally:
            await driver.close()
            await player.close()

    return asyncio.run(all_of_it())


def reasons(result: Result) -> dict[str, str]:
    return {one.number: f"{one.verdict}: {one.reason.en}" for one in result.verdicts if one.verdict is not Verdict.PASS}


def test_our_own_device_passes_what_can_be_seen_there(broker: Guarded) -> None:
    result = examined(broker, *SHORT)
    assert reasons(result) == {}
    assert result.run.broker == f"127.0.0.1:{broker.port}"
    assert all(line.connection == 0 for one in result.verdicts for line in one.evidence)


@pytest.mark.long
@pytest.mark.parametrize("profile", list(ProfileName))
def test_every_profile_passes_all_that_can_be_seen_there(broker: Guarded, profile: ProfileName) -> None:
    numbers = [one.number for one in CLAUSES if one.needs is Needs.TOPICS and one.where is not Where.VIRTUAL]
    result = examined(broker, *numbers, profile=profile)
    assert {number: why for number, why in reasons(result).items() if not why.startswith("not_applicable")} == {}


def test_what_cannot_be_seen_there_does_not_apply_and_says_why(broker: Guarded) -> None:
    result = examined(broker, *(one.number for one in CLAUSES if one.needs is not Needs.TOPICS))
    by_number = {one.number: one for one in CLAUSES}
    assert {one.verdict for one in result.verdicts} == {Verdict.NOT_APPLICABLE}
    said = {by_number[one.number].needs for one in result.verdicts if one.reason == UNSEEN.get(by_number[one.number].needs)}
    assert said == set(UNSEEN)


@pytest.mark.parametrize(("mutant", "fails"), [("retained_alarm", "A-04"), ("qos_zero", "A-03"), ("test_is_alarm", "A-20")])
def test_a_fault_is_seen_through_the_broker_as_it_is_without(broker: Guarded, mutant: str, fails: str) -> None:
    """The broker hands on QoS and flag as they were, which is why the bench asks for them so."""
    found = next(one for one in MUTANTS if one.name == mutant)
    result = examined(broker, "A-01", fails, profile=found.profile, firmware=found.firmware)
    assert {one.number: one.verdict for one in result.verdicts} == {"A-01": Verdict.PASS, fails: Verdict.FAIL}


def test_a_bench_that_may_not_give_commands_says_so(broker: Guarded) -> None:
    with pytest.raises(BrokerGone, match="does not take a command of nobody to the device: not authorized"):
        examined(broker, "M-01", bench=NOBODY)


def test_a_broker_that_dies_ends_the_examination_in_one_line(tmp_path: Path) -> None:
    server = Guarded(tmp_path)
    server.start()

    class Kills(Firmware):
        """At the first press the broker is gone."""

        def sense(self, deed: Deed, now: object) -> None:
            server.kill()

    try:
        with pytest.raises(BrokerGone, match=f"broker 127.0.0.1:{server.port}: "):
            examined(server, "A-01", firmware=Kills)
    finally:
        server.close()


# --- the command ---


def certify(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", "certify", *words], capture_output=True, text=True, timeout=STORY_S, check=False, cwd=ROOT,
    )  # fmt: skip


def test_the_command_examines_behind_a_broker_and_its_report_is_no_certificate_of_the_whole(broker: Guarded, tmp_path: Path) -> None:
    out = tmp_path / "report"
    done = certify(
        "--reference", "--profile", "pull_cord", "--broker", f"mqtts://{DEVICE}:of%20{DEVICE}@127.0.0.1:{broker.port}",
        "--ca", str(broker.ca), "--clause", "C-02", "--out", str(out), "--key", str(tmp_path / "key"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "behind an outside broker the device's own packets are not seen" in done.stdout
    checked = certify("verify", str(out), "--key", str(tmp_path / "key"))
    assert "incomplete: clauses were left out of the run" in checked.stdout
    page = (out / "report.html").read_text()
    assert f"behind the outside broker 127.0.0.1:{broker.port}" in page


@pytest.mark.parametrize(("words", "code", "said"), [
    (["--broker", "mqtts://bench:wrong@127.0.0.1:{port}", "--ca", "{ca}"], 1, "it refuses the bench: "),
    (["--broker", "mqtts://bench:wrong@127.0.0.1:{port}"], 1, "certificate verify failed"),
    (["--broker", "amqp://127.0.0.1"], 2, "--broker amqp: a broker is written mqtt://"),
    (["--broker", "mqtt://127.0.0.1", "--listen", "127.0.0.1:0"], 2, "not allowed with argument"),
])  # fmt: skip
def test_what_is_wrong_with_the_broker_is_one_line(broker: Guarded, words: list[str], code: int, said: str) -> None:
    filled = [word.format(port=broker.port, ca=broker.ca) for word in words]
    done = certify("--reference", "--profile", "pull_cord", "--clause", "A-01", *filled)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    assert said in done.stderr
