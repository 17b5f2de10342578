"""Compares what a file says with the type it is to become, and names every difference, not only the first.

A wrong value is left out of what is handed on, so that its default stands in and the rest can still be looked at.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Union, get_args, get_origin, is_typeddict

import msgspec

_AT = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<key>.*)`)?$", re.DOTALL)


class Difference(msgspec.Struct, frozen=True):
    """`key` as in `rule[0].title.zh`; empty for the whole file."""

    key: str
    reason: str


class _Gone(msgspec.Struct, frozen=True):
    """Stands for a value that cannot be used."""


GONE = _Gone()


def compare(raw: object, type_: object) -> tuple[object, list[Difference]]:
    """What is left of `raw` when all that does not fit `type_` is taken out (GONE when nothing is), and what did not fit."""
    found: list[Difference] = []
    return _walk(raw, type_, "", found), found


def refusal(value: object, type_: object, key: str) -> Difference | None:
    """Why msgspec does not take `value`, at the inner key that it names."""
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as problem:
        match = _AT.match(str(problem))
        inner = (match["key"] or "").removeprefix("$") if match else ""
        reason = match["reason"] if match else str(problem)
        return Difference((key + inner).removeprefix("."), reason + _meant(value, type_))
    return None


def _walk(value: object, type_: object, at: str, found: list[Difference]) -> object:
    bare = get_args(type_)[0] if get_origin(type_) is Annotated else type_
    struct = _struct_for(value, bare)
    if struct is not None and isinstance(value, dict):
        kept: object = _walk_struct(value, struct, at, found)
    elif isinstance(value, list) and get_origin(bare) in (list, tuple):
        inner = _element(bare)
        walked = [_walk(item, inner, f"{at}[{index}]", found) for index, item in enumerate(value)]
        kept = [item for item in walked if item is not GONE]
        if len(kept) < len(walked):
            return kept
    elif isinstance(value, dict) and get_origin(bare) is dict:
        kept = table = _walk_table(value, bare, at, found)
        if len(table) < len(value):
            return kept
    else:
        kept = value
    if kept is GONE:
        return GONE
    wrong = refusal(kept, type_, at)
    if wrong is None:
        return kept
    found.append(wrong)
    return GONE


def _walk_struct(value: dict[str, object], struct: type[msgspec.Struct], at: str, found: list[Difference]) -> object:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    tag = struct.__struct_config__.tag_field
    known = [*fields, *([tag] if tag else [])]
    kept: dict[str, object] = {}
    for key, inner in value.items():
        here = f"{at}.{key}" if at else key
        if key in fields:
            walked = _walk(inner, fields[key].type, here, found)
            if walked is not GONE:
                kept[key] = walked
        elif key == tag:
            kept[key] = inner
        else:
            found.append(Difference(here, "is not a key that is known here" + _near(key, known)))
    missing = [name for name, field in fields.items() if field.required and name not in kept]
    found.extend(Difference(at, f"Object missing required field `{name}`") for name in missing if name not in value)
    return GONE if missing else kept


def _walk_table(value: dict[str, object], type_: object, at: str, found: list[Difference]) -> dict[str, object]:
    """A table whose keys are the file's own, or words of a closed list."""
    key, inner = get_args(type_)
    kept: dict[str, object] = {}
    for name, item in value.items():
        here = f"{at}.{name}" if at else name
        wrong = refusal(name, key, here)
        if wrong is not None:
            found.append(wrong)
        elif (walked := _walk(item, inner, here, found)) is not GONE:
            kept[name] = walked
    return kept


def _struct_for(value: object, type_: object) -> type[msgspec.Struct] | None:
    """The one struct that a table is to become; None where there is none, or its tag names none."""
    options = [option for option in _options(type_) if isinstance(option, type) and issubclass(option, msgspec.Struct)]
    if len(options) == 1:
        return options[0]
    for option in options:
        config = option.__struct_config__
        if isinstance(value, dict) and config.tag_field and value.get(config.tag_field) == config.tag:
            return option
    return None


def _options(type_: object) -> Iterator[object]:
    if get_origin(type_) in (Union, UnionType):
        for inner in get_args(type_):
            yield from _options(inner)
    elif type_ is not NoneType and not is_typeddict(type_):
        yield type_


def _element(type_: object) -> object:
    return get_args(type_)[0] if get_args(type_) else object


def _meant(value: object, type_: object) -> str:
    bare = get_args(type_)[0] if get_origin(type_) is Annotated else type_
    words = [str(member.value) for option in _options(bare) if isinstance(option, type) and issubclass(option, Enum) for member in option]
    if isinstance(value, str) and words:
        return _near(value, words)
    options = [option for option in _options(bare) if isinstance(option, type) and issubclass(option, msgspec.Struct)]
    tags = {str(option.__struct_config__.tag): option.__struct_config__.tag_field for option in options if option.__struct_config__.tag}
    if isinstance(value, dict) and tags:
        said = value.get(next(iter(tags.values())))
        return _near(said, list(tags)) if isinstance(said, str) and said not in tags else ""
    return ""


def _near(word: str, known: list[str]) -> str:
    near = get_close_matches(word, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""
