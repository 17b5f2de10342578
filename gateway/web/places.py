"""Areas, homes, people, devices and what is known of each device's health: a fold of the journal, in memory, for the desk to read."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

import msgspec

from alerting.certificates import Certificates, Certification
from alerting.facts import (
    AreaRegistered,
    AreaRetired,
    CertificateAdded,
    CertificateSuspended,
    Configured,
    CredentialIssued,
    CredentialRevoked,
    DeviceDiscovered,
    DeviceRegistered,
    DeviceRetired,
    DeviceReturned,
    DeviceSilent,
    HomeRegistered,
    HomeRetired,
    PersonRegistered,
    PersonRetired,
    RegistryFact,
    SilenceEnded,
    SilenceId,
    SilenceSet,
)
from alerting.rules import Ruleset
from devices.catalog import Kind, Model
from devices.credential import Scope
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, ModelId, Person, PersonId
from devices.message import Heard, StatusHeard
from devices.observation import Property

DeviceKey = tuple[HomeId, DeviceId]
PersonKey = tuple[HomeId, PersonId]
Records = dict[tuple[str, str], msgspec.Struct | None]
"""What changed, by kind and key, for `views.db`; None: it is gone."""

K = TypeVar("K")
T = TypeVar("T")


class DeviceState(msgspec.Struct):
    last_heard_at: datetime | None = None
    online: bool | None = None
    battery: float | None = None
    signal: float | None = None
    firmware: str = ""


class Issued(msgspec.Struct, frozen=True):
    """A credential that is valid; its digest stays with the alarm process."""

    username: str
    scope: Scope
    home: HomeId
    device: DeviceId
    at: datetime | None
    """None where only a snapshot knew of it still."""


class Places:
    """The registry by id, and the indices that lists need."""

    def __init__(self) -> None:
        self.areas: dict[AreaId, Area] = {}
        self.homes: dict[HomeId, Home] = {}
        self.people: dict[PersonKey, Person] = {}
        self.devices: dict[DeviceKey, Device] = {}
        self.states: dict[DeviceKey, DeviceState] = {}
        self.credentials: dict[str, Issued] = {}
        self.silences: dict[SilenceId, SilenceSet] = {}
        self.certificates = Certificates()
        self.ruleset = Ruleset()
        self.models: dict[ModelId, Model] = {}
        """The catalogue that the ruleset brought."""
        # Tuples, since nearly every one of a hundred thousand holds one id, or a handful: an empty set is as large as ten of them.
        self._homes_of_device: dict[DeviceId, tuple[HomeId, ...]] = {}
        self._homes_of_person: dict[PersonId, tuple[HomeId, ...]] = {}
        self._devices_of: dict[HomeId, tuple[DeviceId, ...]] = {}
        self._people_of: dict[HomeId, tuple[PersonId, ...]] = {}
        self._children: dict[AreaId, set[AreaId]] = defaultdict(set)

    # --- the fold ------------------------------------------------------------------------------------------------------------

    def configured(self, item: Configured, changed: Records) -> None:
        self._set_ruleset(item.ruleset)
        changed["ruleset", ""] = item.ruleset

    def heard(self, message: Heard | StatusHeard, changed: Records) -> None:
        """A device spoke, or something spoke for it."""
        key = (message.home, message.device)
        state = self.states.get(key)
        if state is None:
            state = self.states[key] = DeviceState()
        if isinstance(message, StatusHeard):
            state.online = message.online
            state.firmware = message.firmware or state.firmware
            if message.online:
                self._heard_at(state, message.received_at)
        else:
            state.online = True
            self._heard_at(state, message.report.received_at)
            for observation in message.report.observations:
                if observation.property is Property.BATTERY:
                    state.battery = float(observation.value)
                elif observation.property in (Property.LINK_QUALITY, Property.RSSI):
                    state.signal = float(observation.value)
        changed["state", f"{key[0]}/{key[1]}"] = state

    @staticmethod
    def _heard_at(state: DeviceState, at: datetime) -> None:
        if state.last_heard_at is None or at > state.last_heard_at:
            state.last_heard_at = at

    def watched(self, fact: DeviceSilent | DeviceReturned, changed: Records) -> None:
        state = self.states.setdefault((fact.home, fact.device), DeviceState())
        state.online = isinstance(fact, DeviceReturned)
        changed["state", f"{fact.home}/{fact.device}"] = state

    def apply(self, fact: RegistryFact, changed: Records) -> None:
        match fact:
            case AreaRegistered(area=area):
                self._put_area(area)
                changed["area", area.id] = area
            case HomeRegistered(home=home):
                self.homes[home.id] = home
                changed["home", home.id] = home
            case DeviceRegistered(device=device) | DeviceDiscovered(device=device):
                self._put_device(device)
                changed["device", f"{device.home}/{device.id}"] = device
            case PersonRegistered(person=person):
                self._put_person(person)
                changed["person", f"{person.home}/{person.id}"] = person
            case AreaRetired(area=area_id):
                gone = self.areas.pop(area_id, None)
                if gone is not None and gone.parent is not None:
                    self._children[gone.parent].discard(area_id)
                changed["area", area_id] = None
            case HomeRetired(home=home_id):
                self._drop_home(home_id, changed)
            case DeviceRetired(home=home_id, device=device_id):
                self._drop_device(home_id, device_id, changed)
            case PersonRetired(home=home_id, person=person_id):
                self._drop_person(home_id, person_id, changed)
            case CredentialIssued(at=at, credential=c):
                issued = Issued(c.username, c.scope, c.home, c.device, at)
                self.credentials[c.username] = issued
                changed["credential", c.username] = issued
            case CredentialRevoked(username=username):
                self.credentials.pop(username, None)
                changed["credential", username] = None
            case CertificateAdded() | CertificateSuspended():
                if (certification := self.certificates.apply(fact)) is not None:
                    changed["certificate", certification.certificate.id] = certification
            case SilenceSet(silence=silence):
                self.silences[silence] = fact
                changed["silence", silence] = fact
            case SilenceEnded(silence=silence):
                self.silences.pop(silence, None)
                changed["silence", silence] = None

    def load(self, rows: Iterable[tuple[str, str, bytes]]) -> None:
        """What `views.db` held."""
        for kind, key, body in rows:
            match kind:
                case "area":
                    self._put_area(_read(body, Area))
                case "home":
                    home = _read(body, Home)
                    self.homes[home.id] = home
                case "device":
                    self._put_device(_read(body, Device))
                case "person":
                    self._put_person(_read(body, Person))
                case "credential":
                    issued = _read(body, Issued)
                    self.credentials[issued.username] = issued
                case "silence":
                    silence = _read(body, SilenceSet)
                    self.silences[silence.silence] = silence
                case "certificate":
                    self.certificates.put(_read(body, Certification))
                case "ruleset":
                    self._set_ruleset(_read(body, Ruleset))
                case "state":
                    home_id, _, device_id = key.partition("/")
                    self.states[HomeId(home_id), DeviceId(device_id)] = _read(body, DeviceState)

    def keys(self) -> Iterator[tuple[str, str]]:
        """Of every record here, by kind and key."""
        yield from (("area", area) for area in self.areas)
        yield from (("home", home) for home in self.homes)
        for kind, of_home in (("person", self.people), ("device", self.devices), ("state", self.states)):
            yield from ((kind, f"{home}/{id_}") for home, id_ in of_home)
        yield from (("credential", username) for username in self.credentials)
        yield from (("silence", silence) for silence in self.silences)
        yield from (("certificate", id_) for id_ in self.certificates.known)

    def firmware(self, home: HomeId, device: DeviceId) -> str:
        """What the device reports; empty where it has reported none."""
        state = self.states.get((home, device))
        return state.firmware if state else ""

    def _set_ruleset(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.models = {model.id: model for model in ruleset.models}

    def _put_area(self, area: Area) -> None:
        before = self.areas.get(area.id)
        if before is not None and before.parent is not None:
            self._children[before.parent].discard(area.id)
        self.areas[area.id] = area
        if area.parent is not None:
            self._children[area.parent].add(area.id)

    def _put_device(self, device: Device) -> None:
        self.devices[device.home, device.id] = device
        _enter(self._homes_of_device, device.id, device.home)
        _enter(self._devices_of, device.home, device.id)

    def _put_person(self, person: Person) -> None:
        self.people[person.home, person.id] = person
        _enter(self._homes_of_person, person.id, person.home)
        _enter(self._people_of, person.home, person.id)

    def _drop_device(self, home: HomeId, device: DeviceId, changed: Records) -> None:
        self.devices.pop((home, device), None)
        self.states.pop((home, device), None)
        _leave(self._homes_of_device, device, home)
        _leave(self._devices_of, home, device)
        changed["device", f"{home}/{device}"] = None
        changed["state", f"{home}/{device}"] = None

    def _drop_person(self, home: HomeId, person: PersonId, changed: Records) -> None:
        self.people.pop((home, person), None)
        _leave(self._homes_of_person, person, home)
        _leave(self._people_of, home, person)
        changed["person", f"{home}/{person}"] = None

    def _drop_home(self, home: HomeId, changed: Records) -> None:
        for device in self._devices_of.get(home, ()):
            self._drop_device(home, device, changed)
        for person in self._people_of.get(home, ()):
            self._drop_person(home, person, changed)
        self.homes.pop(home, None)
        changed["home", home] = None

    # --- reading -------------------------------------------------------------------------------------------------------------

    def within(self, area: AreaId) -> frozenset[AreaId]:
        """The area and all that lies in it."""
        found, waiting = {area}, [area]
        while waiting:
            fresh = self._children.get(waiting.pop(), set()) - found
            found |= fresh
            waiting.extend(fresh)
        return frozenset(found)

    def homes_of_device(self, device: DeviceId) -> list[HomeId]:
        """More than one where kits of several homes use the same id."""
        return sorted(self._homes_of_device.get(device, ()))

    def homes_of_person(self, person: PersonId) -> list[HomeId]:
        return sorted(self._homes_of_person.get(person, ()))

    def devices_of(self, home: HomeId) -> list[Device]:
        return [self.devices[home, device] for device in sorted(self._devices_of.get(home, ()))]

    def people_of(self, home: HomeId) -> list[Person]:
        """In the order in which contacts are rung."""
        return sorted((self.people[home, p] for p in self._people_of.get(home, ())), key=lambda p: (p.order, p.id))

    def is_hub(self, model: ModelId) -> bool:
        known = self.models.get(model)
        return known is not None and known.kind is Kind.HUB

    def credentials_of(self, home: HomeId, device: DeviceId) -> list[Issued]:
        return [c for c in self.credentials.values() if c.home == home and c.device == device]


def _enter(index: dict[K, tuple[T, ...]], key: K, value: T) -> None:
    held = index.get(key, ())
    if value not in held:
        index[key] = (*held, value)


def _leave(index: dict[K, tuple[T, ...]], key: K, value: T) -> None:
    held = tuple(one for one in index.pop(key, ()) if one != value)
    if held:
        index[key] = held


def _read(body: bytes, type_: type[T]) -> T:
    return msgspec.msgpack.decode(body, type=type_)
