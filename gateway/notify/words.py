"""A notice in as many words as a way has room for: a chat message, the one sentence of an SMS or a call, the fields of a template."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from gateway.notify.channel import Notice
from gateway.notify.letter import ORIGINS, header, lines


def chat(notice: Notice, zone: ZoneInfo, most_bytes: int) -> str:
    """Everything that helps whoever goes, Chinese first, with the page to answer on last. Cut in the middle where there is no room."""
    mark_zh, mark_en = ORIGINS.get(notice.origin, ("", ""))
    mark = f"【{mark_zh} {mark_en}】" if mark_zh else ""
    head = f"{mark}{notice.title.zh} / {notice.title.en}"
    known = [f"{line.zh}：{line.value}" for line in lines(notice, zone) if line.value != notice.answer]
    middle = "\n".join([notice.reason.zh, *known, notice.why.zh, "", notice.reason.en, notice.why.en])
    end = f"\n请答复 Please answer: {notice.answer}" if notice.answer else ""
    room = most_bytes - len(f"{head}\n{end}".encode())
    return f"{head}\n{cut(middle, room)}{end}"


def cut(text: str, most_bytes: int) -> str:
    """At most so many bytes of UTF-8, no character torn; an ellipsis says that something is gone."""
    if len(text.encode()) <= most_bytes:
        return text
    return text.encode()[: max(0, most_bytes - 3)].decode("utf-8", "ignore") + "…"


def brief(notice: Notice, zone: ZoneInfo) -> str:
    """One Chinese sentence: what, where, when."""
    place = " ".join(filter(None, (notice.home_name, notice.room)))
    mark = f"【{ORIGINS[notice.origin][0]}】" if notice.origin in ORIGINS else ""
    return header(f"{mark}{place}{'：' if place else ''}{notice.title.zh}，{notice.raised_at.astimezone(zone):%H:%M}")


FIELDS = ("brief", "title", "home", "address", "room", "place", "time", "reason", "resident", "code", "alert")
"""What a variable of a provider's template may be filled with."""


def fields(notice: Notice, zone: ZoneInfo, longest: int) -> Mapping[str, str]:
    """By name, in Chinese, one line each and never empty: providers refuse an empty variable."""
    values = {
        "brief": brief(notice, zone),
        "title": notice.title.zh,
        "home": notice.home_name,
        "address": notice.address,
        "room": notice.room,
        "place": " ".join(filter(None, (notice.home_name, notice.room))),
        "time": f"{notice.raised_at.astimezone(zone):%m月%d日 %H:%M}",
        "reason": notice.reason.zh,
        "resident": "、".join(resident.name for resident in notice.residents),
        "code": notice.code,
        "alert": notice.alert,
    }
    return {name: _short(header(value), longest) or "无" for name, value in values.items()}


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
