"""JSON schemas of what is sent as it stands, encoded by msgspec, and so is no shape of the web's own."""

from collections.abc import Mapping
from typing import Any

import msgspec

Schema = dict[str, Any]
_HERE = "#/components/schemas/"


def schema_of(kind: type[msgspec.Struct]) -> Schema:
    """Of a type that does not contain itself; whole, since FastAPI keeps the components of the document for its own models."""
    (found,), named = msgspec.json.schema_components((kind,), ref_template=_HERE + "{name}")
    return _whole(found, named)


def _whole(schema: Schema, named: Mapping[str, Schema]) -> Schema:
    return {key: _resolved(value, named) for key, value in schema.items() if key != "$ref"} | _meant(schema, named)


def _meant(schema: Schema, named: Mapping[str, Schema]) -> Schema:
    return _whole(named[str(schema["$ref"]).removeprefix(_HERE)], named) if "$ref" in schema else {}


def _resolved(value: object, named: Mapping[str, Schema]) -> object:
    if isinstance(value, dict):
        return _whole(value, named)
    if isinstance(value, list):
        return [_resolved(item, named) for item in value]
    return value
