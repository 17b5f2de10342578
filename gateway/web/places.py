"""Areas, homes, people, devices and what is known of each device's health: a fold of the journal, in memory, for the desk to read."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec

from alerting.arrangements import NOTHING_ARRANGED, Arrangements
from alerting.certificates import Certificates, Certification
from alerting.duties import Duties
from alerting.duty_facts import DutyFact, ItemOwned
from alerting.facts import RulesActivated
from alerting.heard_facts import DeviceReturned, DeviceSilent
from alerting.home_facts import HomeModeEnded, HomeModeEnding, HomeModeSet, ParametersChanged
from alerting.items import Configured
from alerting.life_facts import OnTestEnded, OnTestSet
from alerting.registry_facts import (
    AreaRegistered,
    AreaRetired,
    CertificateAdded,
    CertificateSuspended,
    CredentialIssued,
    CredentialRevoked,
    DeviceDiscovered,
    DeviceRegistered,
    DeviceRetired,
    HomeRegistered,
    HomeRetired,
    PersonRegistered,
    PersonRetired,
    RegistryFact,
    SilenceEnded,
    SilenceSet,
)
from alerting.rules import Ruleset
from devices.catalog import Kind, Model
from devices.home import SYNTHETIC_HOME, Area, AreaId, Device, DeviceId, Home, HomeId, ModelId, Person, PersonId
from devices.message import Heard, StatusHeard
from devices.observation import Property
from gateway.web.care_book import CareBook
from gateway.web.ledger import Account, Ledger
from gateway.web.order import Order
from gateway.web.place_records import Activation, DeviceState, Issued, Owner
from gateway.web.placed import Placed
from gateway.web.stories import Stories, Story
from gateway.web.unlisted import unlisted
from gateway.web.watched import Watched
from gateway.web.welfare import WelfareLists

if TYPE_CHECKING:
    from alerting.terms import Actor, SilenceId, TestId

ACTIVATIONS_KEPT = 50
ALIVE = frozenset(
    {
        Property.OCCUPANCY, Property.CONTACT_OPEN, Property.BED_OCCUPIED, Property.CHECKED_IN, Property.MEDICATION_TAKEN, Property.SOS,
        Property.PULL_CORD,
    },
)  # fmt: skip
"""What only a person sets off."""
_BATTERY = Property.BATTERY
_SIGNAL = frozenset({Property.LINK_QUALITY, Property.RSSI})
_KEPT = ALIVE | _SIGNAL | {_BATTERY}
"""Asked of every reading by these names: to find a member in its class takes longer than all the rest."""

DeviceKey = tuple[HomeId, DeviceId]
PersonKey = tuple[HomeId, PersonId]
Records = dict[tuple[str, str], msgspec.Struct | None]
"""What changed, by kind and key, for `views.db`; None: it is gone."""

T = TypeVar("T")


class Places:
    """The registry by id, and the indices that lists need."""

    def __init__(self) -> None:
        self.areas: dict[AreaId, Area] = {}
        self.homes: dict[HomeId, Home] = {}
        self.homes_in_order: Order[HomeId] = Order(str)
        self.placed_people: Placed[PersonId, Person] = Placed(lambda person: (person.order, person.id))
        self.people = self.placed_people.by_key
        self.placed_devices: Placed[DeviceId, Device] = Placed(lambda device: (0, device.id))
        self.devices = self.placed_devices.by_key
        self.states: dict[DeviceKey, DeviceState] = {}
        self.credentials: dict[str, Issued] = {}
        self.silences: dict[SilenceId, SilenceSet] = {}
        self.certificates = Certificates()
        self.duties = Duties()
        self.owners: dict[str, Actor] = {}
        """Of silences, by `kind:id`."""
        self.arranged: dict[HomeId, Arrangements] = {}
        self.ledger = Ledger()
        self.tests: dict[TestId, OnTestSet] = {}
        """Planned or under way."""
        self.stories = Stories()
        self.hearing = Watched()
        self.welfare = WelfareLists()
        self.care = CareBook()
        self.ruleset = Ruleset()
        self.activations: dict[str, Activation] = {}
        """The latest, by their moment."""
        self.models: dict[ModelId, Model] = {}
        """The catalogue that the ruleset brought."""
        self._children: dict[AreaId, set[AreaId]] = defaultdict(set)

    # --- the fold ------------------------------------------------------------------------------------------------------------

    def configured(self, item: Configured, at: datetime, changed: Records) -> None:
        """The files say what holds from here on."""
        self._activated(Activation(at, item.by, item.why, "", item.ruleset, chosen=False), changed)

    def activated(self, fact: RulesActivated, changed: Records) -> None:
        """A person put rules live."""
        self._activated(Activation(fact.at, fact.by, fact.reason, fact.backtest, fact.ruleset, chosen=True), changed)

    def _activated(self, activation: Activation, changed: Records) -> None:
        self._set_ruleset(activation.ruleset)
        changed["ruleset", ""] = activation.ruleset
        self._note(activation)
        changed["activation", activation.at.isoformat()] = activation
        for gone in sorted(self.activations)[:-ACTIVATIONS_KEPT]:
            del self.activations[gone]
            changed["activation", gone] = None

    def _note(self, activation: Activation) -> None:
        self.activations[activation.at.isoformat()] = activation

    def heard(self, message: Heard | StatusHeard, changed: Records) -> None:
        """A device spoke, or something spoke for it."""
        if message.home == SYNTHETIC_HOME:
            return
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
                prop = observation.property
                if prop not in _KEPT:
                    continue
                if prop is _BATTERY:
                    state.battery = float(observation.value)
                elif prop in _SIGNAL:
                    state.signal = float(observation.value)
                elif observation.value is not False:
                    state.alive_at = message.report.received_at
        changed["state", f"{key[0]}/{key[1]}"] = state

    @staticmethod
    def _heard_at(state: DeviceState, at: datetime) -> None:
        if state.last_heard_at is None or at > state.last_heard_at:
            state.last_heard_at = at

    def duty(self, fact: DutyFact, changed: Records) -> None:
        """Rosters are small and change seldom: they are kept as one record."""
        if isinstance(fact, ItemOwned):
            self.owners[fact.item] = fact.owner
            changed["owner", fact.item] = Owner(fact.owner)
        else:
            self.duties.apply(fact)
            changed["duties", ""] = self.duties

    def watched(self, fact: DeviceSilent | DeviceReturned, changed: Records) -> None:
        state = self.states.setdefault((fact.home, fact.device), DeviceState())
        state.online = isinstance(fact, DeviceReturned)
        changed["state", f"{fact.home}/{fact.device}"] = state

    def apply(self, fact: RegistryFact, changed: Records, seq: int) -> None:
        """`seq` is the fact's number in the journal."""
        if unlisted(fact):
            return
        match fact:
            case AreaRegistered(area=area):
                self._put_area(area)
                changed["area", area.id] = area
            case HomeRegistered(home=home):
                self._put_home(home)
                changed["home", home.id] = home
            case DeviceRegistered(device=device) | DeviceDiscovered(device=device):
                self.placed_devices.put(device.home, device.id, device)
                changed["device", f"{device.home}/{device.id}"] = device
            case PersonRegistered(person=person):
                self.placed_people.put(person.home, person.id, person)
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
                self.ledger.apply(fact, changed)
            case SilenceEnded(silence=silence):
                self.silences.pop(silence, None)
                changed["silence", silence] = None
                self.ledger.apply(fact, changed)
                if self.owners.pop(f"silence:{silence}", None) is not None:
                    changed["owner", f"silence:{silence}"] = None
            case OnTestSet(test=test):
                self.tests[test] = fact
                changed["test", test] = fact
            case OnTestEnded(test=test):
                self.tests.pop(test, None)
                changed["test", test] = None
                if self.owners.pop(f"test:{test}", None) is not None:
                    changed["owner", f"test:{test}"] = None
            case HomeModeSet(home=home_id) | HomeModeEnding(home=home_id) | HomeModeEnded(home=home_id) | ParametersChanged(home=home_id):
                arranged = self.arranged[home_id] = self.arranged.get(home_id, NOTHING_ARRANGED).after(fact)
                changed["arranged", home_id] = arranged
                changed["story", home_id] = self.stories.add(fact, seq)

    def load(self, rows: Iterable[tuple[str, str, bytes]]) -> None:
        """What `views.db` held."""
        for kind, key, body in rows:
            match kind:
                case "area":
                    self._put_area(_read(body, Area))
                case "home":
                    self._put_home(_read(body, Home))
                case "device":
                    device = _read(body, Device)
                    self.placed_devices.put(device.home, device.id, device)
                case "person":
                    person = _read(body, Person)
                    self.placed_people.put(person.home, person.id, person)
                case "credential":
                    issued = _read(body, Issued)
                    self.credentials[issued.username] = issued
                case "silence":
                    silence = _read(body, SilenceSet)
                    self.silences[silence.silence] = silence
                    if silence.silence not in self.ledger.accounts:  # set before there was a ledger
                        self.ledger.load(Account(silence))
                case "ledger":
                    self.ledger.load(_read(body, Account))
                case "test":
                    planned = _read(body, OnTestSet)
                    self.tests[planned.test] = planned
                case "arranged":
                    self.arranged[HomeId(key)] = _read(body, Arrangements)
                case "story":
                    self.stories.of[HomeId(key)] = _read(body, Story)
                case "certificate":
                    self.certificates.put(_read(body, Certification))
                case "ruleset":
                    self._set_ruleset(_read(body, Ruleset))
                case "activation":
                    self._note(_read(body, Activation))
                case "deafness" | "gaps":
                    self.hearing.load(kind, key, body)
                case "welfare":
                    self.welfare.load(key, body)
                case "care":
                    self.care.load(key, body)
                case "duties":
                    self.duties = _read(body, Duties)
                case "owner":
                    self.owners[key] = _read(body, Owner).name
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
        yield from (("test", test) for test in self.tests)
        yield from (("arranged", home) for home in self.arranged)
        yield from (("story", home) for home in self.stories.of)
        yield from (("certificate", id_) for id_ in self.certificates.known)
        yield from (("activation", at) for at in self.activations)
        yield from (("owner", item) for item in self.owners)
        yield "duties", ""
        yield from self.hearing.keys()
        yield from self.welfare.keys()
        yield from self.ledger.keys()
        yield from self.care.keys()

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

    def _put_home(self, home: Home) -> None:
        if home.id not in self.homes:
            self.homes_in_order.enter(home.id)
        self.homes[home.id] = home

    def _drop_device(self, home: HomeId, device: DeviceId, changed: Records) -> None:
        self.placed_devices.drop(home, device)
        self.states.pop((home, device), None)
        changed["device", f"{home}/{device}"] = None
        changed["state", f"{home}/{device}"] = None

    def _drop_person(self, home: HomeId, person: PersonId, changed: Records) -> None:
        self.placed_people.drop(home, person)
        changed["person", f"{home}/{person}"] = None

    def _drop_home(self, home: HomeId, changed: Records) -> None:
        for device in self.placed_devices.ids_of(home):
            self._drop_device(home, device, changed)
        for person in self.placed_people.ids_of(home):
            self._drop_person(home, person, changed)
        if self.homes.pop(home, None) is not None:
            self.homes_in_order.leave(home)
        changed["home", home] = None
        self.care.forget(home, changed)
        if self.arranged.pop(home, None) is not None:
            changed["arranged", home] = None
        if self.stories.of.pop(home, None) is not None:
            changed["story", home] = None

    # --- reading -------------------------------------------------------------------------------------------------------------

    def within(self, area: AreaId) -> frozenset[AreaId]:
        """The area and all that lies in it."""
        found, waiting = {area}, [area]
        while waiting:
            fresh = self._children.get(waiting.pop(), set()) - found
            found |= fresh
            waiting.extend(fresh)
        return frozenset(found)

    def above(self, area: AreaId) -> tuple[AreaId, ...]:
        """The area and those that it lies in, upwards."""
        chain = [area]
        while (known := self.areas.get(chain[-1])) is not None and known.parent is not None and known.parent not in chain:
            chain.append(known.parent)
        return tuple(chain)

    def homes_of_device(self, device: DeviceId) -> list[HomeId]:
        """More than one where kits of several homes use the same id."""
        return self.placed_devices.homes_of(device)

    def homes_of_person(self, person: PersonId) -> list[HomeId]:
        return self.placed_people.homes_of(person)

    def devices_of(self, home: HomeId) -> list[Device]:
        return self.placed_devices.of(home)

    def people_of(self, home: HomeId) -> list[Person]:
        """In the order in which contacts are rung."""
        return self.placed_people.of(home)

    def is_hub(self, model: ModelId) -> bool:
        known = self.models.get(model)
        return known is not None and known.kind is Kind.HUB

    def credentials_of(self, home: HomeId, device: DeviceId) -> list[Issued]:
        return [c for c in self.credentials.values() if c.home == home and c.device == device]


def _read(body: bytes, type_: type[T]) -> T:
    return msgspec.msgpack.decode(body, type=type_)
