"""The demo of `up`: registers a community of homes and the demo's credentials, as commands like anybody's."""

import asyncio
import secrets
from datetime import date
from pathlib import Path

import msgspec

from alerting.caring.help_commands import SetResponder
from alerting.caring.help_records import Help, Responder, ResponderId, ResponderKind
from alerting.commands import Asked, Command, IssueCredential, RegisterArea, RegisterDevice, RegisterHome, RegisterPerson, RevokeCredentials
from alerting.duty_commands import SetRoster, SetStaff
from alerting.refusals import Exists
from alerting.roster import Layer, Roster, RosterId, Staff, StaffId, Turn
from alerting.terms import Actor
from config.community import Community, community
from devices.catalog import Catalog
from devices.credential import Credential, Scope, digest
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, ModelId, Person, PersonId, Role
from gateway.clock import MACHINE
from gateway.control import Control
from gateway.web.users import Role as UserRole
from gateway.web.users import Users

DEMO = Actor("demo")
"""In whose name the demo is registered; an administrator whose token the scripts get."""
OPERATOR = "operator"
DEVICE = "device"
AT_ONCE = 200
FIRST_TURN = date(2026, 1, 5)
"""A Monday."""
"""Commands under way at a time: a thousand homes are registered in batches, between alarms."""


class Secrets(msgspec.Struct, frozen=True):
    """What the demo's log-ins are, kept in the data folder so that a second start has the same; readable by this user alone."""

    operator: str
    """Password of the user `operator`."""
    device: str
    """Password of the MQTT credential `device`."""
    token: str
    """Bearer token with every right."""
    new: bool = False
    """Made just now."""


def log_ins(data: Path) -> Secrets:
    """Those of the last start, or new ones; the users exist when this returns. Call it before the web process opens its users."""
    kept = kept_log_ins(data)
    if kept is None:
        kept = Secrets(secrets.token_urlsafe(9), secrets.token_urlsafe(16), "", new=True)
    users = Users(data / "users.db", MACHINE.wall)
    try:
        if users.user(OPERATOR) is None:
            users.create(OPERATOR, kept.operator, UserRole.OPERATOR)
        if users.user(DEMO) is None:
            users.create(DEMO, secrets.token_urlsafe(16), UserRole.ADMIN)
        if users.session(kept.token) is None:
            kept = msgspec.structs.replace(kept, token=users.token_for(DEMO))
    finally:
        users.close()
    write_private(data / "demo.json", msgspec.json.encode(msgspec.structs.replace(kept, new=False)))
    return kept


def kept_log_ins(data: Path) -> Secrets | None:
    """Those of the last start, if there was one."""
    try:
        return msgspec.json.decode((data / "demo.json").read_bytes(), type=Secrets)
    except (OSError, msgspec.MsgspecError):
        return None


def write_private(path: Path, body: bytes) -> None:
    """Whole or not at all, readable by this user alone."""
    draft = path.with_name(path.name + ".new")
    draft.touch(mode=0o600)
    draft.write_bytes(body)
    draft.replace(path)


def device_credential(password: str) -> Credential:
    """May publish for any home, reads any home's `command`; exists in `up` alone."""
    salt = secrets.token_bytes(16)
    return Credential(DEVICE, salt, digest(salt, password.encode()), Scope.ANYWHERE)


def commands(place: Community, catalog: Catalog) -> list[list[Command]]:
    """The community as commands, in groups: what a later group names is in an earlier one."""
    areas: list[Command] = [
        RegisterArea(Area(AreaId(a.id), a.name, None if a.parent is None else AreaId(a.parent))) for a in place.areas
    ]
    homes: list[Command] = [
        RegisterHome(Home(HomeId(h.id), AreaId(h.area), h.name, h.address, h.phone, h.access, h.note, h.latitude, h.longitude))
        for h in place.homes
    ]
    inside: list[Command] = []
    for d in place.devices:
        model = catalog.get(ModelId(d.model))
        device = Device(
            DeviceId(d.id), HomeId(d.home), ModelId(d.model), d.room, vendor=model.vendor, dialect=model.dialect, exposes=model.exposes,
        )
        inside.append(RegisterDevice(device))
    inside += [
        RegisterPerson(
            Person(
                PersonId(p.id), HomeId(p.home), Role(p.role), p.name, p.phone, p.order, p.birth_year, p.medical, p.speech, p.note,
            ),
        )
        for p in place.people
    ]
    return [*([area] for area in areas), homes, inside]


def responders(place: Community) -> list[Command]:
    """Who may be asked to go, each with where they stand."""
    return [
        SetResponder(
            Responder(
                ResponderId(one.id), AreaId(one.area), ResponderKind(one.kind), one.name, one.phone, tuple(map(Help, one.helps)), one.hours,
                one.latitude, one.longitude,
            ),
        )
        for one in place.responders
    ]


def duty() -> list[Command]:
    """Who is on at the demo's desk: its operator, around the clock, and two leads by turns of a week."""
    people = (
        Staff(StaffId("operator"), "值班员（演示）", "000-0000-9001", OPERATOR, "operator"),
        Staff(StaffId("lead-1"), "值班长甲（演示）", "000-0000-9002", "", "lead"),
        Staff(StaffId("lead-2"), "值班长乙（演示）", "000-0000-9003", "", "lead"),
    )
    first = Layer("台面", (people[0].id,), Turn.DAILY, FIRST_TURN, at="08:00")
    leads = Layer("值班长", (people[1].id, people[2].id), Turn.WEEKLY, FIRST_TURN, at="08:00")
    return [*(SetStaff(person) for person in people), SetRoster(Roster(RosterId("desk"), "值守台", "the desk", (first, leads), desk=True))]


async def register(control: Control, homes: int, seed: int, catalog: Catalog, secrets_: Secrets) -> int:
    """Ask for everything that is not there yet; how many were new. Raises AlarmProcessAway."""
    new = 0
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(command: Command) -> bool:
        async with gate:
            try:
                await control.ask(Asked(command, DEMO), timeout=60)
            except Exists:
                return False
            return True

    place = community(homes, seed)
    for group in commands(place, catalog):
        new += sum(await asyncio.gather(*(ask(command) for command in group)))
    if secrets_.new:  # once: what people have made of it since stands
        for command in (*duty(), *responders(place)):
            await control.ask(Asked(command, DEMO))
    try:
        await control.ask(Asked(IssueCredential(device_credential(secrets_.device)), DEMO))
    except Exists:
        if secrets_.new:  # the log-ins were lost, the journal was not
            await control.ask(Asked(RevokeCredentials(username=DEVICE), DEMO))
            await control.ask(Asked(IssueCredential(device_credential(secrets_.device)), DEMO))
    return new
