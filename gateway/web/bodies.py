"""What people and programs may send. A field that is not known, or a value out of its range, is refused by its name."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from alerting.caring.help_records import Help, ResponderKind
from alerting.caring.records import Errand, Every
from alerting.terms import Category, Mode, Priority, Stage, Welfare
from devices.home import Role as PersonRole
from devices.legible import as_written, in_one_line
from devices.observation import Property
from devices.topic import BRIDGE
from gateway.web.instants import Instant
from gateway.web.users import Role


def _in_one_line(said: object) -> object:
    return in_one_line(said) if isinstance(said, str) else said


def _as_read(said: object) -> object:
    return as_written(said) if isinstance(said, str) else said


OneLine, AsRead = BeforeValidator(_in_one_line), BeforeValidator(_as_read)
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), OneLine]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), OneLine]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000), AsRead]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000), AsRead]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40, pattern=r"^[0-9+*#()\- ]*$"), OneLine]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Hours = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
Password = Annotated[str, StringConstraints(min_length=8, max_length=200)]
Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.@-]{1,64}$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Credentials(Body):
    username: Annotated[str, StringConstraints(max_length=200)]
    password: Annotated[str, StringConstraints(max_length=200)]


class Nothing(Body):
    """`{}`, or no body at all."""


class ClaimBody(Body):
    """`take_over_from`: who is seen to have it, null for nobody; refused when somebody else has it by now. Left out: whoever has it."""

    take_over_from: Annotated[str, StringConstraints(max_length=200)] | None = None

    @property
    def expects(self) -> str | None:
        return (self.take_over_from or "") if "take_over_from" in self.model_fields_set else None


class NoteBody(Body):
    text: Said


class HoldBody(Body):
    """`return_priority`: what it comes back as; under the safety floor no lower than it is."""

    minutes: Annotated[float, Field(gt=0, le=1440, allow_inf_nan=False)]
    reason: Said
    return_priority: Annotated[int, Field(ge=1, le=4)] | None = None

    @property
    def returns(self) -> Priority | None:
        return None if self.return_priority is None else Priority(self.return_priority)


class EscalateBody(Body):
    reason: Said


class TransferBody(Body):
    to: Name
    reason: Said


class RespondBody(Body):
    responder: Name
    stage: Stage


Code = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class CloseBody(Body):
    """While its condition holds it takes a `reason`, and is raised anew after `rearm_minutes` if it still holds (left out: 30)."""

    disposition: Code
    reason: Text = ""
    rearm_minutes: Annotated[float, Field(gt=0, le=10_080, allow_inf_nan=False)] | None = None


class ClosingFilter(Body):
    """Open alerts: of an area and all that lies in it, of a home, of a category, raised from `start` until before `end`."""

    area: Code | None = None
    home: Code | None = None
    category: Category | None = None
    start: Instant | None = None
    end: Instant | None = None


class CloseTogetherBody(Body):
    """Either `alerts` or `filter`. `event`: what they have in common."""

    alerts: Annotated[list[Code], Field(min_length=1, max_length=1000)] | None = None
    filter: ClosingFilter | None = None
    disposition: Code
    reason: Said
    event: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class OnTestBody(Body):
    """`devices`: named one by one; none: all of the home but calls, fire, gas and falls. `on_site`: I stand there."""

    home: Id
    devices: Annotated[list[Id], Field(max_length=50)] = []
    start: Instant | None = None
    end: Instant
    tester: Username | None = None
    on_site: bool = False
    reason: Said


class WelfareBody(Body):
    """How a home of an area's alert was found."""

    result: Welfare
    note: Text = ""


class AreaBody(Body):
    id: Id
    name: Name
    parent: Id | None = None


class AreaPatch(Body):
    name: Name | None = None
    parent: Id | None = None


