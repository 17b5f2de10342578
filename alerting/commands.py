"""What people ask for, imperative; each is journaled as it was asked.

In the array form of msgpack with a short tag, so a field is only ever added at the end with a default, and a tag is never given a
second meaning.
"""

from datetime import datetime

import msgspec

from alerting.caring.commands import PlanCommand
from alerting.caring.family import FamilyCommand
from alerting.caring.help_commands import HelpCommand
from alerting.duty_commands import DutyCommand, TakeOver
from alerting.plan_facts import RaiseGrade
from alerting.record_commands import RecordCommand
from alerting.rules import Rule
from alerting.terms import Actor, AlertId, Category, Mode, NotificationId, Priority, SilenceId, Stage, TestId, Value, Welfare
from devices.certificate import Certified
from devices.credential import Credential
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, Person, PersonId


class Claim(msgspec.Struct, frozen=True, array_like=True, tag="claim"):
    alert: AlertId
    expects: str | None = None
    """Who is seen to have it, empty for nobody: refused when somebody else has it by now. None: it is taken from whomever."""


class Acknowledge(msgspec.Struct, frozen=True, array_like=True, tag="ack"):
    alert: AlertId


class Note(msgspec.Struct, frozen=True, array_like=True, tag="note"):
    alert: AlertId
    text: str


class Hold(msgspec.Struct, frozen=True, array_like=True, tag="hold"):
    alert: AlertId
    minutes: float
    reason: str
    return_priority: Priority | None = None
    """What it is to come back as; None: as it is."""


class Escalate(msgspec.Struct, frozen=True, array_like=True, tag="esc"):
    alert: AlertId
    reason: str


class Transfer(msgspec.Struct, frozen=True, array_like=True, tag="xfer"):
    alert: AlertId
    to: str
    reason: str


class Respond(msgspec.Struct, frozen=True, array_like=True, tag="resp"):
    alert: AlertId
    responder: str
    stage: Stage
    notification: NotificationId | None = None
    """What they answer."""


class Close(msgspec.Struct, frozen=True, array_like=True, tag="close"):
    alert: AlertId
    disposition: str
    reason: str = ""
    rearm_minutes: float | None = None
    """Where its condition still holds: when that is looked at again; None: as the ruleset says."""


class View(msgspec.Struct, frozen=True, array_like=True, tag="view"):
    """A person opened it. The first look is recorded, and no other."""

    alert: AlertId


class ConfirmCall(msgspec.Struct, frozen=True, array_like=True, tag="t:ok?"):
    """The tester saw the test call come in."""

    alert: AlertId


DeskCommand = Claim | Acknowledge | Note | Hold | Escalate | Transfer | Respond | Close | View | ConfirmCall
AlertCommand = DeskCommand | RaiseGrade


class CloseTogether(msgspec.Struct, frozen=True, array_like=True, tag="close*"):
    """Of these, those that a person has looked at and whose condition is over; one event, one disposition."""

    alerts: tuple[AlertId, ...]
    disposition: str
    reason: str
    event: str


class RegisterArea(msgspec.Struct, frozen=True, array_like=True, tag="area+"):
    area: Area


class RegisterHome(msgspec.Struct, frozen=True, array_like=True, tag="home+"):
    home: Home


class RegisterDevice(msgspec.Struct, frozen=True, array_like=True, tag="dev+"):
    device: Device


class RegisterPerson(msgspec.Struct, frozen=True, array_like=True, tag="per+"):
    person: Person


class ChangeArea(msgspec.Struct, frozen=True, array_like=True, tag="area="):
    area: Area


class ChangeHome(msgspec.Struct, frozen=True, array_like=True, tag="home="):
    home: Home


class ChangeDevice(msgspec.Struct, frozen=True, array_like=True, tag="dev="):
    device: Device


class ChangePerson(msgspec.Struct, frozen=True, array_like=True, tag="per="):
    person: Person


class RetireArea(msgspec.Struct, frozen=True, array_like=True, tag="area-"):
    area: AreaId


class RetireHome(msgspec.Struct, frozen=True, array_like=True, tag="home-"):
    home: HomeId


class RetireDevice(msgspec.Struct, frozen=True, array_like=True, tag="dev-"):
    home: HomeId
    device: DeviceId


class RetirePerson(msgspec.Struct, frozen=True, array_like=True, tag="per-"):
    home: HomeId
    person: PersonId


