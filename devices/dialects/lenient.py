"""JSON as devices really send it: read as far as it can be read, with what was wrong, and never an exception but DecodeError.

The second reader, for what the strict one refused: a repeated key, NaN, 1e400, a broken letter, a NUL behind the last brace. It
tells them apart instead of giving up, because the next value may be a call for help. Ten times slower, and rarely used.
"""

import json
import re

from devices.observation import DecodeError, Problem


class Members(list[tuple[str, object]]):
    """A JSON object as its members in their order, the repeated ones too."""


def _integer(digits: str) -> int | float:
    # int() of thousands of digits is slow and refused past 4,300; as a float such a number is out of every range, or infinite.
    return int(digits) if len(digits) <= 18 else float(digits)


_read = json.JSONDecoder(object_pairs_hook=Members, parse_int=_integer, parse_constant=float, strict=False)


def read(payload: bytes) -> tuple[object, list[Problem]]:
    """The value (objects as Members) and what had to be forgiven; DecodeError when it is not JSON at all."""
    problems = []
    try:
        text = payload.decode()
    except UnicodeDecodeError as wrong:
        problems.append(Problem("payload", f"byte {wrong.start} is not UTF-8"))
        text = payload.decode(errors="replace")
    sound = text.strip("\0\ufeff \t\r\n")
    if "\0" in text:
        problems.append(Problem("payload", "a NUL character"))
    if not sound:
        raise DecodeError("payload", "empty")
    try:
        value, end = _read.raw_decode(sound)
        if "\\u" in sound:
            value = _encodable(value)
    except RecursionError:
        raise DecodeError("payload", "nested too deeply") from None
    except ValueError as wrong:
        raise DecodeError("payload", f"not JSON: {wrong}"[:200]) from None
    if end != len(sound):
        problems.append(Problem("payload", f"something follows the JSON text at character {end}"))
    return value, problems


def _encodable(value: object) -> object:
    r"""The same with half a surrogate pair (`\ud800`, which JSON can say and no encoding can hold) as U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Members):
        return Members((str(_encodable(name)), _encodable(member)) for name, member in value)
    if isinstance(value, list):
        return [_encodable(member) for member in value]
    return value


_PAIR = re.compile(
    rb"""(?: ["']([A-Za-z0-9_]{1,64})["'] | [{,] \s{0,8} ([A-Za-z0-9_]{1,64}+) ) \s{0,8} : \s{0,8}
    (?: (true|false|null|-?[0-9][0-9.eE+-]{0,30}) \b | (t|tr|tru) \Z | ["']([^"'\\]{0,64})["'] )""",
    re.VERBOSE | re.IGNORECASE,
)


def scan(payload: bytes) -> list[tuple[str, str]]:
    """`"name": value` wherever it stands in a text that cannot be read, both as text.

    Also a name without quotes, the letters of UTF-16 with a NUL beside each, and a `true` that was cut off: nothing else begins with a t.
    """
    return [
        ((name or plain).decode(), "true" if cut else (bare or quoted).decode(errors="replace"))
        for name, plain, bare, cut, quoted in _PAIR.findall(payload.replace(b"\0", b""))
    ]  # fmt: skip
