"""The service's own home, from which its watchdog calls once a minute: nobody lives there, and nobody is disturbed by it.

Its call walks the whole way of any other: credential, topic, journal, rule, alert, stream. The alert that it raises has the origin
`synthetic`, rings nowhere, counts in no figure, and closes by itself. The home is the only one under the safety floor whose calls may do
so, and it cannot be anybody's: what marks it stands in its record, and only the service writes that record or anything else of it.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from alerting.alert import Alert
from alerting.commands import (
    ChangeArea,
    ChangeDevice,
    ChangeHome,
    ChangePerson,
    IssueCredential,
    PutOnTest,
    RegisterArea,
    RegisterDevice,
    RegisterHome,
    RegisterPerson,
    RegistryCommand,
    RetireArea,
    RetireDevice,
    RetireHome,
    RetirePerson,
    SetHomeMode,
    SetSilence,
)
from alerting.facts import AlertClosed, AlertRaised
from alerting.home_state import HomeState
from alerting.refusals import IllegalTransition
from alerting.terms import SERVICE, Actor, Origin, Sentence
from devices.home import SYNTHETIC_AREA, SYNTHETIC_DEVICE, SYNTHETIC_HOME, Area, AreaId, Device, Home, HomeId, ModelId
from devices.observation import Property

CLOSES_AFTER = timedelta(seconds=10)
"""Long enough to be seen coming out, and gone before the next call: each of them raises."""
KEPT = timedelta(seconds=30)
"""How long a closed one is remembered here: a day of them would be a row of megabytes."""
CALLS_KEPT = 64
"""Ids of its reports that are remembered."""
DISPOSITION = "test"

PLACE = Area(SYNTHETIC_AREA, "系统自检 self-check")
HOUSE = Home(SYNTHETIC_HOME, SYNTHETIC_AREA, "系统自检 self-check", synthetic=True)
CORD = Device(SYNTHETIC_DEVICE, SYNTHETIC_HOME, ModelId(""), exposes=(Property.SOS,))


def is_synthetic(home: HomeState) -> bool:
    """Whether it is the service's own, by its record."""
    return home.record is not None and home.record.synthetic


def own_origin(raised: AlertRaised, home: HomeState) -> AlertRaised:
    """An alert of the service's own home rings nowhere; every other stays as it is."""
    if not is_synthetic(home):
        return raised
    return replace(raised, origin=Origin.SYNTHETIC, silenced_by=None, next_step_at=None)


def closed(alert: Alert, now: datetime) -> AlertClosed:
    """Its time is over."""
    return AlertClosed(alert.id, now, alert.home, SERVICE, DISPOSITION, "self-check")


def may_touch(alert: Alert) -> None:
    """IllegalTransition for what people ask of a call that is not theirs."""
    if alert.origin is Origin.SYNTHETIC:
        raise IllegalTransition(
            Sentence("这是系统自检的呼叫，会自行结案，无需处理", "the service's own call: it closes by itself, and asks for nobody"),
        )


def check(command: RegistryCommand, by: Actor) -> None:
    """IllegalTransition where anybody but the service registers, or changes, what is the service's own."""
    if by == SERVICE:
        return
    area, home = _about(command)
    marks = isinstance(command, RegisterHome | ChangeHome) and command.home.synthetic
    if marks or area == SYNTHETIC_AREA or home == SYNTHETIC_HOME:
        raise IllegalTransition(
            Sentence("该编号保留给系统自检使用", "this belongs to the service's own check of itself; nobody else registers or changes it"),
        )


def _about(command: RegistryCommand) -> tuple[AreaId | None, HomeId | None]:
    """The area and the home that a command writes something of."""
    match command:
        case RegisterArea(area=area) | ChangeArea(area=area):
            return (area.id if area.parent != SYNTHETIC_AREA else area.parent), None
        case RetireArea(area=area_id):
            return area_id, None
        case RegisterHome(home=record) | ChangeHome(home=record):
            return record.area, record.id
        case RegisterDevice(device=device) | ChangeDevice(device=device):
            return None, device.home
        case RegisterPerson(person=person) | ChangePerson(person=person):
            return None, person.home
        case IssueCredential(credential=credential):
            return credential.area or None, credential.home or None
        case RetireHome(home=home) | RetireDevice(home=home) | RetirePerson(home=home) | PutOnTest(home=home) | SetHomeMode(home=home):
            return None, home
        case SetSilence():
            return command.area, command.home
        case _:
            return None, None
