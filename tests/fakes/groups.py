"""Fakes of the three group robots, written after their public documents and not after our code. No such provider is reached by a test.

WeCom: developer.work.weixin.qq.com/document/path/91770. DingTalk: open.dingtalk.com, "custom robot access". Feishu: open.feishu.cn,
"custom bot usage guide".
"""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from tests.fakes.provider import Json, Provider
from tests.notices import Hit

OK = "200 OK"


class FakeWeCom(Provider):
    """20 messages a minute; text of at most 2,048 bytes."""

    key = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"

    def judge(self, hit: Hit) -> tuple[str, Json]:
        url = urlsplit(hit.target)
        if url.path != "/cgi-bin/webhook/send" or parse_qs(url.query).get("key") != [self.key]:
            return OK, {"errcode": 93000, "errmsg": "invalid webhook url"}
        message = json.loads(hit.body)
        if message["msgtype"] != "text":
            return OK, {"errcode": 40008, "errmsg": "invalid message type"}
        content = message["text"]["content"]
        if not content:
            return OK, {"errcode": 44004, "errmsg": "empty content"}
        if len(content.encode()) > 2048:
            return OK, {"errcode": 45002, "errmsg": "content size out of limit"}
        if len(self.taken) >= 20:
            return OK, {"errcode": 45009, "errmsg": "api freq out of limit"}
        self.taken.append(message)
        return OK, {"errcode": 0, "errmsg": "ok"}


class FakeDingTalk(Provider):
    """Signed: the timestamp in milliseconds and at most an hour off, the signature of timestamp, newline and secret, by the secret."""

    token, secret = "566cc69da782ec2e", "SEC000000000000000000000000000000000000000000000000000000000000000f"

    def __init__(self, wall: datetime) -> None:
        super().__init__()
        self.wall = wall

    def judge(self, hit: Hit) -> tuple[str, Json]:
        url = urlsplit(hit.target)
        asked = parse_qs(url.query)
        if url.path != "/robot/send" or asked.get("access_token") != [self.token]:
            return OK, {"errcode": 300001, "errmsg": "token is not exist"}
        stamp = int(asked["timestamp"][0])
        mac = hmac.new(self.secret.encode(), f"{stamp}\n{self.secret}".encode(), digestmod=hashlib.sha256).digest()
        fresh = abs(self.wall - datetime.fromtimestamp(stamp / 1000, UTC)).total_seconds() < 3600
        if not fresh or asked["sign"] != [base64.b64encode(mac).decode()]:
            return OK, {"errcode": 310000, "errmsg": "sign not match"}
        if "json" not in hit.headers.get("content-type", ""):
            return OK, {"errcode": 43004, "errmsg": "invalid content type"}
        message = json.loads(hit.body)
        if message["msgtype"] != "text":
            return OK, {"errcode": 400105, "errmsg": "unsupported msgtype"}
        if len(self.taken) >= 20:
            return OK, {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}
        self.taken.append(message)
        return OK, {"errcode": 0, "errmsg": "ok"}


class FakeFeishu(Provider):
    """Signature verification: the key is timestamp, newline and secret, and signs nothing. The request has 20 KB at most."""

    hook, secret = "a1b2c3d4-0000-0000-0000-00000000000f", "zsecretf"

    def __init__(self, wall: datetime) -> None:
        super().__init__()
        self.wall = wall

    def judge(self, hit: Hit) -> tuple[str, Json]:
        if hit.target != f"/open-apis/bot/v2/hook/{self.hook}":
            return "400 Bad Request", {"code": 19001, "msg": "param invalid: incoming webhook access token invalid", "data": {}}
        if len(hit.body) > 20 * 1024:
            return "400 Bad Request", {"code": 9499, "msg": "Bad Request", "data": {}}
        message = json.loads(hit.body)
        mac = hmac.new(f"{message['timestamp']}\n{self.secret}".encode(), digestmod=hashlib.sha256).digest()
        fresh = abs(self.wall - datetime.fromtimestamp(int(message["timestamp"]), UTC)).total_seconds() < 3600
        if not fresh or message["sign"] != base64.b64encode(mac).decode():
            return OK, {"code": 19021, "msg": "sign match fail or timestamp is not within one hour from current time"}
        if len(self.taken) >= 100:
            return OK, {"code": 11232, "msg": "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]"}
        self.taken.append(message)
        return OK, {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}
