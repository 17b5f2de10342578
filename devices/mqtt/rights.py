"""What one credential may say and hear, in MQTT's terms: topics it publishes on, filters it subscribes to.

A filter is granted when any topic that the credential may receive could match it, however wide it is written: `#` is a device's own
`command` and `status`, a hub's whole home, a reader's whole area. The width is never a right: each message is checked against the
credential once more when it is delivered.
"""

import msgspec

from devices.credential import Credential, Scope
from devices.mqtt.filters import meet
from devices.mqtt.packets import Option, Reason
from devices.observation import DecodeError
from devices.topic import BRIDGE, ROOT, BridgeTopic, Channel, DeviceTopic, parse

FILTER_LIMIT = 1024
"""Longest filter that is granted, in characters; no topic of the grammar comes near it but a bridged one with an absurd name."""
_REMEMBERED = 512
_SHARED = "$share/"


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What a topic is to a publisher. `channel` is None for a bridge; `refusal` is empty where it may publish."""

    channel: Channel | None
    refusal: str = ""
    code: Reason = Reason.NOT_AUTHORIZED
    """Of a refusal."""
    topic: DeviceTopic | BridgeTopic | None = None
    """As it was read to judge it, where it is not refused: nobody need read it again."""


class Rights:
    """Of one connection: verdicts on the topics that it uses are remembered, since a kit uses three of them all its life."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self._publishing: dict[str, Verdict] = {}
        self._receiving: dict[str, bool] = {}

    def publishing(self, topic: str) -> Verdict:
        verdict = self._publishing.get(topic)
        if verdict is None:
            verdict = judge(self.credential, topic)
            if len(self._publishing) >= _REMEMBERED:
                self._publishing.clear()
            self._publishing[topic] = verdict
        return verdict

    def receiving(self, topic: str) -> bool:
        allowed = self._receiving.get(topic)
        if allowed is None:
            allowed = may_receive(self.credential, topic)
            if len(self._receiving) >= _REMEMBERED:
                self._receiving.clear()
            self._receiving[topic] = allowed
        return allowed

    def grant(self, topic_filter: str, options: int, *, lasting: bool = False) -> int:
        """The code of a SUBACK: the QoS asked for, or why not, as 5.0 says it.

        A session that lasts is granted QoS 1 of what is only relayed: a restart forgets that, and with it what had been sent before.

        A shared subscription is refused alone (3.9.3), though 5.0 would allow to end the connection for it (3.2.2.3.13): what else the
        client does is worth having.
        """
        if topic_filter.startswith(_SHARED):
            return Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        if len(topic_filter) > FILTER_LIMIT:
            return Reason.TOPIC_FILTER_INVALID
        if not any(meet(topic_filter, own) for own in receivable(self.credential)):
            return Reason.NOT_AUTHORIZED
        qos = options & Option.QOS
        return min(qos, 1) if lasting and not any(meet(topic_filter, own) for own in issued(self.credential)) else qos


def judge(credential: Credential, topic: str) -> Verdict:
    try:
        parsed = parse(topic)
    except DecodeError as problem:
        return Verdict(None, str(problem), Reason.TOPIC_NAME_INVALID)
    channel = parsed.channel if isinstance(parsed, DeviceTopic) else None
    if credential.may_publish(parsed):
        return Verdict(channel, topic=parsed)
    if channel is Channel.COMMAND:
        return Verdict(channel, "command is the platform's channel: nobody else publishes on it")
    return Verdict(channel, f"these credentials ({credential.scope}) do not allow publishing here")


def may_receive(credential: Credential, topic: str) -> bool:
    try:
        parsed: DeviceTopic | BridgeTopic = parse(topic)
    except DecodeError:
        return False
    return credential.may_receive(parsed)


def issued(credential: Credential) -> tuple[str, ...]:
    """Of those filters the ones of commands: all others are of what is relayed."""
    return tuple(own for own in receivable(credential) if own.endswith((f"/{Channel.COMMAND}", f"/{BRIDGE}/#")))


def receivable(credential: Credential) -> tuple[str, ...]:
    """Filters that together match every topic the credential may receive."""
    area, home = credential.area, credential.home
    match credential.scope:
        case Scope.DEVICE:
            return tuple(f"{ROOT}/{area}/{home}/{credential.device}/{c}" for c in (Channel.COMMAND, Channel.STATUS))
        case Scope.HOME:
            return tuple(f"{ROOT}/{area}/{home}/{rest}" for rest in (f"+/{Channel.COMMAND}", f"+/{Channel.STATUS}", f"{BRIDGE}/#"))
        case Scope.READ:
            return tuple(f"{ROOT}/{area}/+/+/{c}" for c in (Channel.REPORT, Channel.ALARM, Channel.STATUS))
        case Scope.ANYWHERE:
            return tuple(f"{ROOT}/+/+/{rest}" for rest in (f"+/{Channel.COMMAND}", f"+/{Channel.STATUS}", f"{BRIDGE}/#"))
