"""What became of the records: areas, homes, devices, people, credentials, certificates, silences.

Journaled as all facts are; see `alerting.facts`.
"""

from datetime import datetime

import msgspec

from alerting.home_facts import HomeModeEnded, HomeModeEnding, HomeModeSet, ParametersChanged
from alerting.life_facts import OnTestEnded, OnTestSet
from alerting.terms import Actor, Category, SilenceId
from devices.certificate import Certified
from devices.credential import Credential
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, Person, PersonId


class DeviceDiscovered(msgspec.Struct, frozen=True, array_like=True, tag="found"):
    """A device spoke, or a hub listed it, that nobody had registered."""

    at: datetime
    device: Device


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
    areas: tuple[AreaId, ...] = ()
    """Of an area, and then of no home: itself first, and all that lay in it."""
    starts_at: datetime | None = None
    """Planned ahead; None: from `at`."""
    maintenance: bool = False
    """Work that was announced, and not something that was found to be a nuisance."""


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


RegistryFact = (
    AreaRegistered | HomeRegistered | DeviceRegistered | PersonRegistered | AreaRetired | HomeRetired | DeviceRetired | PersonRetired
    | CredentialIssued | CredentialRevoked | SilenceSet | SilenceEnded | DeviceDiscovered
    | CertificateAdded | CertificateSuspended | HomeModeSet | HomeModeEnding | HomeModeEnded | ParametersChanged
    | OnTestSet | OnTestEnded
)  # fmt: skip
