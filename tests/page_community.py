"""An invented community for the page's tests: homes, residents, contacts, devices, readings and alerts of every kind.

All names, places and numbers are made up.
"""

import math
from datetime import datetime, timedelta

Json = dict[str, object]

AREA, AREA_NAME = "330599001", "安和社区"

_HOMES: list[tuple[str, str, str, int, str, str, str]] = [
    # id, name, resident, birth year, medical, speech, access
    ("h-0402", "12 栋 3 单元 402", "王秀英", 1941, "高血压，冠心病；服华法林", "重听，请说慢；讲方言", "四楼无电梯；门口有钥匙盒"),
    ("h-0101", "7 栋 1 单元 101", "李国强", 1938, "慢阻肺，夜间吸氧", "普通话，吐字不清", "一楼，院里有狗"),
    ("h-0603", "3 栋 2 单元 603", "陈桂兰", 1945, "糖尿病，视力差", "普通话", "电梯到六楼左手边"),
    ("h-0202", "9 栋 1 单元 202", "赵德顺", 1936, "帕金森", "听力好，说话慢", "二楼，大门密码问网格员"),
    ("h-0501", "5 栋 4 单元 501", "孙玉珍", 1943, "心房颤动，装有起搏器", "只会方言", "五楼，电梯夜间停用"),
    ("h-0304", "1 栋 2 单元 304", "周福来", 1940, "", "普通话", "三楼"),
    ("h-0102", "11 栋 2 单元 102", "吴月娥", 1939, "轻度认知障碍", "爱说话，容易跑题", "一楼，后门常开"),
    ("h-0701", "6 栋 1 单元 701", "郑长贵", 1947, "", "普通话", "七楼有电梯"),
    ("h-0203", "2 栋 3 单元 203", "钱素芬", 1944, "关节置换", "重听，戴助听器", "二楼"),
    ("h-0601", "8 栋 2 单元 601", "冯宝山", 1942, "", "普通话", "六楼无电梯"),
]


def homes() -> dict[str, Json]:
    """Every home as `GET /homes/{id}` answers it."""
    found: dict[str, Json] = {}
    for number, (home, name, who, year, medical, speech, access) in enumerate(_HOMES):
        phones = [f"1990000{number:02d}{i:02d}" for i in range(5)]
        found[home] = {
            "id": home, "area": AREA, "area_name": AREA_NAME, "name": name, "address": f"云溪县安和路 18 号安和社区 {name}",
            "phone": f"0579-5550{number:02d}0", "access": access, "note": "", "mode": at_home(home),
            "residents": [_person(f"{home}-r", home, "resident", who, phones[0], 0, year, medical, speech)],
            "contacts": [
                _person(f"{home}-1", home, "family", f"{who[0]}小军", phones[1], 1, note="儿子，县城，二十分钟"),
                _person(f"{home}-2", home, "neighbour", "林阿姨", phones[2], 2, note="对门，有钥匙"),
                _person(f"{home}-3", home, "grid_worker", "何静", phones[3], 3, note="工作日白天"),
            ],
            "devices": [
                _device(f"{home}-cord", home, "SR-PC01", "bathroom", ["pull_cord", "battery"], 12 if number == 9 else 87),
                _device(f"{home}-smoke", home, "SR-SM02", "kitchen", ["smoke", "smoke_density", "temperature", "battery"], 64),
                _device(f"{home}-watch", home, "SR-W3", "", ["heart_rate", "spo2", "steps", "fall", "sos", "battery"], 41),
                _device(f"{home}-motion", home, "SR-M01", "living_room", ["occupancy", "battery"], 93),
                _device(f"{home}-door", home, "SR-D01", "hall", ["contact_open", "battery"], 78, online=number != 8),
            ],
            "open_alerts": [],
        }  # fmt: skip
    return found


def _person(  # noqa: PLR0917 - a row of the table above
    person: str, home: str, role: str, name: str, phone: str, order: int,
    year: int | None = None, medical: str = "", speech: str = "", note: str = "",
) -> Json:  # fmt: skip
    return {
        "id": person, "home": home, "role": role, "name": name, "phone": phone, "order": order, "birth_year": year,
        "medical": medical, "speech": speech, "note": note,
    }  # fmt: skip


