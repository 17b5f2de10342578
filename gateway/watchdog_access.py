"""By what the watchdog comes in: a token for the stream of its own calls, a password for MQTT, a home to call from.

The token and the password are made once (`gateway.watchdog_log_in`) and lie in `watchdog.json`, readable by this user alone. The home is
registered by commands like any other, by the watchdog itself as soon as the alarm process answers; asked again, nothing is done again.
"""

import secrets
from pathlib import Path

import msgspec

from alerting import synthetic
from alerting.commands import Asked, Command, IssueCredential, RegisterArea, RegisterDevice, RegisterHome, RevokeCredentials
from alerting.refusals import Exists
from alerting.terms import SERVICE
from devices.credential import Credential, Scope, digest
from devices.home import SYNTHETIC_AREA, SYNTHETIC_DEVICE, SYNTHETIC_HOME
from gateway.control import Control

NAME = "watchdog.json"
USERNAME = "_anju-self-check"
"""Of the MQTT credential."""


class Access(msgspec.Struct, frozen=True):
    token: str
    """For `GET /stream?origin=synthetic`, and nothing else."""
    password: str
    """Of the MQTT credential `USERNAME`."""


def read(data: Path) -> Access | None:
    try:
        return msgspec.json.decode((data / NAME).read_bytes(), type=Access)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


async def register(control: Control, password: str, *, anew: bool = False) -> None:
    """The home, its device, the credential. `anew`: the credential was refused. AlarmProcessAway, IllegalTransition."""
    salt = secrets.token_bytes(16)
    credential = Credential(
        USERNAME, salt, digest(salt, password.encode()), Scope.DEVICE, SYNTHETIC_AREA, SYNTHETIC_HOME, SYNTHETIC_DEVICE,
    )  # fmt: skip
    commands: list[Command] = [RegisterArea(synthetic.PLACE), RegisterHome(synthetic.HOUSE), RegisterDevice(synthetic.CORD)]
    for command in (*commands, IssueCredential(credential)):
        try:
            await control.ask(Asked(command, SERVICE))
        except Exists:
            if anew and isinstance(command, IssueCredential):
                await control.ask(Asked(RevokeCredentials(username=USERNAME), SERVICE))
                await control.ask(Asked(command, SERVICE))