class IssueCredential(msgspec.Struct, frozen=True, array_like=True, tag="cred+"):
    credential: Credential


class RevokeCredentials(msgspec.Struct, frozen=True, array_like=True, tag="cred-"):
    """Every credential of the device; the demo's and a reader's by its `username`."""

    home: HomeId = HomeId("")
    device: DeviceId = DeviceId("")
    username: str = ""


class SetSilence(msgspec.Struct, frozen=True, array_like=True, tag="sil+"):
    """Mute new alerts of a home (or one device, or categories) until a moment; the safety floor cannot be named here."""

    silence: SilenceId
    home: HomeId
    device: DeviceId | None
    categories: tuple[Category, ...]
    until: datetime
    reason: str
    area: AreaId = AreaId("")
    """Instead of a home: the area and all that lies in it."""
    starts_at: datetime | None = None
    maintenance: bool = False


class EndSilence(msgspec.Struct, frozen=True, array_like=True, tag="sil-"):
    silence: SilenceId


class PutOnTest(msgspec.Struct, frozen=True, array_like=True, tag="t:on"):
    """What these devices say is a test for a while; without devices: all of the home that is not under the safety floor."""

    test: TestId
    home: HomeId
    devices: tuple[DeviceId, ...]
    starts_at: datetime | None
    """None: now."""
    ends_at: datetime
    tester: Actor
    """Who stands there, and is told of the calls."""
    on_site: bool
    reason: str


class EndOnTest(msgspec.Struct, frozen=True, array_like=True, tag="t:off"):
    test: TestId


class SetHomeMode(msgspec.Struct, frozen=True, array_like=True, tag="mode+"):
    """Nobody is at home as usual, until a moment at the latest. Another mode that holds gives way to it."""

    home: HomeId
    mode: Mode
    until: datetime
    reason: str


class EndHomeMode(msgspec.Struct, frozen=True, array_like=True, tag="mode-"):
    home: HomeId


class ChangeParameters(msgspec.Struct, frozen=True, array_like=True, tag="par="):
    """The numbers of one rule as they are for this home from here on; what is not named is the rule's own again, so none takes all back."""

    home: HomeId
    rule: str
    values: dict[str, Value]
    reason: str


class AddCertificate(msgspec.Struct, frozen=True, array_like=True, tag="crt+"):
    """Of a report whose signature was found genuine, by a key that is trusted."""

    certificate: Certified


class SuspendCertificate(msgspec.Struct, frozen=True, array_like=True, tag="crt-"):
    certificate: str
    reason: str


RegistryCommand = (
    RegisterArea | RegisterHome | RegisterDevice | RegisterPerson
    | ChangeArea | ChangeHome | ChangeDevice | ChangePerson
    | RetireArea | RetireHome | RetireDevice | RetirePerson
    | IssueCredential | RevokeCredentials | SetSilence | EndSilence | AddCertificate | SuspendCertificate
    | SetHomeMode | EndHomeMode | ChangeParameters | PutOnTest | EndOnTest
)  # fmt: skip


class CheckHomes(msgspec.Struct, frozen=True, array_like=True, tag="check!"):
    """The morning's list, now: `HomesChecked` is journaled before the answer."""


class ActivateRules(msgspec.Struct, frozen=True, array_like=True, tag="rules!"):
    """These rules hold from here on, and not those of the files; what stands beside them stays. `backtest`: the one it rests on."""

    rules: tuple[Rule, ...]
    reason: str
    backtest: str = ""


class MarkWelfare(msgspec.Struct, frozen=True, array_like=True, tag="welf"):
    """A home of an area's alert was looked to."""

    alert: AlertId
    home: HomeId
    result: Welfare
    note: str = ""


CareCommand = PlanCommand | HelpCommand | FamilyCommand
"""What is asked about care: `alerting.caring` decides it."""

Command = (
    AlertCommand | RegistryCommand | CheckHomes | ActivateRules | MarkWelfare | CareCommand
    | DutyCommand | TakeOver | RecordCommand | CloseTogether
)  # fmt: skip


class Asked(msgspec.Struct, frozen=True, array_like=True, tag="asked"):
    """A person, or a program in a person's name, asked for something. The same `key` asks the same thing again."""

    command: Command
    by: Actor
    key: str = ""
