"""The vocabulary of judging: items that come in (imperative or reported) and facts that come out (past tense).

Everything here is journaled as it stands, in the array form of msgpack with a short tag, so a field is only ever added at the end
with a default, and a tag is never given a second meaning. Instants are UTC and in service time (`gateway/clock.py`).
"""

from datetime import datetime
from enum import StrEnum
from typing import NewType

import msgspec

from alerting.rules import Ruleset
from alerting.terms import Category as Category  # noqa: PLC0414 - words of this vocabulary, defined below it for the rules' sake
from alerting.terms import Priority as Priority  # noqa: PLC0414
from alerting.terms import Sentence as Sentence  # noqa: PLC0414
from devices.certificate import Certified
from devices.credential import Credential
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, Person, PersonId
from devices.message import DirectoryHeard, Heard, ReplyHeard, StatusHeard
from devices.observation import Observation, ReportId

AlertId = NewType("AlertId", str)
NotificationId = NewType("NotificationId", str)
SilenceId = NewType("SilenceId", str)
Actor = NewType("Actor", str)
"""The user name of a person, or `service`."""

SERVICE = Actor("service")


class Status(StrEnum):
    """What people did. What the world did is `cleared_at`: the two are separate axes (ISA-18.2)."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Origin(StrEnum):
    REAL = "real"
    TEST = "test"
    SYNTHETIC = "synthetic"
    TRAINING = "training"


class Stage(StrEnum):
    """How far help has come, as the responder says."""

    ACCEPTED = "accepted"
    ON_THE_WAY = "on_the_way"
    ARRIVED = "arrived"
    DONE = "done"
    DECLINED = "declined"


class Receipt(StrEnum):
    """How far the call for help has come, as the person who called is told."""

    ACCEPTED = "accepted"
    SEEN = "seen"
    HELPING = "helping"
    CLOSED = "closed"


class Evidence(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One observation an alert rests on. `at` is the device's time unless its clock was suspect; `raw` is the message as it came."""

    device: DeviceId
    report: ReportId
    at: datetime
    received_at: datetime
    observation: Observation
    clock_suspect: bool = False
    raw: bytes = b""


# --- items: what the engine is given -------------------------------------------------------------------------------------------


class Said(msgspec.Struct, frozen=True, array_like=True, tag="said", gc=False):
    """A device said something. `topic` and `raw` are the message as it came, kept for evidence and for the readers of an area."""

    message: Heard | StatusHeard | ReplyHeard | DirectoryHeard
    topic: str
    raw: bytes


class Quarantined(msgspec.Struct, frozen=True, array_like=True, tag="quar", gc=False):
    """A message, or a part of one, could not be read. `raw` is its first KiB, `size` all of it."""

    at: datetime
    topic: str
    place: str
    reason: str
    raw: bytes
    size: int
    username: str = ""


class Matter(StrEnum):
    """What the daily check of homes finds wanting."""

    CONTACTS = "contacts"
    SILENT = "silent"
    BATTERY = "battery"
    FIELD_FAILURES = "field_failures"
    """Of a certified model: it is about no home."""


class Finding(msgspec.Struct, frozen=True, array_like=True, gc=False):
    area: AreaId
    home: HomeId
    matter: Matter
    sentence: Sentence
    device: DeviceId | None = None


class HomesChecked(msgspec.Struct, frozen=True, array_like=True, tag="check", gc=False):
    """The morning's list for the local day `day` (YYYY-MM-DD): what somebody should see to before it matters."""

    day: str
    findings: tuple[Finding, ...]


class DeliveryEnded(msgspec.Struct, frozen=True, array_like=True, tag="dlv", gc=False):
    """A notification left the house for good, or for good did not. `detail` is the receiver's answer in one line."""

    notification: NotificationId
    alert: AlertId
    home: HomeId
    delivered: bool
    attempts: int
    detail: str


