"""Credentials with the right `read` on an area: another platform hears its reports and status over MQTT as they are committed."""

import asyncio
import secrets
from typing import Annotated

from fastapi import APIRouter

from alerting.commands import IssueCredential, RevokeCredentials
from devices.credential import Credential, Scope, digest
from devices.home import AreaId
from gateway.web.auth import REGISTER, Identity
from gateway.web.desk import Desk, OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.problems import ProblemDetails, missing
from gateway.web.shapes import IssuedCredential

router = APIRouter(tags=["areas"], responses={404: {"model": ProblemDetails}})


def _prefix(area: str) -> str:
    """No device's user name begins so: theirs begin with an id, which holds no dot."""
    return f"read.{area}."


def _known(desk: Desk, area: str) -> AreaId:
    if AreaId(area) not in desk.views.places.areas:
        raise missing(f"没有区域 {area[:80]}", f"there is no area {area[:80]}")
    return AreaId(area)


@router.post("/areas/{area_id}/credentials", status_code=201, dependencies=[NO_QUERY])
async def issue_reader(desk: OnDesk, area_id: str, who: Annotated[Identity, REGISTER]) -> IssuedCredential:
    """A user name and a password of 128 random bits, shown this once. It may subscribe to `report`, `alarm` and `status` of the area.

    The right is on this one area, the community that homes belong to, and on none below it.
    """
    area = _known(desk, area_id)
    password, salt = secrets.token_urlsafe(16), secrets.token_bytes(16)
    username = _prefix(area) + secrets.token_hex(4)
    await desk.ask(IssueCredential(Credential(username, salt, digest(salt, password.encode()), Scope.READ, area)), who)
    return IssuedCredential(username=username, password=password, scope=Scope.READ)


@router.delete("/areas/{area_id}/credentials", status_code=204, dependencies=[NO_QUERY])
async def revoke_readers(desk: OnDesk, area_id: str, who: Annotated[Identity, REGISTER]) -> None:
    """Every reader of the area is shut out, those that are connected at once."""
    prefix = _prefix(_known(desk, area_id))
    readers = [c.username for c in desk.views.places.credentials.values() if c.scope is Scope.READ and c.username.startswith(prefix)]
    await asyncio.gather(*(desk.ask(RevokeCredentials(username=username), who) for username in readers))
