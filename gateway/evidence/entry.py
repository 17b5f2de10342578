"""One entry of a timeline, as it is chained: a fact in the open, as far as it names nobody, and digests of what it says in words.

What is open is decided by the type of a field, so that a fact that is new keeps its words to itself until somebody decides otherwise:
numbers, instants, ids and closed lists are open; every text, sentence, address and observation is sealed, but for the few fields whose
texts are the service's own words (`OWN_WORDS`). A sealed field stands in the chain as the SHA-256 of a salt and its value; salts are made
of a key of the home, so that with the key all of them are gone, and no digest can be tried out with guesses.
"""

import hashlib
import hmac
import types
import typing
from datetime import datetime
from enum import Enum
from functools import cache
from typing import NewType, TypeGuard, cast, get_args, get_origin, get_type_hints

import msgspec

from alerting.facts import AlertFact, AlertRaised, AlertWorsened, AreaFact
from alerting.record_facts import RecordFact
from alerting.terms import SERVICE
from devices.home import SYNTHETIC_HOME

Told = AlertFact | AreaFact | RecordFact
"""What is kept as evidence."""
_TOLD = frozenset(get_args(Told))
"""Asked of every entry by its type: `isinstance` asks one kind after the other."""

Open = str | int | float | bool | None
OWN_WORDS = frozenset({"matter", "rule", "rule_version", "policy", "key", "disposition", "channel"})
_IMPLIED = frozenset({"alert", "at", "home"})
"""In every entry, under the same names."""
GAP = "gap"
"""An entry of the archive's own: the journal's files were removed before they were read."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """`n` counts the entries of its alert from 1. Instants are UTC; `boottime` in seconds since the start `boot_id` of the machine."""

    seq: int
    alert: str
    n: int
    kind: str
    """The tag of the fact."""
    home: str
    actor: str
    at: datetime
    """When it was so, in service time."""
    service_at: datetime
    wall_at: datetime
    """When it was committed, by both clocks."""
    boottime: float
    boot_id: str
    rule_version: str
    open: dict[str, Open]
    sealed: dict[str, str]
    """Digests, by field."""


_encode = msgspec.json.Encoder(order="deterministic").encode
decode = msgspec.json.Decoder(Entry).decode


def encode(entry: Entry) -> bytes:
    """What is hashed: JSON without spaces, keys in order."""
    return _encode(entry)


def is_told(entry: object) -> TypeGuard[Told]:
    """Whether it belongs in the evidence. The service's own calls do not: a thousand a day that concern nobody."""
    return type(entry) in _TOLD and cast("Told", entry).home != SYNTHETIC_HOME


def kind_of(fact: Told) -> str:
    return str(fact.__struct_config__.tag)


def subject_of(fact: Told) -> str:
    """Whose words they are: of an area's alert, those about one home are that home's."""
    member = getattr(fact, "member", "")
    return str(member or fact.home)


def open_part(fact: Told) -> dict[str, Open]:
    return {name: _plain(getattr(fact, name)) for name in _fields(type(fact))[0]}


def sealed_part(fact: Told) -> dict[str, str]:
    return {name: _encode(getattr(fact, name)).decode() for name in _fields(type(fact))[1]}


def version_of(fact: Told, before: str) -> str:
    """The version of the rule that the alert rests on from this fact on."""
    return fact.rule_version if isinstance(fact, AlertRaised | AlertWorsened) else before


def actor_of(fact: Told) -> str:
    return str(getattr(fact, "by", SERVICE))


def digest(key: bytes, seq: int, field: str, text: str) -> str:
    salt = hmac.digest(key, f"{seq}/{field}".encode(), "sha256")
    return hashlib.sha256(salt + text.encode()).hexdigest()


def link(before: bytes, body: bytes) -> bytes:
    """Of an alert's chain; `before` is empty at its beginning."""
    return hashlib.sha256(b"anju timeline 1\n" + before + body).digest()


def total(before: bytes, own: bytes) -> bytes:
    """Of the chain over all alerts, in the order of the journal: what a day is anchored by."""
    return hashlib.sha256(b"anju archive 1\n" + before + own).digest()


def _plain(value: object) -> Open:
    if isinstance(value, Enum):
        return typing.cast("Open", value.value)
    if isinstance(value, datetime):
        return value.isoformat()
    assert value is None or isinstance(value, str | int | float | bool), value
    return value


@cache
def _fields(kind: type[Told]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(open, sealed), in the order of the fact."""
    hints = get_type_hints(kind)
    names = [name for name in kind.__struct_fields__ if name not in _IMPLIED]
    opened = tuple(name for name in names if name in OWN_WORDS or _harmless(hints[name]))
    return opened, tuple(name for name in names if name not in opened)


def _harmless(hint: object) -> bool:
    if get_origin(hint) in (types.UnionType, typing.Union):
        return all(_harmless(one) for one in get_args(hint))
    if isinstance(hint, NewType):
        return True
    return isinstance(hint, type) and (hint in (int, float, bool, datetime, types.NoneType) or issubclass(hint, Enum))
