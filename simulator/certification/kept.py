"""What a device on the bench was told once, kept in a folder from run to run, so that nobody has to tell it again each time.

`bench.toml` has user and password, and may be edited; `ca.pem` and `ca.key` are the authority, `device.pem` the device's own certificate.
"""

import secrets
from pathlib import Path

import msgspec

from config import load

FILE = "bench.toml"


class Credential(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    username: str
    password: str


def credential(folder: Path | None, username: str) -> Credential:
    """That of the folder, made at the first time; a new one without a folder. ConfigError for a file that is none, OSError."""
    if folder is None:
        return Credential(username, secrets.token_urlsafe(12))
    file = folder / FILE
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)
        file.write_text(f'username = "{username}"\npassword = "{secrets.token_urlsafe(12)}"\n')
    return load(file, Credential)
