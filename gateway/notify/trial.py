"""A notice that says of itself that it is a test: what the doctor and the page of channels send."""

import secrets
from datetime import datetime

from alerting.terms import AlertId, Category, NotificationId, Origin, Priority, Sentence
from devices.home import AreaId, HomeId
from gateway.notify.channel import Notice


def trial(channel: str, target: str, now: datetime) -> Notice:
    """`target` is whom it is meant to reach; each has an id of its own."""
    return Notice(
        notification=NotificationId(f"test-{secrets.token_hex(8)}"), channel=channel, target=target, requested_at=now,
        alert=AlertId("test"), category=Category.TECHNICAL, priority=Priority.TECHNICAL, origin=Origin.TEST, life_safety=False,
        title=Sentence("测试通知，无需处理", "A test, nothing to be done"),
        reason=Sentence("正在检查通知渠道", "the channels are being tried out"),
        why=Sentence(f"检查“{target}”能否收到通知", f"to see whether {target!r} is reached"),
        step=0, raised_at=now, area=AreaId(""), home=HomeId(""), home_name="", address="", phone="", room="", residents=(), link="",
    )  # fmt: skip
