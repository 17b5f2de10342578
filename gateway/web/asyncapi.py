"""`/asyncapi.json`: what goes over MQTT, as AsyncAPI 3.0, made of the types that read and write it.

Seen from the service: it receives what devices publish and sends commands. What AsyncAPI has no word for (a parameter's pattern, a
property's unit) stands in `x-` fields.
"""

import msgspec

from alerting.caring.prompting import PromptPayload
from alerting.receipts import ReceiptPayload
from alerting.sirens import SirenPayload
from devices.catalog import BOUNDS, DIALECTS, WIRE
from devices.decode import BRIDGE_LIMIT, REPORT_LIMIT
from devices.observation import CALLS, HAZARDS, UNITS, Property
from devices.topic import BRIDGE, ID, ROOT, Channel
from gateway.settings import WEBSOCKET_PATH, Address, ClientCertificates, Mqtt
from gateway.web import VERSION

Document = dict[str, object]

_MQTT = "0.2.0"
"""Version of the MQTT bindings."""
_SPOKEN = "3.1.1 and 5.0"
_SCHEMAS = "#/components/schemas/{name}"
_PATTERN = "^" + ID.pattern.removesuffix("\\Z") + "$"

_DESCRIPTION = """What a device says and hears. QoS 1 or 2 reports are acknowledged only once they are on disk.

A device logs in with the user name and password that `POST /api/v1/devices/{id}/credentials` shows once, publishes on its own `report`,
`alarm`, `status` and `reply`, and subscribes to its own `command`; a hub does so for every device of its home."""

_PARAMETERS = {
    "area": "The administrative-division code (GB/T 2260) of the community that the home belongs to.",
    "home": "The home's id.",
    "device": "The device's id within its home.",
    "dialect": f"One of: {', '.join(DIALECTS)}.",
    "original": "The whole original topic, base included; it may hold slashes.",
}
_EXAMPLE = {"area": "330106001001", "home": "home-1", "device": "cord-1", "dialect": "zigbee2mqtt", "original": "zigbee2mqtt/bedroom cord"}


class _Lane(msgspec.Struct, frozen=True):
    """One channel of the grammar."""

    up: bool
    retain: bool
    schema: str
    title: str
    summary: str
    examples: tuple[Document, ...]


_LANES: dict[Channel, _Lane] = {
    Channel.REPORT: _Lane(
        True, False, "Report", "Report", "What was observed.",
        (
            {"id": "01J0000000000000000000000A", "at": "2026-11-22T10:00:00.250+08:00", "values": {"pull_cord": True, "battery": 87}},
            {"id": "r-17", "at": 1795312800250, "values": {"heart_rate": 71, "spo2": 97}},
        ),
    ),
    Channel.ALARM: _Lane(
        True, False, "Report", "Alarm",
        "The same as a report, for calls and hazards; optional, taken from a session of its own so that no backlog stands before it.",
        ({"id": "a-1", "values": {"smoke": True}},),
    ),
    Channel.STATUS: _Lane(
        True, True, "Status", "Status", "Whether the device is there; also its will.",
        ({"status": "online", "model": "a-cord", "firmware": "1.2"}, {"status": "offline"}),
    ),
    Channel.COMMAND: _Lane(
        False, False, "Command", "Command",
        "A receipt: how far the call for help has come. `accepted` is sent once the alert is on disk, never before. "
        "A siren is told `command: siren` with `state` on or off and `seconds` (the schema Siren); what has a voice or a screen "
        "is told `command: prompt` with the words to say (the schema Prompt), and answers with a reply.",
        ({"id": "c-1", "command": "receipt", "alert": "01J0000000000000000000000B", "stage": "accepted"},),
    ),
    Channel.REPLY: _Lane(
        True, False, "Reply", "Reply", "What became of a command.",
        ({"id": "c-1", "result": "done"}, {"id": "c-1", "error": "no speaker"}),
    ),
}  # fmt: skip


def document(mqtt: Mqtt) -> Document:
    """The whole document; `mqtt` says where kits connect."""
    channels: Document = {channel.value: _channel(channel, lane) for channel, lane in _LANES.items()}
    channels["bridge"] = {
        "address": f"{ROOT}/{{area}}/{{home}}/{BRIDGE}/{{dialect}}/{{original}}",
        "title": "A foreign dialect, carried unchanged",
        "description": "One bridge line in the home hub's own broker does this; commands go out on the topic that the dialect itself uses.",
        "messages": {"foreign": {"$ref": "#/components/messages/foreign"}},
        "parameters": _parameters("area", "home", "dialect", "original"),
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Anju: what devices say and hear", "version": VERSION, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": _servers(mqtt),
        "channels": channels,
        "operations": _operations(),
        "components": {
            "securitySchemes": {
                "credential": {"type": "userPassword", "description": "One for each device, or one for a home's hub."},
                "certificate": {"type": "X509", "description": "A client certificate whose common name is the credential's user name."},
            },
            "messages": {**{channel.value: _message(lane) for channel, lane in _LANES.items()}, "foreign": _foreign()},
            "schemas": _schemas(),
        },
    }


def _channel(channel: Channel, lane: _Lane) -> Document:
    return {
        "address": f"{ROOT}/{{area}}/{{home}}/{{device}}/{channel.value}",
        "title": lane.title,
        "messages": {channel.value: {"$ref": f"#/components/messages/{channel.value}"}},
        "parameters": _parameters("area", "home", "device"),
    }


