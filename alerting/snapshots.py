"""The rows of a snapshot: one for the whole, one for each home; and which entry of the journal belongs to which row."""

from datetime import datetime

import msgspec

from alerting.certificates import Certification
from alerting.circumstances import Kept
from alerting.commands import Asked
from alerting.duties import Duties
from alerting.duty_facts import RosterFact
from alerting.facts import Fact, RulesActivated
from alerting.home_state import HomeState
from alerting.items import Configured, HomesChecked, Item, LineLost, LineRestored, Quarantined, Said, ServiceStarted, WallClockStepped
from alerting.registry_facts import (
    AreaRegistered,
    AreaRetired,
    CertificateAdded,
    CertificateSuspended,
    CredentialIssued,
    DeviceDiscovered,
    DeviceRegistered,
    HomeRegistered,
    PersonRegistered,
)
from devices.credential import Credential
from devices.home import Area, AreaId, HomeId

GLOBAL = "global"
HOME = "home/"


class Whole(msgspec.Struct, array_like=True):
    """What belongs to no home. `at`: how far time had passed."""

    at: datetime
    circumstances: Kept
    areas: dict[AreaId, Area]
    credentials: dict[str, Credential]
    answered: dict[bytes, datetime]
    certificates: dict[str, Certification] = {}
    whole: HomeState | None = None
    """The alerts of areas, as those of a home are kept."""
    duties: Duties | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode_whole = msgspec.msgpack.Decoder(Whole).decode
_decode_home = msgspec.msgpack.Decoder(tuple[datetime, HomeState]).decode


def encode_whole(whole: Whole) -> bytes:
    return _encode(whole)


def decode_whole(body: bytes) -> Whole:
    return _decode_whole(body)


def encode_home(at: datetime, home: HomeState) -> bytes:
    return _encode((at, home))


def decode_home(body: bytes) -> tuple[datetime, HomeState]:
    return _decode_home(body)


def home_key(home: HomeId) -> str:
    return HOME + home


def home_of(key: str) -> HomeId:
    return HomeId(key.removeprefix(HOME))


def key_of(entry: Item | Fact) -> str:
    """The one row whose state an entry touches when it is folded."""
    match entry:
        case Said(message=message):
            return HOME + message.home
        case Quarantined() | HomesChecked() | Configured() | ServiceStarted() | WallClockStepped() | Asked() | LineLost() | LineRestored():
            return GLOBAL
        case AreaRegistered() | AreaRetired() | CertificateAdded() | CertificateSuspended() | RulesActivated():
            return GLOBAL
        case HomeRegistered(home=home):
            return HOME + home.id
        case DeviceRegistered(device=device) | DeviceDiscovered(device=device):
            return HOME + device.home
        case PersonRegistered(person=person):
            return HOME + person.home
        case CredentialIssued(credential=credential):
            return HOME + credential.home if credential.home else GLOBAL
        case _ if isinstance(entry, RosterFact):
            return GLOBAL
        case _:
            return HOME + entry.home if entry.home else GLOBAL
