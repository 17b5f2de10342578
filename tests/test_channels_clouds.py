"""SMS and calls of Alibaba Cloud and Tencent Cloud against fakes: what is said, how it is signed, every documented refusal, reports."""

import hashlib
import json

import msgspec
import pytest

from alerting.terms import Progress
from gateway.notify import aliyun, tencent
from gateway.notify.callback import Hears, Pulls
from gateway.notify.channel import Channel, NotifyError, Sent, reference
from gateway.reaching import Callback
from tests.channels import WALL, made, sent, through, to_somebody, told, with_channel
from tests.fakes.clouds import FakeAliyun, FakeTencent
from tests.fakes.provider import Json, Provider
from tests.notices import Receiver

ALIYUN = f'access_key_id = "{FakeAliyun.key_id}"\naccess_key_secret = "{FakeAliyun.key_secret}"\nendpoint = "{{url}}"\n'
TENCENT = f'secret_id = "{FakeTencent.secret_id}"\nsecret_key = "{FakeTencent.secret_key}"\nendpoint = "{{url}}"\napp_id = "1400006666"\n'
ALIYUN_SMS = (
    f'[[aliyun_sms]]\nname = "s"\n{ALIYUN}sign_name = "安居"\ntemplate = "SMS_1"\nto = ["13800000001"]\ncallback_key = "k"\npull = true\n'
    'variables = { place = "place", what = "title", code = "code" }\n'
)
ALIYUN_VOICE = (
    f'[[aliyun_voice]]\nname = "v"\n{ALIYUN}template = "TTS_1"\nto = ["13800000001"]\ncallback_key = "k"\nshown_number = "05718700"\n'
    'variables = { brief = "brief" }\n'
)
TENCENT_SMS = (
    f'[[tencent_sms]]\nname = "s"\n{TENCENT}sign_name = "安居"\ntemplate = "1110"\nto = ["13800000001"]\ncallback_key = "k"\npull = true\n'
    'variables = ["place", "title", "code"]\n'
)
TENCENT_VOICE = (
    f'[[tencent_voice]]\nname = "v"\n{TENCENT}template = "4356"\nto = ["13800000001"]\ncallback_key = "k"\nvariables = ["brief"]\n'
)
ALL = {"aliyun_sms": ALIYUN_SMS, "aliyun_voice": ALIYUN_VOICE, "tencent_sms": TENCENT_SMS, "tencent_voice": TENCENT_VOICE}


def fake(settings: str) -> FakeAliyun | FakeTencent:
    return FakeAliyun(WALL) if "aliyun" in settings else FakeTencent(WALL)


# --- signatures ----------------------------------------------------------------------------------------------------------------


def test_tencents_published_example_is_signed_as_published() -> None:
    """The worked example of "signature method v3"."""
    body = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    signed = tencent.sign("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", "cvm", "cvm.tencentcloudapi.com", 1551113065, body)
    assert signed == "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"


def test_alibabas_published_example_is_signed_as_published() -> None:
    """The worked example of "V3 request structure and signature"."""
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com", "x-acs-action": "RunInstances", "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": "2023-10-26T10:22:32Z", "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d", "x-acs-version": "2014-05-26",
    }  # fmt: skip
    asked = {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}
    signed = aliyun.sign(b"YourAccessKeySecret", "POST", aliyun.canonical_query(asked), headers)
    assert signed == "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"


# --- what is sent --------------------------------------------------------------------------------------------------------------


def test_an_sms_fills_the_approved_templates_variables() -> None:
    provider = FakeAliyun(WALL)
    answer, _ = through(ALIYUN_SMS, provider)
    assert isinstance(answer, Sent), answer
    (taken,) = provider.taken
    assert (taken["PhoneNumbers"], taken["SignName"], taken["TemplateCode"], taken["OutId"]) == ("13800000001", "安居", "SMS_1", "n-1")
    assert taken["values"] == {"place": "12 栋 3 单元 402 卫生间", "what": "求助", "code": "abcdefghijklmnop"}
    other = FakeTencent(WALL)
    answer, _ = through(TENCENT_SMS, other)
    assert isinstance(answer, Sent), answer
    (taken,) = other.taken
    assert taken["TemplateParamSet"] == ["12 栋 3 单元 402 卫生间", "求助", "abcdefghijklmnop"]
    assert (taken["PhoneNumberSet"], taken["SmsSdkAppId"], taken["SessionContext"]) == (["+8613800000001"], "1400006666", "n-1")


