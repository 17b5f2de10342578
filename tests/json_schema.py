"""As much of JSON Schema draft 7 as the schema of AsyncAPI uses; formats are not checked."""

import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any] | bool

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
    "null": (type(None),),
}  # fmt: skip
UNDERSTOOD = frozenset({
    "$ref", "$schema", "title", "definitions", "format", "additionalItems", "additionalProperties", "allOf", "anyOf", "const", "else",
    "enum", "exclusiveMinimum", "if", "items", "maxLength", "maximum", "minItems", "minLength", "minimum", "not", "oneOf", "pattern",
    "patternProperties", "properties", "propertyNames", "required", "then", "type", "uniqueItems",
})  # fmt: skip


def faults(value: Any, schema: Schema, root: Schema, at: str = "$") -> Iterator[str]:
    """What is wrong with the value, place by place."""
    if isinstance(schema, bool):
        if not schema:
            yield f"{at}: nothing may be here"
        return
    if "$ref" in schema:  # draft 7: whatever stands beside it does not count
        yield from faults(value, _resolved(schema["$ref"], root), root, at)
        return
    unknown = set(schema) - UNDERSTOOD
    assert not unknown, f"keywords that this validator does not know: {unknown}"
    yield from _alone(value, schema, at)
    if isinstance(value, dict):
        yield from _object(value, schema, root, at)
    if isinstance(value, list):
        items = schema.get("items", True)
        for number, item in enumerate(value):
            one = items if not isinstance(items, list) else items[number] if number < len(items) else schema.get("additionalItems", True)
            yield from faults(item, one, root, f"{at}[{number}]")
    yield from _combined(value, schema, root, at)


def _good(value: Any, schema: Schema, root: Schema) -> bool:
    return next(faults(value, schema, root), None) is None


def _resolved(ref: str, root: Schema) -> Schema:
    if ref == "http://json-schema.org/draft-07/schema#":
        return True
    found: Any = root
    for step in ref.removeprefix("#").strip("/").split("/"):
        if step:
            found = found[step.replace("~1", "/").replace("~0", "~")]
    schema: Schema = found
    return schema


def _alone(value: Any, schema: dict[str, Any], at: str) -> Iterator[str]:
    wanted = schema.get("type", [])
    names = [wanted] if isinstance(wanted, str) else wanted
    if names and not any(isinstance(value, _TYPES[n]) and (n == "boolean" or not isinstance(value, bool)) for n in names):
        yield f"{at}: {str(value)[:60]!r} is no {' or '.join(names)}"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at}: {value!r} does not match {schema['pattern']}"
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield f"{at}: {value!r} is too short or too long"
    if isinstance(value, int | float) and not isinstance(value, bool) and not _within(value, schema):
        yield f"{at}: {value} is out of bounds"
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield f"{at}: too few"
        if schema.get("uniqueItems") and len({repr(item) for item in value}) < len(value):
            yield f"{at}: one of them twice"


def _within(number: float, schema: dict[str, Any]) -> bool:
    above = "exclusiveMinimum" not in schema or number > schema["exclusiveMinimum"]
    return above and bool(schema.get("minimum", number) <= number <= schema.get("maximum", number))


def _object(value: dict[str, Any], schema: dict[str, Any], root: Schema, at: str) -> Iterator[str]:
    for name in schema.get("required", []):
        if name not in value:
            yield f"{at}: no {name}"
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, inner in value.items():
        place = f"{at}.{name}"
        yield from faults(name, schema.get("propertyNames", True), root, place)
        known = [properties[name]] if name in properties else []
        known += [one for pattern, one in patterns.items() if re.search(pattern, name)]
        for one in known or [schema.get("additionalProperties", True)]:
            yield from faults(inner, one, root, place)


def _combined(value: Any, schema: dict[str, Any], root: Schema, at: str) -> Iterator[str]:
    for one in schema.get("allOf", []):
        yield from faults(value, one, root, at)
    if "anyOf" in schema and not any(_good(value, one, root) for one in schema["anyOf"]):
        yield f"{at}: fits none of anyOf"
    if "oneOf" in schema:
        fitting = sum(_good(value, one, root) for one in schema["oneOf"])
        if fitting != 1:
            wrong = "; ".join(next(faults(value, one, root, at), "fits") for one in schema["oneOf"])
            yield f"{at}: fits {fitting} of oneOf ({wrong[:400]})"
    if "not" in schema and _good(value, schema["not"], root):
        yield f"{at}: fits what it must not"
    if "if" in schema:
        branch = "then" if _good(value, schema["if"], root) else "else"
        yield from faults(value, schema.get(branch, True), root, at)
