"""Devices, their credentials and the catalogue of models by HTTP."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Query

from alerting.commands import ChangeDevice, IssueCredential, RegisterDevice, RetireDevice, RevokeCredentials
from alerting.rules import Uncertified
from devices.credential import Credential, Scope, digest
from devices.home import AreaId, Device, DeviceId, HomeId, Lifecycle, ModelId
from gateway.web import paging
from gateway.web.auth import READ, REGISTER, Identity
from gateway.web.bodies import Body, CredentialBody, DeviceBody, DevicePatch
from gateway.web.desk import Desk, OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.present import device_shape, model_shape
from gateway.web.problems import ProblemDetails, Words, missing, unprocessable
from gateway.web.registry import EXISTS, changed
from gateway.web.shapes import DeviceShape, IssuedCredential, ModelShape, Page

router = APIRouter(tags=["devices"], responses={404: {"model": ProblemDetails}})


class RegisteredDevice(DeviceShape):
    """`warnings`: what the platform's policy wants told of a device that is not certified."""

    warnings: list[Words]


class DevicesQuery(paging.Query):
    home: str | None = None
    area: str | None = None
    """The area and all that lies in it."""
    model: str | None = None
    lifecycle: Lifecycle | None = None
    online: bool | None = None


class DeviceQuery(Body):
    home: str | None = None
    """Needed only where devices of several homes have the same id."""


OfHome = Annotated[DeviceQuery, Query()]


@router.get("/devices", dependencies=[READ])
async def list_devices(desk: OnDesk, asked: Annotated[DevicesQuery, Query()]) -> Page[DeviceShape]:
    """By home and id."""
    places = desk.views.places
    areas = None if asked.area is None else places.within(AreaId(asked.area))

    def wanted(device: Device) -> bool:
        if asked.online is not None:
            state = places.states.get((device.home, device.id))
            if state is None or state.online is not asked.online:
                return False
        return asked.model in (None, device.model) and asked.lifecycle in (None, device.lifecycle)

    def of(home: HomeId) -> list[tuple[str, Device]]:
        if areas is not None and ((known := places.homes.get(home)) is None or known.area not in areas):
            return []
        return [(f"{home}/{device.id}", device) for device in places.devices_of(home) if wanted(device)]

    only = None if asked.home is None else HomeId(asked.home)
    shown, following = await paging.walk(places.placed_devices.homes, of, asked.cursor, asked.limit, only)
    return Page(items=[device_shape(device, places) for device in shown], next=following)


def find_device(desk: Desk, device_id: str, home_id: str | None) -> Device:
    """404 where there is none, 422 where only the home could tell which."""
    places = desk.views.places
    homes = [h for h in places.homes_of_device(DeviceId(device_id)) if home_id in (None, h)]
    if not homes:
        raise missing(f"没有设备 {device_id[:80]}", f"there is no device {device_id[:80]}")
    if len(homes) > 1:
        said = f"devices of several homes have the id {device_id}: say which home"
        raise unprocessable("home", said, zh="多户有相同编号的设备，请指明住户")
    return places.devices[homes[0], DeviceId(device_id)]


def _shown(desk: Desk, device: Device) -> DeviceShape:
    places = desk.views.places
    latest = places.devices.get((device.home, device.id), device)
    return device_shape(latest, places, places.credentials_of(device.home, device.id))


@router.get("/devices/{device_id}", dependencies=[READ])
async def one_device(desk: OnDesk, device_id: str, asked: OfHome) -> DeviceShape:
    return _shown(desk, find_device(desk, device_id, asked.home))


@router.post("/devices", status_code=201, dependencies=[NO_QUERY], responses=EXISTS)
async def add_device(desk: OnDesk, body: DeviceBody, who: Annotated[Identity, REGISTER]) -> RegisteredDevice:
    """What the body leaves out, the model's record in the catalogue says, where it has one.

    One that is not certified is allowed, told about in `warnings`, or refused (422), as the platform is set.
    """
    warnings = _doubts(desk, HomeId(body.home), DeviceId(body.id), ModelId(body.model))
    model = desk.views.places.models.get(ModelId(body.model))
    device = Device(
        id=DeviceId(body.id),
        home=HomeId(body.home),
        model=ModelId(body.model),
        room=body.room,
        name=body.name,
        vendor=body.vendor or (model.vendor if model else ""),
        dialect=body.dialect,
        exposes=tuple(body.exposes) or (model.exposes if model else ()),
    )
    await desk.ask(RegisterDevice(device), who)
    return RegisteredDevice(**_shown(desk, device).model_dump(), warnings=warnings)


def _doubts(desk: Desk, home: HomeId, device: DeviceId, model: ModelId) -> list[Words]:
    """What is told of a device that is not certified; 422 where it is refused. The alarm process decides by the same rule."""
    places = desk.views.places
    policy = places.ruleset.uncertified
    doubt = places.certificates.doubt(model, places.firmware(home, device))
    if doubt is None or policy is Uncertified.ALLOW:
        return []
    if policy is Uncertified.REFUSED:
        raise unprocessable("model", doubt.en, place="body", zh=doubt.zh)
    return [Words.of(doubt)]


@router.patch("/devices/{device_id}")
async def change_device(
    desk: OnDesk, device_id: str, body: DevicePatch, asked: OfHome, who: Annotated[Identity, REGISTER],
) -> DeviceShape:
    async with desk.changing:
        device = changed(find_device(desk, device_id, asked.home), body)
        await desk.ask(ChangeDevice(device), who)
    return _shown(desk, device)


@router.delete("/devices/{device_id}", status_code=204)
async def retire_device(desk: OnDesk, device_id: str, asked: OfHome, who: Annotated[Identity, REGISTER]) -> None:
    device = find_device(desk, device_id, asked.home)
    await desk.ask(RetireDevice(device.home, device.id), who)


@router.post("/devices/{device_id}/credentials", status_code=201)
async def issue_credential(
    desk: OnDesk, device_id: str, asked: OfHome, who: Annotated[Identity, REGISTER], body: CredentialBody | None = None,
) -> IssuedCredential:
    """A user name and a password of 128 random bits for MQTT, shown this once. Those issued before stay valid until they are revoked."""
    device = find_device(desk, device_id, asked.home)
    places = desk.views.places
    home = places.homes.get(device.home)
    if home is None:
        raise missing(f"没有住户 {device.home}", f"there is no home {device.home}")
    wanted = body.scope if body else None
    scope = Scope(wanted) if wanted else Scope.HOME if places.is_hub(device.model) else Scope.DEVICE
    password, salt = secrets.token_urlsafe(16), secrets.token_bytes(16)
    username = f"{device.id}.{secrets.token_hex(4)}"
    credential = Credential(username, salt, digest(salt, password.encode()), scope, home.area, device.home, device.id)
    await desk.ask(IssueCredential(credential), who)
    return IssuedCredential(username=username, password=password, scope=scope)


@router.delete("/devices/{device_id}/credentials", status_code=204)
async def revoke_credentials(desk: OnDesk, device_id: str, asked: OfHome, who: Annotated[Identity, REGISTER]) -> None:
    """Every credential of the device: it is shut out at once."""
    device = find_device(desk, device_id, asked.home)
    await desk.ask(RevokeCredentials(device.home, device.id), who)


@router.get("/models", dependencies=[READ, NO_QUERY], tags=["models"])
async def models(desk: OnDesk) -> Page[ModelShape]:
    """The catalogue: what each model exposes, and how long a sound one may be quiet."""
    return Page(items=[model_shape(model) for model in desk.views.places.ruleset.models])