@pytest.mark.parametrize(("settings", "provider", "names"), [
    (ALIYUN_VOICE, FakeAliyun(WALL), ("CalledNumber", "values")), (TENCENT_VOICE, FakeTencent(WALL), ("CalledNumber", "TemplateParamSet")),
], ids=["aliyun", "tencent"])  # fmt: skip
def test_a_call_says_in_one_sentence_what_where_and_when(settings: str, provider: Provider, names: tuple[str, str]) -> None:
    answer, _ = through(settings, provider)
    assert isinstance(answer, Sent), answer
    (taken,) = provider.taken
    assert str(taken[names[0]]).endswith("13800000001")
    assert "12 栋 3 单元 402 卫生间：求助，09:59" in str(taken[names[1]])


@pytest.mark.parametrize("settings", ALL.values(), ids=ALL)
def test_a_step_that_names_a_person_rings_that_person_alone(settings: str) -> None:
    provider = fake(settings)
    answer, _ = through(settings, provider, to_somebody())
    assert isinstance(answer, Sent), answer
    (taken,) = provider.taken
    assert "13900000034" in json.dumps(taken)
    assert "13800000001" not in json.dumps(taken)


@pytest.mark.parametrize("phone", ["", "none", "12", "+1 555 0100"])
def test_a_person_without_a_number_that_can_be_rung_is_told_at_once(phone: str) -> None:
    error, heard = through(ALIYUN_SMS, FakeAliyun(WALL), to_somebody(phone))
    assert isinstance(error, NotifyError)
    assert not error.transient
    assert "沈小梅" in error.detail
    assert heard.hits == []


def test_one_of_two_numbers_that_failed_for_now_is_asked_again_and_the_other_is_not() -> None:
    provider = FakeTencent(WALL)
    settings = TENCENT_SMS.replace('to = ["13800000001"]', 'to = ["13800000001", "13800000002"]')

    async def story(channel: Channel, heard: Receiver) -> None:
        provider.refuse = ["InternalError.Timeout"]
        first = await sent(channel)
        assert isinstance(first, NotifyError)
        assert first.transient
        second = await sent(channel)
        assert isinstance(second, Sent), second
        assert len(provider.taken) == 2
        assert sorted(taken["PhoneNumberSet"][0] for taken in provider.taken) == ["+8613800000001", "+8613800000002"]
        assert len(second.references) == 4
        assert len(heard.hits) == 3

    with_channel(settings, provider, story)


def test_a_number_that_is_refused_for_good_does_not_keep_the_other_from_being_told() -> None:
    provider = FakeTencent(WALL)
    provider.refuse = ["FailedOperation.PhoneNumberInBlacklist"]
    answer, _ = through(TENCENT_SMS.replace('to = ["13800000001"]', 'to = ["13800000001", "13800000002"]'), provider)
    assert isinstance(answer, Sent)
    assert answer.detail.startswith("taken for 1 of 2")


# --- refusals ------------------------------------------------------------------------------------------------------------------

