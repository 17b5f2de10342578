"""The registry: areas, homes, people, devices, credentials, silences, modes of homes; what people ask of it, and the fold of its facts.

It comes through the journal like everything judging depends on. A device's or home's id is given out once: retired, it stays taken.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from alerting import arrangements, silences, synthetic, testing
from alerting.certificates import Certificates
from alerting.commands import (
    AddCertificate,
    ChangeArea,
    ChangeDevice,
    ChangeHome,
    ChangeParameters,
    ChangePerson,
    EndHomeMode,
    EndOnTest,
    EndSilence,
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
    RevokeCredentials,
    SetHomeMode,
    SetSilence,
    SuspendCertificate,
)
from alerting.detection import Index
from alerting.duties import Duties
from alerting.home_facts import HomeModeEnded, HomeModeEnding, HomeModeSet, ParametersChanged
from alerting.home_state import DeviceState, HomeState
from alerting.life_facts import OnTestEnded, OnTestSet
from alerting.refusals import IllegalTransition, Unknown
from alerting.registrable import check_id, completed, exists, measure_anew, spent
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
from alerting.terms import Actor, Sentence, SilenceId, TestId
from devices.credential import Credential
from devices.home import Area, AreaId, Device, DeviceId, HomeId, Lifecycle, Person, PersonId


class Registry:
    """Homes by id, each with all that is in it, and the lookups that go across homes."""

    def __init__(self) -> None:
        self.areas: dict[AreaId, Area] = {}
        self.homes: dict[HomeId, HomeState] = {}
        self.whole = HomeState(HomeId(""), AreaId(""))
        """What belongs to no home: the alerts of areas."""
        self.credentials: dict[str, Credential] = {}
        self.nowhere: dict[str, Credential] = {}
        """The credentials that belong to no home; those that do are in their homes too."""
        self.device_homes: dict[DeviceId, HomeId] = {}
        """Registered or retired devices; discovered ones are known to their home alone."""
        self.person_homes: dict[PersonId, HomeId] = {}
        self.silence_homes: dict[SilenceId, HomeId] = {}
        self.test_homes: dict[TestId, HomeId] = {}
        self.certificates = Certificates()
        self.duties = Duties()

    # --- reading ---------------------------------------------------------------------------------------------------------------

    def home(self, home: HomeId) -> HomeState:
        """A home that is registered, retired ones included; Unknown."""
        state = self.homes.get(home)
        if state is None or state.record is None:
            raise Unknown(Sentence(f"没有编号为 {home} 的住户", f"there is no home {home}"))
        return state

    def device(self, home: HomeId, device: DeviceId) -> DeviceState:
        """A device of a home, discovered ones included; Unknown."""
        state = self.homes.get(home)
        known = state.devices.get(device) if state else None
        if known is None:
            raise Unknown(Sentence(f"住户 {home} 没有编号为 {device} 的设备", f"there is no device {device} in home {home}"))
        return known

    def above(self, area: AreaId) -> tuple[AreaId, ...]:
        """The area and those that it lies in, upwards."""
        chain = [area]
        while (known := self.areas.get(chain[-1])) is not None and known.parent is not None and known.parent not in chain:
            chain.append(known.parent)
        return tuple(chain)

    def devices(self) -> Iterator[DeviceState]:
        return (device for home in self.homes.values() for device in home.devices.values())

    def people(self) -> Iterator[Person]:
        return (person for home in self.homes.values() for person in home.people.values())

    # --- deciding --------------------------------------------------------------------------------------------------------------

    def decide(self, command: RegistryCommand, by: Actor, now: datetime, index: Index) -> list[RegistryFact]:
        """The facts that a command becomes; Unknown, Exists or IllegalTransition, and nothing, where it may not be."""
        synthetic.check(command, by)
        match command:
            case RegisterArea(area=area):
                check_id(area.id)
                if area.id in self.areas:
                    raise exists("区域", "area", area.id)
                self._check_parent(area)
                return [AreaRegistered(now, by, area)]
            case ChangeArea(area=area):
                self._area(area.id)
                self._check_parent(area)
                return [AreaRegistered(now, by, area)]
            case RetireArea(area=area_id):
                self._area(area_id)
                if any(a.parent == area_id for a in self.areas.values()) or any(
                    h.record and not h.retired and h.record.area == area_id for h in self.homes.values()
                ):
                    raise IllegalTransition(
                        Sentence(f"区域 {area_id} 下还有住户或下级区域", f"area {area_id} still has homes or areas in it"),
                    )
                return [AreaRetired(now, by, area_id)]
            case RegisterHome(home=home):
                check_id(home.id)
                known = self.homes.get(home.id)
                if known is not None and known.record is not None:
                    raise (spent if known.retired else exists)("住户", "home", home.id)
                self._area(home.area)
                return [HomeRegistered(now, by, home)]
            case ChangeHome(home=home):
                self._living(home.id)
                self._area(home.area)
                return [HomeRegistered(now, by, home)]
            case RetireHome(home=home_id):
                return self._retire_home(home_id, by, now)
            case RegisterDevice(device=device):
                return [DeviceRegistered(now, by, self._new_device(device, now, index))]
            case AddCertificate() | SuspendCertificate():
                return [self.certificates.decide(command, by, now)]
            case ChangeDevice(device=device):
                known_device = self.device(self._living(device.home).id, device.id)
                if known_device.record.lifecycle is Lifecycle.RETIRED:
                    raise IllegalTransition(Sentence(f"设备 {device.id} 已停用", f"device {device.id} is retired"))
                if device.model != known_device.record.model:
                    self.certificates.admit(device.model, known_device.firmware, index.ruleset.uncertified)
                changed = completed(device, index)
                return [DeviceRegistered(now, by, replace(changed, registered_at=known_device.record.registered_at or now))]
            case RetireDevice(home=home_id, device=device_id):
                if self.device(home_id, device_id).record.lifecycle is Lifecycle.RETIRED:
                    raise IllegalTransition(Sentence(f"设备 {device_id} 已经停用", f"device {device_id} is retired already"))
                revoked = self._revoked(home_id, by, now, device_id)
                return [DeviceRetired(now, by, home_id, device_id), *revoked]
            case RegisterPerson(person=person):
                check_id(person.id)
                self._living(person.home)
                if person.id in self.person_homes:
                    raise exists("人员", "person", person.id)
                return [PersonRegistered(now, by, person)]
            case ChangePerson(person=person):
                self._person(person.home, person.id)
                return [PersonRegistered(now, by, person)]
            case RetirePerson(home=home_id, person=person_id):
                self._person(home_id, person_id)
                return [PersonRetired(now, by, home_id, person_id)]
            case IssueCredential(credential=credential):
                return [self._issued(credential, by, now)]
            case RevokeCredentials():
                return self._revoke(command, by, now)
            case SetSilence():
                return [self._silence(command, by, now)]
            case EndSilence(silence=silence):
                home_of = self.silence_homes.get(silence)
                if home_of is None:
                    raise Unknown(Sentence(f"没有编号为 {silence} 的静音，或已结束", f"there is no silence {silence}, or it is over"))
                return [SilenceEnded(now, by, silence, home_of)]
            case PutOnTest(test=test):
                if test in self.test_homes:
                    raise exists("测试", "test", test)
                return [testing.decide(self._living(command.home), command, by, now, index)]
            case EndOnTest(test=test):
                tested = self.test_homes.get(test)
                if tested is None:
                    raise Unknown(Sentence(f"没有编号为 {test} 的测试，或已结束", f"there is no test {test}, or it is over"))
                return [OnTestEnded(now, by, test, tested)]
            case SetHomeMode(home=home_id) | EndHomeMode(home=home_id) | ChangeParameters(home=home_id):
                return [arrangements.decide(self._living(home_id).arranged, command, by, now, index.rules)]

    def _retire_home(self, home: HomeId, by: Actor, now: datetime) -> list[RegistryFact]:
        state = self._living(home)
        waiting = sum(alert.open for alert in state.alerts.values())
        if waiting:
            raise IllegalTransition(
                Sentence(f"住户 {home} 还有 {waiting} 条未结案的警报", f"home {home} has {waiting} open alerts; close them first"),
            )
        return [HomeRetired(now, by, home), *self._revoked(home, by, now)]

    def _new_device(self, device: Device, now: datetime, index: Index) -> Device:
        check_id(device.id)
        home = self._living(device.home)
        discovered = home.devices.get(device.id)
        if discovered is not None and discovered.record.lifecycle is Lifecycle.RETIRED:
            raise spent("设备", "device", device.id)
        if device.id in self.device_homes and not self._left(self.device_homes[device.id], device.id):
            raise exists("设备", "device", device.id)
        if discovered is not None:  # what its hub said of it stands where the registration is silent
            found = discovered.record
            device = replace(
                device, name=device.name or found.name, vendor=device.vendor or found.vendor, model=device.model or found.model,
                exposes=device.exposes or found.exposes, dialect=found.dialect,
            )  # fmt: skip
        if not synthetic.is_synthetic(home):
            self.certificates.admit(device.model, discovered.firmware if discovered else "", index.ruleset.uncertified)
        return replace(completed(device, index), lifecycle=Lifecycle.REGISTERED, registered_at=device.registered_at or now)

    def _left(self, home: HomeId, device: DeviceId) -> bool:
        """Whether it is out of service there: a device that was taken down may be put up in another home."""
        former = self.homes[home]
        return former.retired or former.devices[device].record.lifecycle is Lifecycle.RETIRED

    def _issued(self, credential: Credential, by: Actor, now: datetime) -> CredentialIssued:
        if not credential.username:
            raise IllegalTransition(Sentence("用户名不能为空", "a credential has a user name"))
        if credential.username in self.credentials:
            raise exists("MQTT 用户名", "MQTT user name", credential.username)
        if credential.home:
            self._living(credential.home)
        if credential.device:
            self.device(credential.home, credential.device)
        return CredentialIssued(now, by, credential)

    def _revoke(self, command: RevokeCredentials, by: Actor, now: datetime) -> list[RegistryFact]:
        if command.username:
            credential = self.credentials.get(command.username)
            if credential is None:
                raise Unknown(Sentence(f"没有用户名为 {command.username} 的凭证", f"there is no credential {command.username}"))
            return [CredentialRevoked(now, by, command.username, credential.home)]
        self.device(command.home, command.device)
        return self._revoked(command.home, by, now, command.device)

    def _silence(self, command: SetSilence, by: Actor, now: datetime) -> SilenceSet:
        if command.silence in self.silence_homes:
            raise exists("静音", "silence", command.silence)
        areas = silences.within(self.areas, self._area(command.area).id) if command.area else ()
        if not areas:
            home = self._living(command.home)
            if command.device is not None:
                self.device(home.id, command.device)
        return silences.decide(command, areas, by, now)

    def _area(self, area: AreaId) -> Area:
        known = self.areas.get(area)
        if known is None:
            raise Unknown(Sentence(f"没有编号为 {area} 的区域", f"there is no area {area}"))
        return known

    def _check_parent(self, area: Area) -> None:
        above = area.parent
        while above is not None:
            if above == area.id:
                raise IllegalTransition(Sentence(f"区域 {area.id} 不能在自身之下", f"area {area.id} cannot be inside itself"))
            above = self._area(above).parent

    def _living(self, home: HomeId) -> HomeState:
        state = self.home(home)
        if state.retired:
            raise IllegalTransition(Sentence(f"住户 {home} 已停用", f"home {home} is retired"))
        return state

    def _person(self, home: HomeId, person: PersonId) -> Person:
        state = self.homes.get(home)
        known = state.people.get(person) if state else None
        if known is None:
            raise Unknown(Sentence(f"住户 {home} 没有编号为 {person} 的人员", f"there is no person {person} in home {home}"))
        return known

    def _revoked(self, home: HomeId, by: Actor, now: datetime, device: DeviceId | None = None) -> list[RegistryFact]:
        return [
            CredentialRevoked(now, by, c.username, home)
            for c in self.homes[home].credentials.values()
            if device is None or c.device == device
        ]

    # --- folding ---------------------------------------------------------------------------------------------------------------

    def state(self, home: HomeId, area: AreaId | None = None) -> HomeState:
        """The home's state; made when the home was never heard of. Without an id: what belongs to no home."""
        if not home:
            return self.whole
        known = self.homes.get(home)
        if known is None:
            known = self.homes[home] = HomeState(home, area or AreaId(""))
        return known

    def apply(self, fact: RegistryFact) -> None:
        match fact:
            case AreaRegistered(area=area):
                self.areas[area.id] = area
            case AreaRetired(area=area_id):
                self.areas.pop(area_id, None)
            case HomeRegistered(home=home):
                state = self.state(home.id, home.area)
                state.record, state.area, state.retired = home, home.area, False
            case HomeRetired(home=home_id):
                self.state(home_id).retired = True
            case DeviceRegistered(device=device):
                self._put(device)
                if device.lifecycle is not Lifecycle.UNREGISTERED:
                    self.device_homes[device.id] = device.home
            case DeviceDiscovered(device=device):
                self._put(device)
            case DeviceRetired(home=home_id, device=device_id):
                retired = self.device(home_id, device_id)
                retired.record = replace(retired.record, lifecycle=Lifecycle.RETIRED)
                self.device_homes.setdefault(device_id, home_id)
            case PersonRegistered(person=person):
                self.state(person.home).people[person.id] = person
                self.person_homes[person.id] = person.home
            case PersonRetired(home=home_id, person=person_id):
                self.state(home_id).people.pop(person_id, None)
                self.person_homes.pop(person_id, None)
            case CredentialIssued(credential=credential):
                owner = self.state(credential.home).credentials if credential.home else self.nowhere
                owner[credential.username] = self.credentials[credential.username] = credential
            case CredentialRevoked(username=username, home=home_id):
                owner = self.state(home_id).credentials if home_id else self.nowhere
                owner.pop(username, None)
                self.credentials.pop(username, None)
            case CertificateAdded() | CertificateSuspended():
                self.certificates.apply(fact)
            case SilenceSet():
                self.state(fact.home).silences[fact.silence] = fact
                self.silence_homes[fact.silence] = fact.home
            case SilenceEnded():
                self.state(fact.home).silences.pop(fact.silence, None)
                self.state(fact.home).owners.pop(f"silence:{fact.silence}", None)
                self.silence_homes.pop(fact.silence, None)
            case OnTestSet():
                self.state(fact.home).tests[fact.test] = fact
                self.test_homes[fact.test] = fact.home
            case OnTestEnded():
                self.state(fact.home).tests.pop(fact.test, None)
                self.state(fact.home).owners.pop(f"test:{fact.test}", None)
                self.test_homes.pop(fact.test, None)
            case HomeModeSet() | HomeModeEnding() | HomeModeEnded() | ParametersChanged():
                arranged = self.state(fact.home)
                arranged.arranged = arranged.arranged.after(fact)
                if isinstance(fact, ParametersChanged):
                    measure_anew(arranged, fact.rule)

    def restore(self, state: HomeState) -> None:
        """Take a home's state as it was, lookups included."""
        state.share()
        self.homes[state.id] = state
        for device in state.devices.values():
            device.watched = False
            if device.record.lifecycle is not Lifecycle.UNREGISTERED:
                known = self.device_homes.get(device.record.id)
                if known is None or self._left(known, device.record.id):
                    self.device_homes[device.record.id] = state.id
        self.person_homes.update(dict.fromkeys(state.people, state.id))
        self.silence_homes.update(dict.fromkeys(state.silences, state.id))
        self.test_homes.update(dict.fromkeys(state.tests, state.id))
        self.credentials.update(state.credentials)

    def _put(self, device: Device) -> None:
        devices = self.state(device.home).devices
        known = devices.get(device.id)
        if known is None:
            devices[device.id] = DeviceState(device)
        else:
            known.record = device