class Configured(msgspec.Struct, frozen=True, array_like=True, tag="conf", gc=False):
    """Rules, policies and models that hold from here on."""

    ruleset: Ruleset


class ServiceStarted(msgspec.Struct, frozen=True, array_like=True, tag="start", gc=False):
    """The service hears again. `deaf_since` is its last commit before: what could not be watched in between is said."""

    deaf_since: datetime | None
    clock_suspect: bool = False


class WallClockStepped(msgspec.Struct, frozen=True, array_like=True, tag="step", gc=False):
    """The wall clock jumped against the clock that only grows: `offset_s` = wall minus service time from here on."""

    offset_s: float


# --- commands: what people ask for, imperative ---------------------------------------------------------------------------------


class Claim(msgspec.Struct, frozen=True, array_like=True, tag="claim"):
    alert: AlertId


class Acknowledge(msgspec.Struct, frozen=True, array_like=True, tag="ack"):
    alert: AlertId


class Note(msgspec.Struct, frozen=True, array_like=True, tag="note"):
    alert: AlertId
    text: str


class Hold(msgspec.Struct, frozen=True, array_like=True, tag="hold"):
    alert: AlertId
    minutes: float
    reason: str


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


class Close(msgspec.Struct, frozen=True, array_like=True, tag="close"):
    alert: AlertId
    disposition: str
    reason: str = ""


AlertCommand = Claim | Acknowledge | Note | Hold | Escalate | Transfer | Respond | Close


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


class EndSilence(msgspec.Struct, frozen=True, array_like=True, tag="sil-"):
    silence: SilenceId


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
)  # fmt: skip


class CheckHomes(msgspec.Struct, frozen=True, array_like=True, tag="check!"):
    """The morning's list, now: `HomesChecked` is journaled before the answer."""


Command = AlertCommand | RegistryCommand | CheckHomes


class Asked(msgspec.Struct, frozen=True, array_like=True, tag="asked"):
    """A person, or a program in a person's name, asked for something. The same `key` asks the same thing again."""

    command: Command
    by: Actor
    key: str = ""


Item = Said | Quarantined | HomesChecked | DeliveryEnded | Configured | ServiceStarted | WallClockStepped | Asked


# --- facts: what came of it, past tense ----------------------------------------------------------------------------------------


class AlertRaised(msgspec.Struct, frozen=True, array_like=True, tag="raised"):
    alert: AlertId
    at: datetime
    home: HomeId
    area: AreaId
    category: Category
    priority: Priority
    matter: str
    """What makes a second occurrence the same alert: home and matter, e.g. `fire`, `silence:dev-7`."""
    title: Sentence
    reason: Sentence
    rule: str
    rule_version: str
    evidence: tuple[Evidence, ...]
    device: DeviceId | None = None
    room: str = ""
    origin: Origin = Origin.REAL
    policy: str = ""
    silenced_by: SilenceId | None = None
    """A silence keeps it off the ring, never off the list; the safety floor has none."""
    next_step_at: datetime | None = None
    """When the first step of its policy is due; None while a silence keeps it off the ring."""


class AlertRepeated(msgspec.Struct, frozen=True, array_like=True, tag="again"):
    alert: AlertId
    at: datetime
    home: HomeId
    evidence: tuple[Evidence, ...]


class AlertCleared(msgspec.Struct, frozen=True, array_like=True, tag="clear"):
    """The world went back to normal; the alert latches and still waits for a person."""

    alert: AlertId
    at: datetime
    home: HomeId
    evidence: tuple[Evidence, ...] = ()


class AlertRecurred(msgspec.Struct, frozen=True, array_like=True, tag="recur"):
    """The condition came back while the alert was still open: `cleared_at` is empty again, and it rings again."""

    alert: AlertId
    at: datetime
    home: HomeId
    evidence: tuple[Evidence, ...]


