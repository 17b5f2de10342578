"""The sentences of alerts: templates of rules, filled with the home, the room, the device and the reading.

Rooms and devices are called as people there call them. A few common rooms are known in both languages; any other name stands as it
was given, in both.
"""

import string
from collections.abc import Mapping
from datetime import datetime, timedelta

from alerting.rule_head import Template
from alerting.terms import Sentence
from devices.catalog import Kind
from devices.observation import UNITS, Property

_ROOMS = (
    ("卧室", "bedroom"),
    ("主卧", "main bedroom"),
    ("次卧", "second bedroom"),
    ("客厅", "living room"),
    ("厨房", "kitchen"),
    ("卫生间", "bathroom"),
    ("浴室", "bathroom"),
    ("厕所", "toilet"),
    ("阳台", "balcony"),
    ("门厅", "hall"),
    ("玄关", "hall"),
    ("走廊", "corridor"),
    ("餐厅", "dining room"),
    ("书房", "study"),
    ("床边", "bedside"),
)
_ROOM_EN = dict(_ROOMS)
_ROOM_ZH = {en: zh for zh, en in reversed(_ROOMS)}
_WORN = frozenset({"随身", "worn"})
"""Entered as the room of what a person carries: it is in no room."""

_KINDS = {
    Kind.PULL_CORD: ("拉绳", "pull cord"),
    Kind.PENDANT: ("呼叫挂坠", "pendant"),
    Kind.SMOKE: ("烟雾探测器", "smoke detector"),
    Kind.CO: ("一氧化碳探测器", "CO detector"),
    Kind.GAS: ("燃气探测器", "gas detector"),
    Kind.WATER: ("水浸探测器", "water detector"),
    Kind.DOOR: ("门磁", "door contact"),
    Kind.MOTION: ("人体传感器", "motion sensor"),
    Kind.FALL: ("跌倒探测器", "fall detector"),
    Kind.WATCH: ("手表", "watch"),
    Kind.BED: ("床垫传感器", "bed sensor"),
    Kind.METER: ("表计", "meter"),
    Kind.HUB: ("家庭网关", "home hub"),
    Kind.OTHER: ("设备", "device"),
}

FIELDS = frozenset({
    "home", "room", "of_room", "in_room", "device", "at", "value", "unit", "level", "limit", "clear", "for", "heard", "since", "count",
    "change", "score", "values",
    "area", "group", "of", "seen", "expected",
})  # fmt: skip
"""What a template may name. `of_room`: 卧室的 / ` of the bedroom`; `in_room`: 在卧室 / ` in the bedroom`; both empty without a room."""

_formatter = string.Formatter()


def fields_of(text: str) -> frozenset[str]:
    """The fields that a template names; ValueError when it is not one, or asks for more than a name: `render` fills in ready text."""
    fields = set()
    for _, name, format_, conversion in _formatter.parse(text):
        if format_ or conversion:
            raise ValueError(f"{{{name}}} stands with a format behind it; a field is written as its name alone")
        if name is not None:
            fields.add(name)
    return frozenset(fields)


def render(template: Template, fields: Mapping[str, Sentence]) -> Sentence:
    """The sentence; a field that is not given stays empty."""
    return Sentence(
        _fill(template.zh, {name: text.zh for name, text in fields.items()}),
        _fill(template.en, {name: text.en for name, text in fields.items()}),
    )


def same(text: str) -> Sentence:
    """What reads alike in both languages: a number, a name, a time."""
    return Sentence(text, text)


def place(name: str) -> dict[str, Sentence]:
    """The fields of a room; none without a name."""
    if not name:
        return {}
    plain = name.replace("_", " ").casefold()
    if plain in _WORN:
        return {"room": Sentence("随身", "worn"), "of_room": Sentence("随身的", ""), "in_room": Sentence("", "")}
    zh, en = _ROOM_ZH.get(plain, name), _ROOM_EN.get(name, plain if plain in _ROOM_ZH else name)
    en_placed = f"the {en}" if en in _ROOM_ZH else en
    return {
        "room": Sentence(zh, en),
        "of_room": Sentence(f"{zh}的", f" of {en_placed}"),
        "in_room": Sentence(f"在{zh}", f" in {en_placed}"),
    }


def device(kind: Kind, name: str) -> Sentence:
    """By its kind, with the foreign name where a hub gave it one."""
    zh, en = _KINDS[kind]
    return Sentence(f"{zh}“{name}”", f'{en} "{name}"') if name else Sentence(zh, en)


def home(name: str, residents: tuple[str, ...]) -> Sentence:
    """王桂芳家（12栋402） / the home of 王桂芳 (12栋402)."""
    if not residents:
        return Sentence(name, name)
    return Sentence(f"{'、'.join(residents)}家（{name}）", f"the home of {' and '.join(residents)} ({name})")


def reading(property_: Property, value: float) -> dict[str, Sentence]:
    """`value` and `unit` as people say them, and `level`, which is empty where there is no number: ，38 次/分 / `, 38 /min`."""
    unit, text = UNITS.get(property_, ""), number(value)
    zh = " 次/分" if unit == "/min" else unit if unit == "%" else f" {unit}"
    en = unit if unit == "%" else f" {unit}"
    return {"value": same(text), "unit": Sentence(zh, en), "level": Sentence(f"，{text}{zh}", f", {text}{en}")}


def number(value: float) -> str:
    """As short as it can be said: 38, 36.4; never an exponent."""
    text = f"{value:.2f}"
    return text.rstrip("0").rstrip(".")


def clock(at: datetime, utc_offset_minutes: int, seen_from: datetime) -> str:
    """03:12 in local time; with its day, 11-20 03:12, when that is not plainly the last one (more than 12 h away)."""
    local = at + timedelta(minutes=utc_offset_minutes)
    return f"{local:%H:%M}" if abs(seen_from - at) <= timedelta(hours=12) else f"{local:%m-%d %H:%M}"


def duration(span: timedelta) -> Sentence:
    seconds = round(span.total_seconds())
    for size, zh, en in ((86400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min")):
        if seconds >= size and (seconds % size == 0 or seconds >= 10 * size):
            return Sentence(f"{seconds // size} {zh}", f"{seconds // size} {en}")
    return Sentence(f"{seconds} 秒", f"{seconds} s")


def _fill(text: str, fields: Mapping[str, str]) -> str:
    return text.format_map(_Blank(fields))


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""