ALIYUN_CODES = {
    "isp.SYSTEM_ERROR": True, "isp.GATEWAY_ERROR": True, "isp.UNKNOWN": True, "isp.RAM_PERMISSION_DENY": False,
    "isv.OUT_OF_SERVICE": False, "isv.PRODUCT_UN_SUBSCRIPT": False, "isv.PRODUCT_UNSUBSCRIBE": False, "isv.ACCOUNT_NOT_EXISTS": False,
    "isv.ACCOUNT_ABNORMAL": False, "isv.SMS_TEMPLATE_ILLEGAL": False, "isv.SMS_SIGNATURE_ILLEGAL": False, "isv.INVALID_PARAMETERS": False,
    "isv.MOBILE_NUMBER_ILLEGAL": False, "isv.MOBILE_COUNT_OVER_LIMIT": False, "isv.TEMPLATE_MISSING_PARAMETERS": False,
    "isv.BUSINESS_LIMIT_CONTROL": True, "isv.INVALID_JSON_PARAM": False, "isv.BLACK_KEY_CONTROL_LIMIT": False,
    "isv.PARAM_LENGTH_LIMIT": False, "isv.PARAM_NOT_SUPPORT_URL": False, "isv.AMOUNT_NOT_ENOUGH": False,
    "isv.TEMPLATE_PARAMS_ILLEGAL": False, "isv.DAY_LIMIT_CONTROL": False, "isv.MONTH_LIMIT_CONTROL": False,
    "SignatureDoesNotMatch": False, "SignatureNonceUsed": True, "InvalidTimeStamp.Expired": False, "InvalidAccessKeyId.NotFound": False,
    "MissingParameter": False, "Throttling": True, "Throttling.User": True, "Throttling.Api": True, "ServiceUnavailable": True,
    "InternalError": True,
}  # fmt: skip
ALIYUN_VOICE_CODES = {
    "isp.SYSTEM_ERROR": True, "isp.RAM_PERMISSION_DENY": False, "isv.OUT_OF_SERVICE": False, "isv.PRODUCT_UN_SUBSCRIPT": False,
    "isv.ACCOUNT_NOT_EXISTS": False, "isv.ACCOUNT_ABNORMAL": False, "isv.VOICE_FILE_ILLEGAL": False, "isv.DISPLAY_NUMBER_ILLEGAL": False,
    "isv.BILLID_NOT_EXIST": False, "isv.TTS_TEMPLATE_ILLEGAL": False, "isv.INVALID_PARAMETERS": False, "isv.MOBILE_NUMBER_ILLEGAL": False,
    "isv.TEMPLATE_MISSING_PARAMETERS": False, "isv.BUSINESS_LIMIT_CONTROL": True, "Throttling.User": True,
}  # fmt: skip
TENCENT_CODES = {
    "AuthFailure.SecretIdNotFound": False, "AuthFailure.SignatureFailure": False, "AuthFailure.SignatureExpire": False,
    "FailedOperation.ContainSensitiveWord": False, "FailedOperation.FailResolvePacket": True,
    "FailedOperation.InsufficientBalanceInSmsPackage": False, "FailedOperation.JsonParseFail": False,
    "FailedOperation.MarketingSendTimeConstraint": False, "FailedOperation.MissingSignature": False,
    "FailedOperation.PhoneNumberInBlacklist": False, "FailedOperation.SignatureIncorrectOrUnapproved": False,
    "FailedOperation.TemplateIncorrectOrUnapproved": False, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": False,
    "FailedOperation.TemplateUnapprovedOrNotExist": False, "InternalError": True, "InternalError.OtherError": True,
    "InternalError.RequestTimeException": True, "InternalError.RestApiInterfaceNotExist": True, "InternalError.SendAndRecvFail": True,
    "InternalError.SigFieldMissing": True, "InternalError.SigVerificationFail": True, "InternalError.Timeout": True,
    "InternalError.UnknownError": True, "InvalidParameterValue.ContentLengthLimit": False,
    "InvalidParameterValue.IncorrectPhoneNumber": False, "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter": False,
    "InvalidParameterValue.SdkAppIdNotExist": False, "InvalidParameterValue.TemplateParameterFormatError": False,
    "InvalidParameterValue.TemplateParameterLengthLimit": False, "LimitExceeded.AppDailyLimit": True, "LimitExceeded.DailyLimit": True,
    "LimitExceeded.DeliveryFrequencyLimit": True, "LimitExceeded.PhoneNumberCountLimit": False,
    "LimitExceeded.PhoneNumberDailyLimit": True, "LimitExceeded.PhoneNumberOneHourLimit": True,
    "LimitExceeded.PhoneNumberSameContentDailyLimit": True, "LimitExceeded.PhoneNumberThirtySecondLimit": True,
    "MissingParameter.EmptyPhoneNumberSet": False, "RequestLimitExceeded": True,
    "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny": False, "UnauthorizedOperation.RequestIpNotInWhitelist": False,
    "UnauthorizedOperation.RequestPermissionDeny": False, "UnauthorizedOperation.SdkAppIdIsDisabled": False,
    "UnauthorizedOperation.ServiceSuspendDueToArrears": False, "UnauthorizedOperation.SmsSdkAppIdVerifyFail": False,
    "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber": False, "UnsupportedOperation.UnsupportedRegion": False,
}  # fmt: skip


def refused(settings: str, answer: Json, status: str = "200 OK") -> NotifyError:
    provider = Provider()
    provider.plan(answer, status=status)
    error, _ = through(settings, provider)
    assert isinstance(error, NotifyError)
    return error


@pytest.mark.parametrize(
    ("settings", "code", "transient"),
    [(ALIYUN_SMS, *row) for row in ALIYUN_CODES.items()] + [(ALIYUN_VOICE, *row) for row in ALIYUN_VOICE_CODES.items()],
    ids=lambda value: str(value)[-50:],
)
def test_alibabas_codes_say_whether_to_come_back(settings: str, code: str, transient: bool) -> None:
    error = refused(settings, {"Code": code, "Message": "m", "RequestId": "R"}, "200 OK" if code.startswith("is") else "400 Bad Request")
    assert (code in error.detail, error.transient) == (True, transient)


