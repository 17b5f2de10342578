"""Robots in group chats against fakes that judge as their documents say: signatures, sizes, limits, and codes within a 200."""

import pytest

from gateway.notify.channel import NotifyError, Sent
from tests.channels import WALL, made, through, told
from tests.fakes.groups import FakeDingTalk, FakeFeishu, FakeWeCom
from tests.fakes.provider import Json, Provider
from tests.notices import answering

WECOM = f'[[wecom]]\nname = "g"\nurl = "{{url}}/cgi-bin/webhook/send?key={FakeWeCom.key}"\nmention = ["139-0000-0034", "@all"]\n'
DINGTALK = (
    f'[[dingtalk]]\nname = "g"\nurl = "{{url}}/robot/send?access_token={FakeDingTalk.token}"\n'
    f'secret = "{FakeDingTalk.secret}"\nmention = ["13900000034"]\n'
)
FEISHU = f'[[feishu]]\nname = "g"\nurl = "{{url}}/open-apis/bot/v2/hook/{FakeFeishu.hook}"\nsecret = "{FakeFeishu.secret}"\n'


def wecom() -> Provider:
    return FakeWeCom()


def dingtalk() -> Provider:
    return FakeDingTalk(WALL)


def feishu() -> Provider:
    return FakeFeishu(WALL)


ALL = [(WECOM, wecom), (DINGTALK, dingtalk), (FEISHU, feishu)]


def text_of(message: Json) -> str:
    return str((message.get("text") or message["content"])["content" if "text" in message else "text"])


@pytest.mark.parametrize(("settings", "fake"), ALL, ids=["wecom", "dingtalk", "feishu"])
def test_a_group_reads_what_where_who_and_where_to_answer(settings: str, fake: object) -> None:
    provider = fake()  # type: ignore[operator]
    answer, heard = through(settings, provider)
    assert isinstance(answer, Sent), answer
    (message,) = provider.taken
    text = text_of(message)
    for word in ("求助", "Call for help", "12 栋 3 单元 402", "卫生间", "沈阿婆", "138-0000-0012", "https://anju.example.org/r/abcd"):
        assert word in text, word
    assert "房颤" not in text
    assert len(heard.hits) == 1


def test_members_are_named_by_their_telephone() -> None:
    provider = FakeWeCom()
    through(WECOM, provider)
    assert provider.taken[0]["text"]["mentioned_mobile_list"] == ["13900000034", "@all"]
    other = FakeDingTalk(WALL)
    through(DINGTALK, other)
    assert other.taken[0]["at"] == {"atMobiles": ["13900000034"], "isAtAll": False}


def test_a_long_story_is_cut_in_its_middle_and_keeps_the_link() -> None:
    provider = FakeWeCom()
    said = told(address="长" * 2000)
    answer, _ = through(WECOM, provider, said)
    assert isinstance(answer, Sent)
    text = text_of(provider.taken[0])
    assert len(text.encode()) <= 2048
    assert text.endswith(said.answer)
    assert text.startswith("求助 / Call for help")


