"""Certified models in the core: how a device stands, what registering it meets, and that nobody's call depends on it."""

from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from alerting.certificates import Certificates
from alerting.commands import AddCertificate, ChangeDevice, RegisterDevice, SuspendCertificate
from alerting.engine import Engine
from alerting.field_failures import FAILING_AT_LEAST, FIELD_DAYS, SHARE_AT_LEAST, FieldTally
from alerting.home_state import DeviceState, HomeState, Last
from alerting.items import Configured, Matter, Said
from alerting.refusals import Exists, IllegalTransition, Unknown
from alerting.registry_facts import CertificateAdded, CertificateSuspended, DeviceRegistered
from alerting.rules import Uncertified
from alerting.snapshots import GLOBAL, Whole, decode_whole
from alerting.terms import Actor, Category
from devices.certificate import Certified, Standing
from devices.home import Device, DeviceId, Home, Lifecycle, ModelId
from devices.message import StatusHeard
from devices.observation import Property
from tests.household import AREA, DEFAULT, HOME, START, Household, of


def certificate(id_: str = "c1", model: str = "cord", firmware: str = "1.0") -> Certified:
    return Certified(id_, "Test", ModelId(model), firmware, "", "pull_cord", "1", "0" * 64, START - timedelta(days=30), "County", "k")


def house(policy: Uncertified = Uncertified.ALLOW) -> Household:
    household = Household()
    household.engine.handle(Configured(replace(DEFAULT, version="policy", uncertified=policy)), household.now)
    return household


def new_device(id_: str = "new", model: str = "cord") -> RegisterDevice:
    return RegisterDevice(Device(DeviceId(id_), HOME, ModelId(model)))


def speaks_as(firmware: str, device: str = "new") -> Said:
    heard = StatusHeard(AREA, HOME, DeviceId(device), True, START, ModelId("cord"), firmware)
    return Said(heard, f"anju/v1/{AREA}/{HOME}/{device}/status", b"{}")


@pytest.mark.parametrize(
    ("held", "suspended", "firmware", "standing"),
    [
        ([], [], "1.0", Standing.NO),
        ([("c1", "1.0")], [], "1.0", Standing.YES),
        ([("c1", "1.0")], [], "", Standing.YES),
        ([("c1", "1.0")], [], "1.1", Standing.OTHER_FIRMWARE),
        ([("c1", "1.0"), ("c2", "1.1")], [], "1.1", Standing.YES),
        ([("c1", "1.0")], ["c1"], "1.0", Standing.SUSPENDED),
        ([("c1", "1.0")], ["c1"], "", Standing.SUSPENDED),
        ([("c1", "1.0")], ["c1"], "1.1", Standing.OTHER_FIRMWARE),
        ([("c1", "1.0"), ("c2", "1.1")], ["c1"], "", Standing.YES),
        ([("c1", "1.0"), ("c2", "1.1")], ["c1"], "1.0", Standing.SUSPENDED),
        ([("c1", "1.0"), ("again", "1.0")], ["c1"], "1.0", Standing.YES),
    ],
)
def test_a_device_stands_as_its_model_and_firmware_do(
    held: list[tuple[str, str]], suspended: list[str], firmware: str, standing: Standing,
) -> None:
    household = house()
    for id_, version in held:
        household.asks(AddCertificate(certificate(id_, firmware=version)))
    for id_ in suspended:
        household.asks(SuspendCertificate(id_, "fails in the field"))
    assert household.engine.registry.certificates.standing(ModelId("cord"), firmware) is standing


def test_a_certificate_becomes_a_fact_once_and_is_suspended_once_with_a_reason() -> None:
    household = house()
    added = of(CertificateAdded, household.asks(AddCertificate(certificate()), by="wang"))
    assert [(fact.by, fact.certificate.id) for fact in added] == [("wang", "c1")]
    with pytest.raises(Exists):
        household.asks(AddCertificate(certificate()))
    with pytest.raises(IllegalTransition, match="reason"):
        household.asks(SuspendCertificate("c1", "  "))
    gone = of(CertificateSuspended, household.asks(SuspendCertificate("c1", " too many silent ")))
    assert gone[0].reason == "too many silent"
    with pytest.raises(IllegalTransition, match="already"):
        household.asks(SuspendCertificate("c1", "again"))
    with pytest.raises(Unknown):
        household.asks(SuspendCertificate("c9", "why"))


@pytest.mark.parametrize("policy", [Uncertified.ALLOW, Uncertified.WARN])
def test_an_uncertified_device_is_registered_unless_policy_refuses(policy: Uncertified) -> None:
    assert of(DeviceRegistered, house(policy).asks(new_device()))


def test_where_policy_refuses_only_a_certified_model_is_registered() -> None:
    household = house(Uncertified.REFUSED)
    with pytest.raises(IllegalTransition, match="not certified"):
        household.asks(new_device())
    assert DeviceId("new") not in household.engine.homes[HOME].devices
    household.asks(AddCertificate(certificate()))
    assert of(DeviceRegistered, household.asks(new_device()))
    household.asks(SuspendCertificate("c1", "why"))
    with pytest.raises(IllegalTransition, match="suspended"):
        household.asks(new_device("newer"))


