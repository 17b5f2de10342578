"""Alerts of a home whose people were erased: what happened, when and by whose hand stays, what was said of anybody does not."""

import msgspec

from alerting.alert import Alert
from alerting.terms import Sentence
from gateway.web.viewrows import AlertRecord, Line

ERASED = Sentence("（个人信息已清除）", "(personal data erased)")
KEPT = frozenset(
    {"rule", "step", "round", "stage", "disposition", "delivered", "attempts", "channel", "into", "progress", "result", "notification"},
)
"""Of the data of a line: numbers, ids and words of closed lists."""


def bare_alert(alert: Alert) -> Alert:
    return msgspec.structs.replace(
        alert, title=ERASED, reason=ERASED, room="", evidence=(), held_reason="",
        responders=tuple(msgspec.structs.replace(r, name="") for r in alert.responders),
    )  # fmt: skip


def bare_line(line: Line) -> Line:
    return msgspec.structs.replace(line, sentence=ERASED, data={name: value for name, value in line.data.items() if name in KEPT})


def bare(record: AlertRecord) -> None:
    record.alert = bare_alert(record.alert)
    record.timeline = [bare_line(line) for line in record.timeline]
