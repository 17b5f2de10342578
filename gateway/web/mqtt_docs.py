"""`/docs/mqtt`: `/asyncapi.json` as a page that people read, with a device in three languages. It needs no other server and no script.

What it says of topics, messages and properties it reads from the document itself, so that the two cannot differ.
"""

import re
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path

import msgspec

EXAMPLES = Path(str(files("gateway.web"))) / "examples"
"""Where an installed package has them; a checkout has them at its top."""
_CHECKOUT = Path(__file__).resolve().parents[2] / "examples" / "vendor"
LANGUAGES = (
    ("starter.py", "Python", "paho-mqtt 2", "pip install paho-mqtt"),
    ("button.sh", "C (mosquitto_pub, mosquitto_sub)", "mosquitto-clients 2", "apt install mosquitto-clients"),
    ("button.mjs", "Node", "mqtt 5", "npm install mqtt@5"),
)
_SCHEMES = {"mqtt": "mqtt", "secure-mqtt": "mqtts", "ws": "ws", "wss": "wss"}


class _Info(msgspec.Struct):
    title: str
    version: str
    description: str


class _Default(msgspec.Struct):
    default: str


class _Server(msgspec.Struct):
    protocol: str
    description: str
    variables: dict[str, _Default]
    pathname: str = ""


class _Parameter(msgspec.Struct):
    description: str
    examples: tuple[str, ...] = ()


class _Channel(msgspec.Struct):
    address: str
    title: str
    parameters: dict[str, _Parameter]


class _Mqtt(msgspec.Struct):
    qos: int
    retain: bool


class _Bindings(msgspec.Struct):
    mqtt: _Mqtt


class _Link(msgspec.Struct):
    ref: str = msgspec.field(name="$ref")

    @property
    def name(self) -> str:
        return self.ref.rpartition("/")[2]


class _Operation(msgspec.Struct):
    action: str
    channel: _Link
    title: str
    bindings: _Bindings
    summary: str = ""


class _Example(msgspec.Struct):
    payload: msgspec.Raw


class _Message(msgspec.Struct):
    examples: tuple[_Example, ...] = ()
    most: int = msgspec.field(name="x-max-bytes", default=0)


class _Property(msgspec.Struct):
    type: str = ""
    description: str = ""
    minimum: float | None = None
    maximum: float | None = None
    unit: str = msgspec.field(name="x-unit", default="")


class _Schema(msgspec.Struct):
    properties: dict[str, _Property] = {}


class _Components(msgspec.Struct):
    messages: dict[str, _Message]
    schemas: dict[str, _Schema]


class _Document(msgspec.Struct):
    info: _Info
    servers: dict[str, _Server]
    channels: dict[str, _Channel]
    operations: dict[str, _Operation]
    components: _Components


def example(name: str) -> str:
    """The source of a device that passes certification; OSError where the installation lacks it."""
    folder = EXAMPLES if EXAMPLES.is_dir() else _CHECKOUT
    return (folder / name).read_text(encoding="utf-8")


