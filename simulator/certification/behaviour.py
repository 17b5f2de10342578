"""How the bench's endpoint behaves: a correct server unless a procedure says otherwise, one word for each way of being wrong."""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

import msgspec

from devices.mqtt.packets import Packet
from devices.mqtt.properties import NONE, Properties
from simulator.certification.trace import Passed

ZERO = timedelta(0)


class Deal(StrEnum):
    """What becomes of one packet from the device."""

    USUAL = "usual"
    IGNORE = "ignore"
    """It is seen, and not answered."""
    CUT = "cut"
    """It is seen, then the connection is cut, without an answer."""
    ANSWER_AND_CUT = "answer_and_cut"


class Certificate(StrEnum):
    """What the endpoint shows in TLS."""

    SOUND = "sound"
    UNTRUSTED = "untrusted"
    """Signed by nobody that the device was told to trust."""
    EXPIRED = "expired"
    WRONG_NAME = "wrong_name"
    """Sound, of another server."""


class Rule(msgspec.Struct):
    """The next `times` packets that `match` are dealt with so."""

    match: Callable[[Passed], object]
    deal: Deal
    times: int = 1


class Behaviour(msgspec.Struct):
    """Set by procedures, put back before each clause."""

    reachable: bool = True
    """False: no connection comes about, those that are there end."""
    address: int = 0
    """Where the server's name leads. Another number: another place, and nobody is left at the one before. Virtual time alone."""
    certificate: Certificate = Certificate.SOUND
    knows_the_device: bool = True
    """Whether the device's own certificate is taken."""
    bytes_per_frame: int = 0
    """Of a WebSocket, to the device; 0: all in one."""
    mute: bool = False
    """Half-open: whatever comes is seen by nobody's answer, sockets stay."""
    refuse: int = 0
    """CONNACK code instead of a welcome: of the version that the device speaks."""
    session_present: bool | None = None
    """What CONNACK says of the session, if not the truth."""
    welcome: Properties = NONE
    """Of CONNACK, in 5.0."""
    acknowledge: bool = True
    """False: PUBACK and PUBREC are held until `Endpoint.release`."""
    acknowledge_after: timedelta = ZERO
    acknowledge_as: Callable[[int], int] | None = None
    """The packet identifier that PUBACK names, if not the right one."""
    acknowledge_code: int = 0
    """In 5.0."""
    pings: bool = True
    """Whether PINGREQ is answered."""
    grant: int | None = None
    """The code of every SUBACK, if not what was asked."""
    receipts: bool = True
    """`accepted` follows each new alarm, after `receipt_after`."""
    receipt_after: timedelta = timedelta(milliseconds=200)
    retained: bytes = b""
    """A retained command: it comes behind every SUBACK."""
    check_credentials: bool = True
    delay_up: timedelta = ZERO
    delay_down: timedelta = ZERO
    bytes_per_second: int = 0
    """Each way; 0: as fast as it goes."""
    twice: bool = False
    """Every packet to the device goes twice."""
    swap: bool = False
    """Every two packets to the device change places."""
    corrupt: Callable[[Packet, bytes], bytes] | None = None
    """What is sent in the place of a packet's bytes."""
    cut_after_bytes: int | None = None
    """The connection ends when so many more bytes have come from the device, in the middle of whatever that is."""
    rules: list[Rule] = []