def _servers(mqtt: Mqtt) -> Document:
    """Every way in; all channels are on each of them."""
    password: Document = {"$ref": "#/components/securitySchemes/credential"}
    certificate: Document = {"$ref": "#/components/securitySchemes/certificate"}
    found: Document = {}

    def add(name: str, protocol: str, address: Address, security: list[Document], *, websocket: bool) -> None:
        found[name] = {
            "host": "{host}:{port}",
            "protocol": protocol,
            "description": f"The endpoint that kits connect to, MQTT {_SPOKEN}{' within WebSocket' if websocket else ''}.",
            "variables": {"host": {"default": address.host}, "port": {"default": str(address.port)}},
            "security": security,
        } | ({"pathname": WEBSOCKET_PATH} if websocket else {})

    for address in mqtt.addresses:
        if address.plain:
            add("kits", "mqtt", address, [password], websocket=False)
            add("kits-websocket", "ws", address, [password], websocket=True)
        if address.tls and mqtt.tls is not None:
            offered = [password] if mqtt.tls.client_certificates is not ClientCertificates.REQUIRED else []
            offered += [certificate] if mqtt.tls.client_certificates is not ClientCertificates.NONE else []
            add("kits-tls", "secure-mqtt", address, offered, websocket=False)
            add("kits-websocket-tls", "wss", address, offered, websocket=True)
    return found


def _parameters(*names: str) -> Document:
    return {
        name: {"description": _PARAMETERS[name], "examples": [_EXAMPLE[name]]} | ({} if name == "original" else {"x-pattern": _PATTERN})
        for name in names
    }


def _operations() -> Document:
    operations: Document = {}
    for channel, lane in _LANES.items():
        operation: Document = {
            "action": "receive" if lane.up else "send",
            "channel": {"$ref": f"#/channels/{channel.value}"},
            "title": lane.title,
            "summary": lane.summary,
            "messages": [{"$ref": f"#/channels/{channel.value}/messages/{channel.value}"}],
            "bindings": _bindings(retain=lane.retain),
        }
        if channel is Channel.COMMAND:
            operation["reply"] = {"channel": {"$ref": "#/channels/reply"}, "messages": [{"$ref": "#/channels/reply/messages/reply"}]}
        operations[("receive_" if lane.up else "send_") + channel.value] = operation
    for action, title in (("receive", "What a hub's own broker carries"), ("send", "A command in the hub's own dialect")):
        operations[f"{action}_bridged"] = {
            "action": action,
            "channel": {"$ref": "#/channels/bridge"},
            "title": title,
            "messages": [{"$ref": "#/channels/bridge/messages/foreign"}],
            "bindings": _bindings(retain=False),
        }
    return operations


def _bindings(*, retain: bool) -> Document:
    return {"mqtt": {"qos": 1, "retain": retain, "bindingVersion": _MQTT}}


def _message(lane: _Lane) -> Document:
    return {
        "name": lane.title,
        "title": lane.title,
        "summary": lane.summary,
        "contentType": "application/json",
        "payload": {"$ref": _SCHEMAS.format(name=lane.schema)},
        "examples": [{"payload": example} for example in lane.examples],
        "x-max-bytes": REPORT_LIMIT,
    }


def _foreign() -> Document:
    return {
        "name": "Foreign",
        "title": "A message of the dialect",
        "summary": "Whatever the dialect says, byte for byte.",
        "payload": {},
        "x-max-bytes": BRIDGE_LIMIT,
    }


def _schemas() -> Document:
    """Of the types themselves, under the names that people read; the values of a report, one by one."""
    types: dict[type[msgspec.Struct], str] = {
        WIRE[Channel.REPORT]: "Report", WIRE[Channel.STATUS]: "Status", WIRE[Channel.REPLY]: "Reply", ReceiptPayload: "Command",
        SirenPayload: "Siren",
        PromptPayload: "Prompt",
    }  # fmt: skip
    _, found = msgspec.json.schema_components(types, ref_template=_SCHEMAS)
    named = {type_.__name__: name for type_, name in types.items()}
    schemas: dict[str, Document] = {named.get(name, name): schema | {"title": named.get(name, name)} for name, schema in found.items()}
    report = schemas["Report"]
    schemas["Report"] = report | {
        "required": ["values"],
        "properties": _told(report) | {"values": {"$ref": _SCHEMAS.format(name="Values")}},
    }
    schemas["Values"] = {
        "title": "Values",
        "description": "Each property in its one unit. An unknown one is kept and ignored by rules.",
        "type": "object",
        "properties": {property_.value: _property(property_) for property_ in Property},
        "additionalProperties": True,
    }
    return dict(schemas)


_TOLD = {
    "id": "Unique within the device: a repeated id is the same report, delivered again. Missing: made of topic, `at` and payload.",
    "at": "RFC 3339 with offset, or whole milliseconds since 1970. Missing or absurd: the time of receipt stands.",
}


def _told(report: Document) -> Document:
    properties = report["properties"]
    assert isinstance(properties, dict)
    return {name: schema | {"description": _TOLD[name]} for name, schema in properties.items() if name in _TOLD}


def _property(property_: Property) -> Document:
    unit = UNITS.get(property_)
    if unit is None:
        urgent = "a call for help" if property_ in CALLS else "a hazard" if property_ in HAZARDS else ""
        told: Document = {"description": f"True is {urgent}: it has the right of way."} if urgent else {}
        return {"type": "boolean", **told}
    least, most = BOUNDS[property_]
    return {"type": "number", "minimum": least, "maximum": most, "x-unit": unit, "description": f"In {unit}." if unit else "A count."}