CODES: list[tuple[str, Json, bool, float | None]] = [
    (WECOM, {"errcode": -1, "errmsg": "system busy"}, True, None),
    (WECOM, {"errcode": 40008, "errmsg": "invalid message type"}, False, None),
    (WECOM, {"errcode": 40058, "errmsg": "invalid Request Parameter"}, False, None),
    (WECOM, {"errcode": 44004, "errmsg": "empty content"}, False, None),
    (WECOM, {"errcode": 45002, "errmsg": "content size out of limit"}, False, None),
    (WECOM, {"errcode": 45009, "errmsg": "api freq out of limit"}, True, 60),
    (WECOM, {"errcode": 45033, "errmsg": "api concurrent out of limit"}, True, None),
    (WECOM, {"errcode": 50001, "errmsg": "redirect_url not bound"}, False, None),
    (WECOM, {"errcode": 93000, "errmsg": "invalid webhook url"}, False, None),
    (WECOM, {"errcode": 93004, "errmsg": "robot was disabled"}, False, None),
    (WECOM, {"errcode": 93008, "errmsg": "not in the group"}, False, None),
    (DINGTALK, {"errcode": -1, "errmsg": "系统繁忙"}, True, None),
    (DINGTALK, {"errcode": 40035, "errmsg": "缺少参数 json"}, False, None),
    (DINGTALK, {"errcode": 43004, "errmsg": "无效的HTTP HEADER Content-Type"}, False, None),
    (DINGTALK, {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}, True, 600),
    (DINGTALK, {"errcode": 300001, "errmsg": "token is not exist"}, False, None),
    (DINGTALK, {"errcode": 310000, "errmsg": "sign not match"}, False, None),
    (DINGTALK, {"errcode": 310000, "errmsg": "keywords not in content"}, False, None),
    (DINGTALK, {"errcode": 310000, "errmsg": "invalid timestamp"}, False, None),
    (DINGTALK, {"errcode": 310000, "errmsg": "ip 192.0.2.7 not in whitelist"}, False, None),
    (DINGTALK, {"errcode": 400013, "errmsg": "群已被解散"}, False, None),
    (DINGTALK, {"errcode": 400101, "errmsg": "access_token不存在"}, False, None),
    (DINGTALK, {"errcode": 400102, "errmsg": "机器人已停用"}, False, None),
    (DINGTALK, {"errcode": 400105, "errmsg": "不支持的消息类型"}, False, None),
    (DINGTALK, {"errcode": 400106, "errmsg": "机器人不存在"}, False, None),
    (DINGTALK, {"errcode": 410100, "errmsg": "发送速度太快而限流"}, True, 600),
    (DINGTALK, {"errcode": 430101, "errmsg": "含有不安全的外链"}, False, None),
    (DINGTALK, {"errcode": 430102, "errmsg": "含有不合适的文本"}, False, None),
    (DINGTALK, {"errcode": 430103, "errmsg": "含有不合适的图片"}, False, None),
    (DINGTALK, {"errcode": 430104, "errmsg": "含有不合适的内容"}, False, None),
    (FEISHU, {"code": 9499, "msg": "Bad Request"}, False, None),
    (FEISHU, {"code": 11232, "msg": "frequency limited"}, True, 60),
    (FEISHU, {"code": 19001, "msg": "param invalid: incoming webhook access token invalid"}, False, None),
    (FEISHU, {"code": 19021, "msg": "sign match fail or timestamp is not within one hour from current time"}, False, None),
    (FEISHU, {"code": 19022, "msg": "Ip Not Allowed"}, False, None),
    (FEISHU, {"code": 19024, "msg": "Key Words Not Found"}, False, None),
]


@pytest.mark.parametrize(("settings", "answer", "transient", "wait"), CODES, ids=lambda value: str(value)[:40])
def test_a_code_within_a_200_says_whether_to_come_back(settings: str, answer: Json, transient: bool, wait: float | None) -> None:
    provider = Provider()
    provider.plan(answer)
    error, _ = through(settings, provider)
    assert isinstance(error, NotifyError)
    code = str(answer.get("errcode", answer.get("code")))
    assert code in error.detail
    assert error.transient is transient
    assert (error.retry_after.total_seconds() if error.retry_after else None) == wait


@pytest.mark.parametrize("settings", [WECOM, DINGTALK, FEISHU], ids=["wecom", "dingtalk", "feishu"])
@pytest.mark.parametrize(
    ("status", "body", "transient"),
    [
        ("200 OK", b"<html>log in to the hotel's wireless network</html>", True),
        ("200 OK", b"{}", True),
        ("502 Bad Gateway", b"", True),
        ("404 Not Found", b"", False),
    ],
)
def test_what_is_not_the_documented_answer_is_no_yes(settings: str, status: str, body: bytes, transient: bool) -> None:
    error, _ = through(settings, answering(status, body))
    assert isinstance(error, NotifyError)
    assert error.transient is transient


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ('[[wecom]]\nname = "g"\nurl = "qyapi.weixin.qq.com"\n', "url"),
        ('[[wecom]]\nname = "g"\nurl = "env:ABSENT"\n', "url"),
        ('[[wecom]]\nname = "g"\nurl = "https://example.org/?key=1"\nmention = ["wang"]\n', "mention"),
        ('[[dingtalk]]\nname = "g"\nurl = "https://oapi.dingtalk.com/robot/send"\n', "url"),
        ('[[feishu]]\nname = "g"\nurl = "https://open.feishu.cn/x"\nsecret = "file:absent"\n', "secret"),
    ],
)
def test_a_robot_that_cannot_be_made_is_refused_with_the_key_and_without_the_secret(settings: str, named: str) -> None:
    with pytest.raises(ValueError, match=rf"^{named}: ") as caught:
        made(settings)
    assert "key=1" not in str(caught.value)
