"""A notice as a mail (RFC 5322, MIME): one subject, plain text and HTML of the same content, Chinese first and English after."""

from collections.abc import Iterable
from datetime import datetime
from email.headerregistry import HeaderRegistry, MessageIDHeader
from email.message import EmailMessage
from email.policy import SMTP
from html import escape
from typing import NamedTuple
from zoneinfo import ZoneInfo

from alerting.terms import Origin, Priority
from gateway.notify.channel import Notice, token


def _headers() -> HeaderRegistry:
    """As the library's, but what refers to another mail's id is an id as well: as free text a long one would be encoded, and lost."""
    headers = HeaderRegistry()
    for name in ("references", "in-reply-to"):
        headers.map_to_type(name, MessageIDHeader)  # type: ignore[arg-type]  # a mixin of BaseHeader by the library's own scheme
    return headers


POLICY = SMTP.clone(cte_type="7bit", header_factory=_headers())
"""CRLF, and base64 or quoted-printable in place of 8-bit bytes: any relay since 1996 takes it unchanged."""

ORIGINS = {Origin.TEST: ("测试", "TEST"), Origin.SYNTHETIC: ("自检", "SELF-CHECK"), Origin.TRAINING: ("演练", "TRAINING")}


class Line(NamedTuple):
    zh: str
    en: str
    value: str


def letter(notice: Notice, sender: str, to: tuple[str, ...], wall: datetime, zone: ZoneInfo) -> EmailMessage:
    """The mail. `zone` is the one that its readers' clocks show; instants are followed by their offset."""
    domain = sender.rpartition("@")[2]
    thread = f"<alert-{token(notice.alert)}@{domain}>"
    mail = EmailMessage(policy=POLICY)
    mail["Message-ID"] = f"<{token(notice.notification)}@{domain}>"
    mail["References"] = thread
    mail["In-Reply-To"] = thread
    mail["Date"] = wall.astimezone(zone)
    mail["From"] = f"Anju <{sender}>"
    mail["To"] = ", ".join(to)
    mail["Subject"] = subject(notice)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no "I am on holiday" in return
    mail["Content-Language"] = "zh, en"
    if notice.priority is Priority.LIFE:
        mail["Importance"] = "high"
        mail["X-Priority"] = "1"
    mail.set_content(plain(notice, zone))
    mail.add_alternative(html(notice, zone), subtype="html")
    return mail


def subject(notice: Notice) -> str:
    """Which kind, which home, in one line. Whatever could end a header's line is a space."""
    zh, en = ORIGINS.get(notice.origin, ("", ""))
    mark = f"[{zh} {en}] " if zh else ""
    home = f"{notice.home_name} · " if notice.home_name else ""
    return header(f"{mark}{home}{notice.title.zh} / {notice.title.en}")


def header(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def lines(notice: Notice, zone: ZoneInfo) -> list[Line]:
    """What is known, and nothing that is empty."""
    raised = notice.raised_at.astimezone(zone).isoformat(" ", "seconds")
    known = [
        Line("住户", "Home", notice.home_name),
        Line("地址", "Address", notice.address),
        Line("位置", "Room", notice.room),
        Line("住户电话", "Home phone", notice.phone),
        *(Line("居民", "Resident", " · ".join(filter(None, (r.name, r.phone, r.speech)))) for r in notice.residents),
        Line("发生时间", "Raised at", raised),
        Line("级别", "Priority", "" if notice.message else str(int(notice.priority))),
        Line("升级步骤", "Step", "" if notice.message else str(notice.step + 1)),
        Line("应完成", "Due", _due(notice, zone)),
        Line("区域", "Area", notice.area),
        Line("警情编号", "Alert", notice.alert),
        Line("打开", "Open", notice.link),
        Line("答复（能否前往）", "Answer (coming or not)", notice.answer),
    ]
    return [line for line in known if line.value]


def _due(notice: Notice, zone: ZoneInfo) -> str:
    due_at = notice.message.due_at if notice.message else None
    return due_at.astimezone(zone).isoformat(" ", "minutes") if due_at else ""


def plain(notice: Notice, zone: ZoneInfo) -> str:
    known = lines(notice, zone)
    zh = [notice.title.zh, notice.reason.zh, "", *(f"{line.zh}：{line.value}" for line in known), "", notice.why.zh]
    en = [notice.title.en, notice.reason.en, "", *(f"{line.en}: {line.value}" for line in known), "", notice.why.en]
    return "\n".join([*zh, "", "-" * 20, "", *en, ""])


def html(notice: Notice, zone: ZoneInfo) -> str:
    """The same, for eyes in a hurry: no picture, no style sheet from elsewhere, nothing that could be fetched."""
    known = lines(notice, zone)
    zh = _section("zh-CN", notice.title.zh, notice.reason.zh, _rows((line.zh, line.value) for line in known), notice.why.zh)
    en = _section("en", notice.title.en, notice.reason.en, _rows((line.en, line.value) for line in known), notice.why.en)
    return f'<!doctype html>\n<html lang="zh-CN"><meta charset="utf-8"><body>\n{zh}\n<hr>\n{en}\n</body></html>\n'


def _section(language: str, title: str, reason: str, rows: str, why: str) -> str:
    return (
        f'<section lang="{language}">\n<h2>{escape(title)}</h2>\n<p>{escape(reason)}</p>\n'
        f"<table>\n{rows}\n</table>\n<p>{escape(why)}</p>\n</section>"
    )


def _rows(known: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"<tr><th align=left>{escape(name)}<td>{escape(value)}" for name, value in known)