class CallCancelled(msgspec.Struct, frozen=True, array_like=True, tag="cancel"):
    """The person or the device took the call back. It is shown, and lowers nothing: somebody still has to make sure."""

    alert: AlertId
    at: datetime
    home: HomeId
    evidence: tuple[Evidence, ...]


class AlertClaimed(msgspec.Struct, frozen=True, array_like=True, tag="claimed"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    taken_over_from: Actor | None = None


class ClaimLapsed(msgspec.Struct, frozen=True, array_like=True, tag="unclaim"):
    """Claimed and not acknowledged in time: it belongs to everybody again and escalation goes on."""

    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor


class AlertAcknowledged(msgspec.Struct, frozen=True, array_like=True, tag="acked"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor


class AcknowledgementLapsed(msgspec.Struct, frozen=True, array_like=True, tag="unack"):
    """Acknowledged and forgotten: it is triggered again and escalates from the first step."""

    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor


class AlertNoted(msgspec.Struct, frozen=True, array_like=True, tag="noted"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    text: str


class AlertHeld(msgspec.Struct, frozen=True, array_like=True, tag="held"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    until: datetime
    reason: str


class HoldEnded(msgspec.Struct, frozen=True, array_like=True, tag="unheld"):
    alert: AlertId
    at: datetime
    home: HomeId


class AlertEscalated(msgspec.Struct, frozen=True, array_like=True, tag="escd"):
    """A person asked for the next step now."""

    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    reason: str


class StepReached(msgspec.Struct, frozen=True, array_like=True, tag="stepped"):
    """A step of the policy was due at `at`. `round` counts how often the policy has begun anew for this alert."""

    alert: AlertId
    at: datetime
    home: HomeId
    step: int
    round: int
    targets: tuple[str, ...]
    next_step_at: datetime | None
    round_started_at: datetime | None = None
    """The moment that the steps of this round are counted from."""


class AlertTransferred(msgspec.Struct, frozen=True, array_like=True, tag="xferd"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    to: str
    reason: str


class HelpReported(msgspec.Struct, frozen=True, array_like=True, tag="help"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    responder: str
    stage: Stage


class AlertClosed(msgspec.Struct, frozen=True, array_like=True, tag="closed"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    disposition: str
    reason: str


class NotificationRequested(msgspec.Struct, frozen=True, array_like=True, tag="ntfy"):
    """Tell one target through one channel. The id is made of alert, round, step and target: sent again, it is the same."""

    notification: NotificationId
    alert: AlertId
    at: datetime
    home: HomeId
    target: str
    channel: str
    step: int
    why: Sentence


class NotificationSkipped(msgspec.Struct, frozen=True, array_like=True, tag="skip"):
    """A step named a target, and nobody was told: `why` says it."""

    alert: AlertId
    at: datetime
    home: HomeId
    target: str
    step: int
    why: Sentence


class NotificationEnded(msgspec.Struct, frozen=True, array_like=True, tag="ntfd"):
    notification: NotificationId
    alert: AlertId
    at: datetime
    home: HomeId
    delivered: bool
    attempts: int
    detail: str


class CommandIssued(msgspec.Struct, frozen=True, array_like=True, tag="cmd"):
    """A command to a device, to be kept for it while it sleeps. `payload` is what goes on the wire."""

    id: str
    at: datetime
    topic: str
    payload: bytes
    home: HomeId
    alert: AlertId | None = None
    expires_at: datetime | None = None


class DeviceDiscovered(msgspec.Struct, frozen=True, array_like=True, tag="found"):
    """A device spoke, or a hub listed it, that nobody had registered."""

    at: datetime
    device: Device


class DeviceSilent(msgspec.Struct, frozen=True, array_like=True, tag="silent"):
    at: datetime
    home: HomeId
    device: DeviceId
    last_heard_at: datetime


class DeviceReturned(msgspec.Struct, frozen=True, array_like=True, tag="back"):
    at: datetime
    home: HomeId
    device: DeviceId


class AreaRegistered(msgspec.Struct, frozen=True, array_like=True, tag="f:area"):
    """Registered or changed: the record as it is from here on. The same for homes, devices and people."""

    at: datetime
    by: Actor
    area: Area


class HomeRegistered(msgspec.Struct, frozen=True, array_like=True, tag="f:home"):
    at: datetime
    by: Actor
    home: Home


class DeviceRegistered(msgspec.Struct, frozen=True, array_like=True, tag="f:dev"):
    at: datetime
    by: Actor
    device: Device


class PersonRegistered(msgspec.Struct, frozen=True, array_like=True, tag="f:per"):
    at: datetime
    by: Actor
    person: Person


class AreaRetired(msgspec.Struct, frozen=True, array_like=True, tag="f:area-"):
    at: datetime
    by: Actor
    area: AreaId


class HomeRetired(msgspec.Struct, frozen=True, array_like=True, tag="f:home-"):
    at: datetime
    by: Actor
    home: HomeId


class DeviceRetired(msgspec.Struct, frozen=True, array_like=True, tag="f:dev-"):
    at: datetime
    by: Actor
    home: HomeId
    device: DeviceId


class PersonRetired(msgspec.Struct, frozen=True, array_like=True, tag="f:per-"):
    at: datetime
    by: Actor
    home: HomeId
    person: PersonId


class CredentialIssued(msgspec.Struct, frozen=True, array_like=True, tag="f:cred"):
    at: datetime
    by: Actor
    credential: Credential


class CredentialRevoked(msgspec.Struct, frozen=True, array_like=True, tag="f:cred-"):
    at: datetime
    by: Actor
    username: str
    home: HomeId = HomeId("")
    """The home it belonged to; empty for one that belonged to none."""


class SilenceSet(msgspec.Struct, frozen=True, array_like=True, tag="f:sil"):
    at: datetime
    by: Actor
    silence: SilenceId
    home: HomeId
    device: DeviceId | None
    categories: tuple[Category, ...]
    until: datetime
    reason: str


class SilenceEnded(msgspec.Struct, frozen=True, array_like=True, tag="f:sil-"):
    """It ran out, or `by` ended it. What it muted and is still open rings from here on."""

    at: datetime
    by: Actor
    silence: SilenceId
    home: HomeId


class CertificateAdded(msgspec.Struct, frozen=True, array_like=True, tag="f:crt"):
    at: datetime
    by: Actor
    certificate: Certified


class CertificateSuspended(msgspec.Struct, frozen=True, array_like=True, tag="f:crt-"):
    at: datetime
    by: Actor
    certificate: str
    reason: str


AlertFact = (
    AlertRaised | AlertRepeated | AlertCleared | AlertRecurred | AlertClaimed | ClaimLapsed | AlertAcknowledged | AcknowledgementLapsed
    | AlertNoted | AlertHeld | HoldEnded | AlertEscalated | StepReached | AlertTransferred | HelpReported | AlertClosed
    | NotificationRequested | NotificationSkipped | NotificationEnded | CallCancelled
)  # fmt: skip
"""Facts of one alert: each has `alert`, `at` and `home`, and `alerting.alert.evolve` folds them."""

RegistryFact = (
    AreaRegistered | HomeRegistered | DeviceRegistered | PersonRegistered | AreaRetired | HomeRetired | DeviceRetired | PersonRetired
    | CredentialIssued | CredentialRevoked | SilenceSet | SilenceEnded | DeviceDiscovered
    | CertificateAdded | CertificateSuspended
)  # fmt: skip

Fact = AlertFact | RegistryFact | CommandIssued | DeviceSilent | DeviceReturned


class IllegalTransition(Exception):  # noqa: N818 - the name is the project's word for it
    """What was asked the state forbids; nothing has changed. `sentence` is for the person who asked."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        super().__init__(sentence.en)


class Unknown(IllegalTransition):
    """What was asked about does not exist."""


class Exists(IllegalTransition):
    """An id is given out once."""