@pytest.mark.parametrize("settings", [TENCENT_SMS, TENCENT_VOICE], ids=["sms", "voice"])
@pytest.mark.parametrize(("code", "transient"), TENCENT_CODES.items())
def test_tencents_codes_say_whether_to_come_back(settings: str, code: str, transient: bool) -> None:
    error = refused(settings, FakeTencent.failed(code)[1])
    assert (code in error.detail, error.transient) == (True, transient)


def test_a_code_of_a_single_number_counts_as_one_of_the_whole() -> None:
    for code, transient in (("LimitExceeded.PhoneNumberThirtySecondLimit", True), ("FailedOperation.PhoneNumberInBlacklist", False)):
        provider = FakeTencent(WALL)
        provider.refuse = [code]
        error, _ = through(TENCENT_SMS, provider)
        assert isinstance(error, NotifyError)
        assert (code in error.detail, error.transient) == (True, transient)


@pytest.mark.parametrize("settings", ALL.values(), ids=ALL)
def test_a_wrong_secret_is_refused_for_good(settings: str) -> None:
    error, _ = through(settings.replace("fake-secret", "another"), fake(settings))
    assert isinstance(error, NotifyError)
    assert not error.transient


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (ALIYUN_SMS.replace('"place"', '"pet"', 1).replace('"13800000001"', '"1"'), "variables|to"),
        (ALIYUN_SMS.replace('what = "title"', 'what = "medical"'), "variables"),
        (TENCENT_SMS.replace('"title"', '"medical"'), "variables"),
        (TENCENT_VOICE.replace("{url}", "vms"), "endpoint"),
        (ALIYUN_VOICE.replace(f'"{FakeAliyun.key_secret}"', '"env:ABSENT"'), "access_key_secret"),
    ],
)
def test_a_cloud_that_cannot_be_used_is_refused_with_the_key(settings: str, named: str) -> None:
    with pytest.raises(ValueError, match=rf"^({named}): "):
        made(settings.replace("{url}", "https://example.org"))


# --- reports -------------------------------------------------------------------------------------------------------------------

A_SMS = {
    "phone_number": "13800000001", "send_time": "2026-11-22 10:00:02", "report_time": "2026-11-22 10:00:04", "sms_size": "1",
    "biz_id": "1^0", "out_id": "n-1",
}  # fmt: skip
A_REPLY = {"phone_number": "13900000034", "send_time": "2026-11-22 10:00:09", "dest_code": "1069", "sequence_id": 7}
A_CALL = {"call_id": "1^0", "start_time": "2026-11-22 10:00:20", "end_time": "2026-11-22 10:00:30", "duration": "10", "out_id": "o"}
A_STATE = {"call_id": "1^0", "status_time": "2026-11-22 10:00:22", "out_id": "o"}
A_STATUS = {"user_receive_time": "2026-11-22 10:00:04", "nationcode": "86", "mobile": "13800000001", "sid": "sid-1"}
AN_ANSWER = {"extend": "", "mobile": "13900000034", "nationcode": "86", "sign": "安居", "time": 1763776804}
A_RING = {"callid": "sid-1", "call_from": "", "mobile": "13800000001", "nationcode": "86"}

