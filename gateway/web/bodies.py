"""What people and programs may send. A field that is not known, or a value out of its range, is refused by its name."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from alerting.facts import Category, Stage
from devices.home import Role as PersonRole
from devices.observation import Property
from gateway.web.users import Role

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40, pattern=r"^[0-9+*#()\- ]*$")]
Password = Annotated[str, StringConstraints(min_length=8, max_length=200)]
Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.@-]{1,64}$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Credentials(Body):
    username: Annotated[str, StringConstraints(max_length=200)]
    password: Annotated[str, StringConstraints(max_length=200)]


class Nothing(Body):
    """`{}`, or no body at all."""


class NoteBody(Body):
    text: Said


class HoldBody(Body):
    minutes: Annotated[float, Field(gt=0, le=1440, allow_inf_nan=False)]
    reason: Said


class EscalateBody(Body):
    reason: Text = ""


class TransferBody(Body):
    to: Name
    reason: Text = ""


class RespondBody(Body):
    responder: Name
    stage: Stage


class CloseBody(Body):
    disposition: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    reason: Text = ""


class AreaBody(Body):
    id: Id
    name: Name
    parent: Id | None = None


class AreaPatch(Body):
    name: Name | None = None
    parent: Id | None = None


class HomeBody(Body):
    id: Id
    area: Id
    name: Name
    address: Short = ""
    phone: Phone = ""
    access: Text = ""
    note: Text = ""


class HomePatch(Body):
    area: Id | None = None
    name: Name | None = None
    address: Short | None = None
    phone: Phone | None = None
    access: Text | None = None
    note: Text | None = None


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


class PersonPatch(Body):
    role: PersonRole | None = None
    name: Name | None = None
    phone: Phone | None = None
    order: Annotated[int, Field(ge=0, le=1000)] | None = None
    birth_year: Annotated[int, Field(ge=1880, le=2100)] | None = None
    medical: Text | None = None
    speech: Text | None = None
    note: Text | None = None


class DeviceBody(Body):
    id: Id
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
    """New alerts of these categories (of one device, where named) stay off the ring until then; never a human call or fire."""

    home: Id
    device: Id | None = None
    categories: Annotated[list[Category], Field(max_length=len(Category))] = []
    until: AwareDatetime
    reason: Said


class UserBody(Body):
    username: Username
    password: Password
    role: Role


class UserPatch(Body):
    password: Password | None = None
    role: Role | None = None
    disabled: bool | None = None