Finite = Annotated[float, Field(allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Ground = Annotated[list[tuple[Latitude, Longitude]], Field(max_length=100)]


class HomeBody(Body):
    """`latitude` and `longitude` in WGS 84; `ground`: the corners of where the resident may walk about."""

    id: Id
    area: Id
    name: Name
    address: Short = ""
    phone: Phone = ""
    access: Text = ""
    note: Text = ""
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    ground: Ground = []
    building: Short = ""
    carrier: Short = ""


class HomePatch(Body):
    area: Id | None = None
    name: Name | None = None
    address: Short | None = None
    phone: Phone | None = None
    access: Text | None = None
    note: Text | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    ground: Ground | None = None
    building: Short | None = None
    carrier: Short | None = None


class PersonBody(Body):
    id: Id
    home: Id
    role: PersonRole
    name: Name
    phone: Phone = ""
    order: Annotated[int, Field(ge=0, le=1000)] = 0
    birth_year: Annotated[int, Field(ge=1880, le=2100)] | None = None
    medical: Text = ""
    speech: Text = ""
    note: Text = ""
    hours: Annotated[list[Hours], Field(max_length=6)] = []
    """When a contact may be rung, in local time: `08:00-22:00`; empty: at any hour."""
    vulnerable: bool = False
    """Somebody has to visit every month at least."""


class PersonPatch(Body):
    role: PersonRole | None = None
    name: Name | None = None
    phone: Phone | None = None
    order: Annotated[int, Field(ge=0, le=1000)] | None = None
    birth_year: Annotated[int, Field(ge=1880, le=2100)] | None = None
    medical: Text | None = None
    speech: Text | None = None
    note: Text | None = None
    hours: Annotated[list[Hours], Field(max_length=6)] | None = None
    vulnerable: bool | None = None


def _no_branch(device: str) -> str:
    if device == BRIDGE:
        raise ValueError(f"{BRIDGE} is the branch of foreign dialects; no device is heard there by this name")
    return device


class DeviceBody(Body):
    id: Annotated[Id, AfterValidator(_no_branch)]
    home: Id
    model: Name
    room: Short = ""
    name: Short = ""
    vendor: Short = ""
    dialect: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "anju"
    exposes: list[Property] = []


class DevicePatch(Body):
    model: Name | None = None
    room: Short | None = None
    name: Short | None = None
    vendor: Short | None = None
    exposes: list[Property] | None = None


class CredentialBody(Body):
    """`home`: for a hub, which speaks for every device of its home. Without it the device's model decides."""

    scope: Literal["device", "home"] | None = None


class SilenceBody(Body):
    """New alerts of a home, one of its devices, or an area and all that lies in it stay off the ring until then; never a call, fire, gas or
    fall. `start`: planned ahead. `maintenance`: announced work, and not a nuisance.
    """

    home: Id | None = None
    area: Id | None = None
    device: Id | None = None
    categories: Annotated[list[Category], Field(max_length=len(Category))] = []
    start: Instant | None = None
    until: Instant
    reason: Said
    maintenance: bool = False


class ModeBody(Body):
    """`until` and `reason` are needed for every mode but `home`, which ends the one that holds."""

    mode: Mode
    until: Instant | None = None
    reason: Text = ""


class ParametersBody(Body):
    """`values`: numbers (spans in minutes) or lists of times of day (`08:00`), by name; none gives the rule its own back."""

    rule: Name
    values: Annotated[dict[Short, Finite | Annotated[list[Short], Field(max_length=24)]], Field(max_length=32)]
    reason: Said


class UserBody(Body):
    username: Username
    password: Password
    role: Role


class UserPatch(Body):
    password: Password | None = None
    role: Role | None = None
    disabled: bool | None = None


class CarePlanBody(Body):
    """`days`: weekdays 1 (Monday) to 7 of `week`, days 1 to 31 of `month` (31: its last). `day`: of `once`. Times are local.

    The same `id` again changes that plan of the home.
    """

    id: Id | None = None
    home: Id
    errand: Errand
    every: Every
    at: Clock
    days: Annotated[list[Annotated[int, Field(ge=1, le=31)]], Field(max_length=31)] = []
    day: date | None = None
    within_minutes: Annotated[int, Field(ge=1, le=44640)] = 60
    remind_minutes: Annotated[int, Field(ge=0, le=44640)] = 0
    who: Short = ""
    note: Text = ""


class WordBody(Body):
    word: Text = ""


class ResponderBody(Body):
    """`helps`: which of the six a service gives; `hours` are local, none means at any hour. The same `id` again changes the record."""

    id: Id
    area: Id
    kind: ResponderKind
    name: Name
    phone: Phone = ""
    helps: Annotated[list[Help], Field(max_length=len(Help))] = []
    hours: Annotated[list[Short], Field(max_length=8)] = []
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    channel: Short = ""
    """Of the notification settings, through which requests go out; empty: somebody rings."""
    note: Text = ""


class HelpBody(Body):
    """`alert`: the call that it is made of."""

    home: Id
    help: Help
    responder: Id
    due_at: Instant
    word: Text = ""
    alert: Short | None = None


class HelpStageBody(Body):
    stage: Literal["accepted", "on_the_way", "done", "declined", "cancelled"]
    word: Text = ""


class HelpAnswerBody(Body):
    """What a service answers."""

    stage: Literal["accepted", "on_the_way", "done", "declined"]
    word: Text = ""


class RatingBody(Body):
    """The resident's word on what was done."""

    stars: Annotated[int, Field(ge=1, le=5)]
    word: Text = ""