HEARD: list[tuple[str, object, str]] = [
    ("aliyun_sms", [{**A_SMS, "success": True, "err_code": "DELIVERED", "err_msg": "用户接收成功"}], "delivered n-1 id 1^0"),
    ("aliyun_sms", [{**A_SMS, "success": False, "err_code": "MK:0001", "err_msg": "空号"}], "failed n-1 id 1^0"),
    ("aliyun_sms", [{**A_REPLY, "content": " 1 "}], "accepted - to 13900000034"),
    ("aliyun_sms", [{**A_REPLY, "content": "2"}], "declined - to 13900000034"),
    ("aliyun_sms", [{**A_REPLY, "content": "谁？"}], ""),
    *(("aliyun_voice", [{**A_CALL, "status_code": code}], "delivered - id 1^0") for code in ("200000", "200001", "200008")),
    *(
        ("aliyun_voice", [{**A_CALL, "status_code": code, "status_msg": "x"}], "failed - id 1^0")
        for code in ("200002", "200003", "200004", "200005", "200006", "200007", "200010", "200011", "999999", "500", "400")
    ),
    ("aliyun_voice", [{**A_STATE, "status_code": "300000", "smart_status_code": "ANSWERED", "dtmf": "1"}], "accepted - id 1^0"),
    ("aliyun_voice", {**A_CALL, "status_code": "200000", "dtmf": "2"}, "declined - id 1^0"),
    ("aliyun_voice", [{**A_STATE, "status_code": "200102"}], ""),
    ("tencent_sms", [{**A_STATUS, "report_status": "SUCCESS", "errmsg": "DELIVRD", "description": "送达成功"}], "delivered - id sid-1"),
    ("tencent_sms", [{**A_STATUS, "report_status": "FAIL", "errmsg": "MBBLACK", "description": "黑名单"}], "failed - id sid-1"),
    ("tencent_sms", {**AN_ANSWER, "text": "1"}, "accepted - to 13900000034"),
    ("tencent_sms", {**AN_ANSWER, "text": "2"}, "declined - to 13900000034"),
    ("tencent_sms", {**AN_ANSWER, "text": "收到"}, ""),
    ("tencent_voice", {"voicekey_callback": {**A_RING, "keypress": "1"}}, "accepted - id sid-1"),
    ("tencent_voice", {"voicekey_callback": {**A_RING, "keypress": "2"}}, "declined - id sid-1"),
    ("tencent_voice", {"voicekey_callback": {**A_RING, "keypress": "9"}}, ""),
    ("tencent_voice", {"voiceprompt_callback": {**A_RING, "result": "0", "accept_time": "1470197211"}}, "delivered - id sid-1"),
    ("tencent_voice", {"voiceprompt_callback": {**A_RING, "result": "1"}}, "failed - id sid-1"),
    ("tencent_voice", {"voiceprompt_callback": {**A_RING, "result": "2"}}, "failed - id sid-1"),
    ("tencent_voice", {"voice_failure_callback": {**A_RING, "failure_code": 8, "failure_reason": "空号"}}, "failed - id sid-1"),
]


def hearing(kind: str, body: bytes, key: str = "k") -> tuple[int, bytes, list[str]]:
    channel = made(ALL[kind].replace("{url}", "https://example.org"))
    assert isinstance(channel, Hears)
    heard = channel.heard(Callback(channel.name, key, {}, body))
    found = [f"{report.progress.value} {report.notification or '-'} {report.reference}" for report in heard.reports]
    return heard.answer.status, heard.answer.body, found


@pytest.mark.parametrize(("kind", "body", "report"), HEARD, ids=[f"{kind} {report} {at}" for at, (kind, _, report) in enumerate(HEARD)])
def test_what_a_provider_calls_back_is_read_as_it_is_documented(kind: str, body: object, report: str) -> None:
    status, answer, found = hearing(kind, msgspec.json.encode(body))
    assert status == 200
    assert json.loads(answer) == ({"code": 0, "msg": "接收成功"} if "aliyun" in kind else {"result": 0, "errmsg": "OK"})
    if not report:
        assert found == []
        return
    progress, id_, what, value = report.split(" ")
    assert found == [f"{progress} {id_} {reference('s' if kind.endswith('sms') else 'v', what, value)}"]


@pytest.mark.parametrize("kind", ALL)
def test_a_callback_without_the_key_of_its_address_or_with_nonsense_reports_nothing(kind: str) -> None:
    good = next(msgspec.json.encode(body) for name, body, _ in HEARD if name == kind)
    assert hearing(kind, good, key="wrong")[::2] == (403, [])
    assert hearing(kind, good, key="")[::2] == (403, [])
    for nonsense in (b"", b"[", b"\xff", b"{}", b"[" * 100_000, b'[{"call_id": 1}]', b"null"):
        status, _, reports = hearing(kind, nonsense)
        assert (status in (200, 400), reports) == (True, [])




@pytest.mark.parametrize(("settings", "status", "progress"), [
    (ALIYUN_SMS, 3, Progress.DELIVERED), (ALIYUN_SMS, 2, Progress.FAILED),
    (TENCENT_SMS, "SUCCESS", Progress.DELIVERED), (TENCENT_SMS, "FAIL", Progress.FAILED),
])  # fmt: skip
def test_a_report_that_nobody_can_bring_is_fetched_once(settings: str, status: object, progress: Progress) -> None:
    provider = fake(settings)

    async def story(channel: Channel, heard: Receiver) -> None:
        assert isinstance(channel, Pulls)
        assert await channel.pull() == []
        assert heard.hits == []
        assert isinstance(await sent(channel, told()), Sent)
        assert await channel.pull() == []
        provider.status[provider.taken[0]["id"]] = status  # type: ignore[assignment]
        (report,) = await channel.pull()
        assert (report.progress, report.notification) == (progress, "n-1")
        before = len(heard.hits)
        assert await channel.pull() == []
        assert len(heard.hits) == before

    with_channel(settings, provider, story)