def test_a_device_that_has_already_said_its_firmware_is_judged_by_it() -> None:
    household = house(Uncertified.REFUSED)
    household.asks(AddCertificate(certificate(firmware="1.0")))
    household.takes(speaks_as("2.0"))
    with pytest.raises(IllegalTransition, match=r"firmware 2\.0"):
        household.asks(new_device())
    household.takes(speaks_as("1.0"))
    assert of(DeviceRegistered, household.asks(new_device()))


def test_a_device_does_not_become_another_model_past_the_policy_and_keeps_its_own() -> None:
    household = house(Uncertified.REFUSED)
    known = household.engine.homes[HOME].devices[DeviceId("cord")].record
    assert of(DeviceRegistered, household.asks(ChangeDevice(replace(known, room="卫生间"))))
    with pytest.raises(IllegalTransition, match="not certified"):
        household.asks(ChangeDevice(replace(known, model=ModelId("watch"))))


@pytest.mark.parametrize("policy", list(Uncertified))
@pytest.mark.parametrize("registered", [True, False])
def test_a_call_from_an_uncertified_device_raises_whatever_the_policy(policy: Uncertified, registered: bool) -> None:
    household = house(policy)
    household.asks(AddCertificate(certificate()))
    household.asks(SuspendCertificate("c1", "why"))
    household.says("cord" if registered else "stranger", pull_cord=True)
    assert household.alert(Category.CALL_FOR_HELP).open


def test_certificates_survive_a_snapshot() -> None:
    household = house()
    household.asks(AddCertificate(certificate()))
    household.asks(AddCertificate(certificate("c2", "smoke")))
    household.asks(SuspendCertificate("c1", "why"))
    again = Engine(DEFAULT)
    for key in list(household.engine.keys()):
        again.restore(key, household.engine.snapshot(key))
    assert again.registry.certificates.known == household.engine.registry.certificates.known
    assert again.registry.certificates.standing(ModelId("cord"), "1.0") is Standing.SUSPENDED
    assert again.registry.certificates.standing(ModelId("smoke"), "") is Standing.YES


def test_a_snapshot_from_before_there_were_certificates_is_read() -> None:
    body = house().engine.snapshot(GLOBAL)
    certificates = Whole.__struct_fields__.index("certificates")
    before = msgspec.msgpack.encode(msgspec.msgpack.decode(body)[:certificates])
    assert decode_whole(before).areas == decode_whole(body).areas
    assert decode_whole(before).certificates == {}


# --- failures in the field -------------------------------------------------------------------------------------------------------


def field(devices: int, *, silent: int = 0, faulty: int = 0, unheard_days: float = 1, model: str = "cord") -> HomeState:
    home = HomeState(HOME, AREA, Home(HOME, AREA, "12栋402"))
    for number in range(devices):
        id_ = DeviceId(f"d{number}")
        state = DeviceState(Device(id_, HOME, ModelId(model)), START - timedelta(days=unheard_days))
        state.silent = number < silent
        if silent <= number < silent + faulty:
            state.last = {Property.FAULT: Last(value=True, at=START)}
        home.devices[id_] = state
    return home


def proposals(*homes: HomeState, suspended: bool = False, model: str = "cord") -> list[str]:
    certificates = Certificates()
    certificates.apply(CertificateAdded(START, by_service(), certificate(model=model)))
    if suspended:
        certificates.apply(CertificateSuspended(START, by_service(), "c1", "why"))
    tally = FieldTally(START)
    for home in homes:
        tally.add([home])
    found = tally.findings(certificates)
    assert all(finding.matter is Matter.FIELD_FAILURES and not finding.home for finding in found)
    return [finding.sentence.en for finding in found]


def by_service() -> Actor:
    return Actor("service")


def test_a_model_past_both_limits_is_proposed_for_suspension_with_its_figures() -> None:
    (said,) = proposals(field(50, silent=4, faulty=2))
    assert said.startswith("Certified model cord: 6 of 50 devices in use over the last 14 days (12 %) are silent or faulty")


@pytest.mark.parametrize(
    ("home", "why"),
    [
        (field(50), "all are well"),
        (field(FAILING_AT_LEAST - 1, silent=FAILING_AT_LEAST - 1), "too few fail, though all of them do"),
        (field(int(FAILING_AT_LEAST / SHARE_AT_LEAST) + 1, silent=FAILING_AT_LEAST), "too small a share"),
        (field(50, silent=50, unheard_days=FIELD_DAYS + 1), "silent for longer than the days that count"),
        (field(50, silent=50, model="smoke"), "another model"),
    ],
)
def test_nothing_is_proposed_below_a_limit(home: HomeState, why: str) -> None:
    assert proposals(home) == [], why


def test_at_both_limits_exactly_it_is_proposed() -> None:
    assert proposals(field(int(FAILING_AT_LEAST / SHARE_AT_LEAST), silent=FAILING_AT_LEAST))


def test_a_certificate_that_is_suspended_is_not_proposed_again() -> None:
    assert proposals(field(50, silent=50), suspended=True) == []


def test_devices_that_are_retired_or_only_discovered_do_not_count() -> None:
    home = field(50, silent=50)
    for number, state in enumerate(home.devices.values()):
        state.record = replace(state.record, lifecycle=Lifecycle.RETIRED if number % 2 else Lifecycle.UNREGISTERED)
    assert proposals(home) == []
    home = field(50, silent=50)
    home.retired = True
    assert proposals(home) == []


def test_pieces_of_a_county_add_up() -> None:
    assert len(proposals(*(field(10, silent=2) for _ in range(3)))) == 1
