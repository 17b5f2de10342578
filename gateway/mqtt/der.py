"""The few fields that are needed of an X.509 certificate, read from its DER: number, issuer, end (RFC 5280, 4.1).

What the standard library verifies it does not let one read; a library that reads all of X.509 costs the alarm process 15 MiB.
Certificates are judged by OpenSSL. Here they were judged already, or are our own.
"""

import base64
import binascii
import re
from datetime import UTC, datetime

import msgspec

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_INTEGER, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x02, 0x17, 0x18, 0xA0


class Issued(msgspec.Struct, frozen=True):
    """One certificate among all: who issued it (the name's DER) and its number there."""

    issuer: bytes
    serial: int


class Certificate(msgspec.Struct, frozen=True):
    issued: Issued
    not_after: datetime


def certificates(pem: bytes) -> list[Certificate]:
    """Of a PEM file, in order. ValueError when something in it is no certificate."""
    try:
        return [certificate(base64.b64decode(b"".join(found.split()), validate=True)) for found in _PEM.findall(pem)]
    except binascii.Error as problem:
        raise ValueError(f"not base64: {problem}") from problem


def certificate(der: bytes) -> Certificate:
    """ValueError for what is none."""
    try:
        _, at, _ = _element(der, 0)
        _, at, _ = _element(der, at)
        if der[at] == _VERSION:
            at = _element(der, at)[2]
        tag, start, end = _element(der, at)
        if tag != _INTEGER:
            raise ValueError("no certificate: its number is missing")
        serial = int.from_bytes(der[start:end], "big", signed=True)
        issuer = _element(der, end)[2]
        validity = _element(der, issuer)[2]
        _, begins, _ = _element(der, validity)
        tag, start, end = _element(der, _element(der, begins)[2])
    except IndexError as problem:
        raise ValueError("a certificate that is cut short") from problem
    return Certificate(Issued(der[issuer:validity], serial), _time(tag, der[start:end].decode("ascii")))


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """(tag, where its content starts, the index behind it) of the element at an index. IndexError past the end."""
    tag, size, start = der[at], der[at + 1], at + 2
    if size >= 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[at + 2 : start], "big")
    if start + size > len(der):
        raise IndexError
    return tag, start, start + size


def _time(tag: int, text: str) -> datetime:
    """RFC 5280, 4.1.2.5: always Z; of two digits, those under 50 are of this century."""
    if tag == _UTC_TIME:
        text = ("20" if text < "50" else "19") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("no certificate: its end is missing")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