@cache
def page(document: bytes) -> str:
    """Of `/asyncapi.json` as it is served."""
    said = msgspec.json.decode(document, type=_Document)
    servers = "".join(_server(name, server) for name, server in said.servers.items())
    parameters = {name: one for channel in said.channels.values() for name, one in channel.parameters.items()}
    values = said.components.schemas["Values"].properties
    body = f"""
<header><h1>设备接口 <span lang="en">What devices say and hear</span></h1>
<p>MQTT 3.1.1 / 5.0 · {escape(said.info.version)} · <a href="/asyncapi.json">asyncapi.json</a> · <a href="/docs">HTTP API</a></p></header>
<main>{"".join(f"<p lang=en>{_marked(part)}</p>" for part in said.info.description.split(chr(10) * 2))}
<h2 id="servers">连接 <span lang="en">Where to connect</span></h2><table><tbody>{servers}</tbody></table>
<h2 id="topics">主题 <span lang="en">Topics</span></h2>
<table><tbody>{"".join(_parameter(name, one) for name, one in parameters.items())}</tbody></table>
{"".join(_operation(operation, said) for operation in said.operations.values())}
<h2 id="values">属性 <span lang="en">Properties of a report, one unit each</span></h2>
<table><thead><tr><th scope="col">values</th><th scope="col">类型 <span lang="en">type</span></th>
<th scope="col">单位与范围 <span lang="en">unit and range</span></th><th scope="col">说明 <span lang="en">meaning</span></th></tr></thead>
<tbody>{"".join(_property(name, one) for name, one in values.items())}</tbody></table>
<h2 id="examples">三种语言的设备 <span lang="en">A device in three languages</span></h2>
<p>环境变量 <code>HOST PORT USERNAME PASSWORD TOPIC CA</code>；回车键即呼叫。 <span lang="en">Set these; Enter is a call. Each of the
three is a whole call button: what is not acknowledged survives a cut and a loss of power, and is sent again.</span></p>
{"".join(_source(*language) for language in LANGUAGES)}</main>"""
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<title>安居 MQTT · Anju MQTT</title><link rel="icon" href="/static/favicon/calm.svg">'
        f'<link rel="stylesheet" href="/static/css/mqtt_docs.css"></head><body>{body}\n</body></html>\n'
    )


def _server(name: str, server: _Server) -> str:
    host, port = (server.variables[part].default for part in ("host", "port"))
    url = f"{_SCHEMES.get(server.protocol, server.protocol)}://{host}:{port}{server.pathname}"
    return f'<tr><th scope="row">{escape(name)}</th><td><code>{escape(url)}</code></td><td lang="en">{escape(server.description)}</td></tr>'


def _parameter(name: str, one: _Parameter) -> str:
    shown = ", ".join(f"<code>{escape(each)}</code>" for each in one.examples)
    return f'<tr><th scope="row"><code>{{{escape(name)}}}</code></th><td lang="en">{_marked(one.description)}</td><td>{shown}</td></tr>'


def _operation(operation: _Operation, said: _Document) -> str:
    """Seen from the device, which is who reads it."""
    channel = said.channels[operation.channel.name]
    up = operation.action == "receive"
    way = '↑ 设备发布 <span lang="en">the device publishes</span>' if up else '↓ 设备订阅 <span lang="en">the device hears</span>'
    mqtt = operation.bindings.mqtt
    message = said.components.messages.get(operation.channel.name) or said.components.messages["foreign"]
    kept = '保留 <span lang="en">retained</span>' if mqtt.retain else '不保留 <span lang="en">not retained</span>'
    shown = "".join(f"<pre><code>{escape(_indented(one.payload))}</code></pre>" for one in message.examples)
    return (
        f'<section class="{"up" if up else "down"}"><h3><code>{escape(channel.address)}</code></h3>'
        f'<p class="way">{way} · QoS {mqtt.qos} · {kept} · ≤ {message.most // 1024} KiB</p>'
        f'<p lang="en">{_marked(operation.summary or operation.title)}</p>{shown}</section>'
    )


def _property(name: str, one: _Property) -> str:
    told = "" if one.description == f"In {one.unit}." else one.description
    span = "" if one.minimum is None or one.maximum is None else f"{one.minimum:g} … {one.maximum:g}"
    return (
        f'<tr><th scope="row"><code>{escape(name)}</code></th><td>{escape(one.type)}</td>'
        f'<td>{escape(f"{span} {one.unit}".strip())}</td><td lang="en">{escape(told)}</td></tr>'
    )


def _source(name: str, language: str, library: str, install: str) -> str:
    try:
        text = example(name)
    except OSError:
        return f"<p>{escape(name)}: 本机没有安装 <span lang='en'>not installed on this machine</span></p>"
    return (
        f'<details data-example="{escape(name)}"><summary>{escape(language)} <span lang="en">{escape(library)}</span></summary>'
        f"<p><code>{escape(install)}</code></p><pre><code>{escape(text)}</code></pre></details>"
    )


def _indented(payload: msgspec.Raw) -> str:
    return msgspec.json.format(bytes(payload), indent=2).decode()


def _marked(text: str) -> str:
    """`code` in a sentence."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
