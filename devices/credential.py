"""Who may say what over MQTT: one credential, its scope, and the topics that follow from it.

A device's password is 128 random bits, so one salted SHA-256 keeps it as safe as a slow hash would, and a connect storm of ten
thousand kits does not cost forty minutes of argon2.
"""

import hashlib
import hmac
from enum import StrEnum

import msgspec

from devices.home import AreaId, DeviceId, HomeId
from devices.topic import UPWARD, BridgeTopic, Channel, DeviceTopic


class Scope(StrEnum):
    DEVICE = "device"
    """Its own topics."""
    HOME = "home"
    """A hub: every device of its home, and the bridge."""
    READ = "read"
    """Another platform: receives an area's reports and status as they are committed; publishes nothing."""
    ANYWHERE = "anywhere"
    """The demo's `device` credential: publishes for any home, reads any home's `command`. Exists in `up` alone."""


class Credential(msgspec.Struct, frozen=True):
    """`area`, `home`, `device` bound the scope; those that the scope does not use are empty."""

    username: str
    salt: bytes
    digest: bytes
    scope: Scope
    area: AreaId = AreaId("")
    home: HomeId = HomeId("")
    device: DeviceId = DeviceId("")

    def verify(self, password: bytes) -> bool:
        return hmac.compare_digest(digest(self.salt, password), self.digest)

    def may_publish(self, topic: DeviceTopic | BridgeTopic) -> bool:
        if isinstance(topic, DeviceTopic) and topic.channel not in UPWARD:
            return False
        match self.scope:
            case Scope.ANYWHERE:
                return True
            case Scope.HOME:
                return topic.home == self.home and topic.area == self.area
            case Scope.DEVICE:
                return isinstance(topic, DeviceTopic) and (topic.area, topic.home, topic.device) == (self.area, self.home, self.device)
            case Scope.READ:
                return False

    def may_receive(self, topic: DeviceTopic | BridgeTopic) -> bool:
        """Whether a message on this concrete topic may be delivered to a session of this credential."""
        if self.scope is Scope.READ:
            return topic.area == self.area and isinstance(topic, DeviceTopic) and topic.channel in (
                Channel.REPORT, Channel.ALARM, Channel.STATUS,
            )
        if isinstance(topic, BridgeTopic):
            return self.scope is Scope.ANYWHERE or (self.scope is Scope.HOME and topic.home == self.home and topic.area == self.area)
        if topic.channel not in (Channel.COMMAND, Channel.STATUS):
            return False
        return self.scope is Scope.ANYWHERE or self.may_publish(
            DeviceTopic(topic.area, topic.home, topic.device, Channel.STATUS),
        )


def digest(salt: bytes, password: bytes) -> bytes:
    return hashlib.sha256(salt + password).digest()