def _device(  # noqa: PLR0917 - a row of the table above
    device: str, home: str, model: str, room: str, exposes: list[str], battery: int, *, online: bool = True
) -> Json:
    return {
        "id": device, "home": home, "area": AREA, "model": model, "vendor": "示例", "dialect": "anju", "room": room, "name": "",
        "exposes": exposes, "lifecycle": "registered", "registered_at": "2026-09-01T00:00:00Z", "online": online,
        "last_heard_at": "2026-11-21T18:50:00Z", "battery": battery, "signal": None, "firmware": "1.4.2", "credentials": [],
    }  # fmt: skip


def resident(home: str) -> str:
    return next(row[2] for row in _HOMES if row[0] == home)


def at_home(home: str) -> Json:
    """The mode of a home where nothing else was said."""
    return {
        "home": home, "home_name": home_name(home), "mode": "home", "since": None, "until": None, "by": None, "reason": "", "ending": False,
    }  # fmt: skip


def home_name(home: str) -> str:
    return next(row[1] for row in _HOMES if row[0] == home)


def samples(property_: str, start: datetime, end: datetime) -> list[Json]:
    """Plausible readings: a pulse that climbs before the alarm, a kitchen that warms up, a person who walks about."""
    out: list[Json] = []
    at = start
    minute = 0
    while at < end:
        wave = math.sin(minute / 5) + math.sin(minute / 1.7) / 2
        value: float | bool
        match property_:
            case "heart_rate":
                value = round(72 + 3 * wave + max(0, minute - 46) * 2.4)
            case "spo2":
                value = round(96 + wave - max(0, minute - 50) * 0.4)
            case "temperature":
                value = round(19.5 + 0.2 * wave + max(0, minute - 50) * 0.9, 1)
            case "smoke_density":
                value = round(max(0.0, 0.01 + (minute - 52) * 0.03), 2)
            case "steps":
                value = min(minute, 40) * 9
            case "battery":
                value = 87
            case "occupancy":
                value = minute % 17 in (2, 3, 4, 5, 9, 10) and minute < 52
            case "contact_open":
                value = minute in (21, 22)
            case _:
                value = minute >= 59
        out.append({"at": stamp(at), "value": value})
        at += timedelta(minutes=1)
        minute += 1
    return out


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


KINDS: dict[str, tuple[int, str, str, str, str, str, str]] = {
    # category: priority, title, title_en, reason, reason_en, property, device
    "call_for_help": (
        1, "卫生间拉绳呼救", "Bathroom cord pulled",
        "卫生间的拉绳被拉动。", "The cord in the bathroom was pulled.", "pull_cord", "cord",
    ),
    "fire": (
        1, "厨房烟雾报警", "Smoke in the kitchen",
        "厨房烟感报烟，烟雾浓度持续上升。", "The kitchen detector reports smoke, and more of it.", "smoke", "smoke",
    ),
    "fall": (
        1, "疑似跌倒", "Probable fall",
        "手环报跌倒，之后两分钟没有活动。", "The watch reports a fall, and no movement since.", "fall", "watch",
    ),
    "gas": (
        1, "燃气泄漏报警", "Gas alarm",
        "厨房燃气探测器报警。", "The gas detector in the kitchen sounds.", "gas_alarm", "smoke",
    ),
    "health": (
        2, "心率过低：38 次/分", "Heart rate low: 38 /min",
        "心率 38 次/分，低于 40（仅部分体征）。", "Heart rate 38 /min, below 40 (partial data).", "heart_rate", "watch",
    ),
    "inactivity": (
        2, "5 小时没有活动", "No movement for 5 hours",
        "白天 5 小时没有任何活动。", "No movement at all for 5 hours of daytime.", "occupancy", "motion",
    ),
    "wandering": (
        2, "夜间出门未归", "Out at night",
        "02:10 门开后没有再回来。", "The door opened at 02:10, and nobody came back.", "contact_open", "door",
    ),
    "water": (
        2, "卫生间漏水", "Water leak in the bathroom",
        "水浸传感器报漏水。", "The leak sensor reports water.", "water_leak", "cord",
    ),
    "intrusion": (
        3, "外出时门被打开", "Door opened while away",
        "住户外出期间门被打开。", "The door opened while the home was away.", "contact_open", "door",
    ),
    "technical": (
        4, "拉绳电量低", "Cord battery low",
        "拉绳电量 12%。", "The cord's battery stands at 12 %.", "battery_low", "cord",
    ),
}  # fmt: skip
