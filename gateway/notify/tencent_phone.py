"""SMS and calls by Tencent Cloud: `SendSms` (2021-01-11) and `SendTtsVoice` (2020-09-02), with their reports, replies and pressed keys.

Templates take numbered variables, filled in order from `gateway.notify.words.FIELDS`. Callbacks are not signed: the address has a key
in it. Sources: cloud.tencent.com/document/product/382 (SendSms, status and reply callbacks, PullSmsSendStatusByPhoneNumber) and 1128
(SendTtsVoice; voiceprompt, voicekey and voice_failure callbacks).
"""

from datetime import timedelta
from typing import Annotated

import msgspec

from alerting.terms import Progress
from gateway.notify.callback import Heard, Report, read, refused, said
from gateway.notify.channel import Notice, NotifyError, Sent, one_line, reference, token
from gateway.notify.http import Http
from gateway.notify.numbers import Taken
from gateway.notify.pace import Paced
from gateway.notify.phone import Phone
from gateway.notify.pulling import Awaited
from gateway.notify.record import Means, Name, PerMinute, Phones, mainland, revealed, trusted, web_address
from gateway.notify.tencent import Account, Api, Product, refusal
from gateway.notify.words import FIELDS, fields
from gateway.reaching import CallbackAnswer

SMS, VOICE = "https://sms.tencentcloudapi.com", "https://vms.tencentcloudapi.com"
LONGEST = 60

UNDERSTOOD = CallbackAnswer(200, b'{"result":0,"errmsg":"OK"}')


# --- SMS -----------------------------------------------------------------------------------------------------------------------


class _SendSms(msgspec.Struct, rename="pascal"):
    phone_number_set: tuple[str, ...]
    sms_sdk_app_id: str
    template_id: str
    sign_name: str
    template_param_set: tuple[str, ...]
    session_context: str


class _SmsStatus(msgspec.Struct, rename="pascal"):
    code: str
    serial_no: str = ""
    message: str = ""


class _SmsAnswer(msgspec.Struct, rename="pascal"):
    send_status_set: list[_SmsStatus]


class _Pull(msgspec.Struct, rename="pascal"):
    phone_number: str
    begin_time: int
    offset: int
    limit: int
    sms_sdk_app_id: str


class _Pulled(msgspec.Struct, rename="pascal"):
    serial_no: str
    report_status: str
    description: str = ""


class _PullAnswer(msgspec.Struct, rename="pascal"):
    pull_sms_send_status_set: list[_Pulled]


class _SmsReport(msgspec.Struct):
    sid: str
    report_status: str
    errmsg: str = ""
    description: str = ""


class _SmsReply(msgspec.Struct):
    mobile: str
    text: str


class TencentSms(Phone):
    """One SMS to each number."""

    kind = "tencent_sms"

    def __init__(self, settings: "TencentSmsSettings", api: Api, means: Means) -> None:
        super().__init__(settings, api, means, look=self._look if settings.pull else None)
        self._settings = settings
        self._api = api

    async def send(self, notice: Notice) -> Sent:
        filled = fields(notice, self._zone, LONGEST)
        values = tuple(filled[field] for field in self._settings.variables)
        own, id_ = self._settings, token(notice.notification)

        async def one(number: str) -> Taken:
            request = _SendSms((f"+86{number}",), own.app_id, own.template, own.sign_name, values, id_)
            answer, reply = await self._api.call("SendSms", request, _SmsAnswer)
            if not answer.send_status_set:
                raise NotifyError(one_line(f"{reply.line}: says nothing of the number"), transient=True)
            status = answer.send_status_set[0]
            if status.code != "Ok":
                raise refusal(reply, status.code)
            self._await(notice.notification, status.serial_no, number)
            return Taken(reply.line, (reference(self.name, "id", status.serial_no), reference(self.name, "to", number)))

        return await self._numbers.send(notice, one)

    def _entries(self, body: bytes) -> Heard:
        entries = read(body, list[_SmsReport])
        if entries is not None:
            return Heard(UNDERSTOOD, tuple(self._report(entry) for entry in entries))
        reply = read(body, _SmsReply)
        if reply is None:
            return refused(400, "neither an array of status reports nor a reply")
        answer = said(reply.text)
        who = reference(self.name, "to", mainland(reply.mobile))
        return Heard(UNDERSTOOD, (Report(answer, "SMS", reference=who),) if answer else ())

    def _report(self, entry: _SmsReport) -> Report:
        progress = Progress.DELIVERED if entry.report_status == "SUCCESS" else Progress.FAILED
        return Report(progress, one_line(f"{entry.errmsg} {entry.description}"), reference=reference(self.name, "id", entry.sid))

    async def _look(self, awaited: Awaited) -> Report | None:
        begin = int((self._wall() - timedelta(hours=1)).timestamp())
        request = _Pull(f"+86{awaited.number}", begin, 0, 100, self._settings.app_id)
        answer, _ = await self._api.call("PullSmsSendStatusByPhoneNumber", request, _PullAnswer)
        for entry in answer.pull_sms_send_status_set:
            if entry.serial_no == awaited.id:
                progress = Progress.DELIVERED if entry.report_status == "SUCCESS" else Progress.FAILED
                return Report(progress, one_line(entry.description), awaited.notification)
        return None


# --- calls ---------------------------------------------------------------------------------------------------------------------


class _SendTtsVoice(msgspec.Struct, rename="pascal"):
    template_id: str
    called_number: str
    voice_sdk_appid: str
    template_param_set: tuple[str, ...]
    play_times: int
    session_context: str


class _CallStatus(msgspec.Struct, rename="pascal"):
    call_id: str


class _CallAnswer(msgspec.Struct, rename="pascal"):
    send_status: _CallStatus


class _Prompted(msgspec.Struct):
    """How a call ended. `result`: 0 picked up, 1 did not, 2 something went wrong."""

    callid: str
    result: str


class _Pressed(msgspec.Struct):
    callid: str
    keypress: str


class _Failure(msgspec.Struct):
    callid: str
    failure_code: int = 0
    failure_reason: str = ""


class _CallReport(msgspec.Struct):
    """One of the three."""

    voiceprompt_callback: _Prompted | None = None
    voicekey_callback: _Pressed | None = None
    voice_failure_callback: _Failure | None = None


class TencentVoice(Phone):
    """One call to each number, which reads a template aloud and takes a key: 1 comes, 2 cannot."""

    kind = "tencent_voice"

    def __init__(self, settings: "TencentVoiceSettings", api: Api, means: Means) -> None:
        super().__init__(settings, api, means)
        self._settings = settings
        self._api = api

    async def send(self, notice: Notice) -> Sent:
        filled = fields(notice, self._zone, LONGEST)
        values = tuple(filled[field] for field in self._settings.variables)
        own, id_ = self._settings, token(notice.notification)

        async def one(number: str) -> Taken:
            request = _SendTtsVoice(own.template, f"+86{number}", own.app_id, values, own.play_times, id_)
            answer, reply = await self._api.call("SendTtsVoice", request, _CallAnswer)
            return Taken(reply.line, (reference(self.name, "id", answer.send_status.call_id),))

        return await self._numbers.send(notice, one)

    def _entries(self, body: bytes) -> Heard:
        told = read(body, _CallReport)
        match told:
            case _CallReport(voicekey_callback=_Pressed(callid=call, keypress=key)):
                answer = said(key)
                if answer is None:
                    return Heard(UNDERSTOOD)
                return Heard(UNDERSTOOD, (Report(answer, f"key {one_line(key)}", reference=reference(self.name, "id", call)),))
            case _CallReport(voiceprompt_callback=_Prompted(callid=call, result=result)):
                progress, detail = (Progress.DELIVERED, "picked up") if result == "0" else (Progress.FAILED, f"result {one_line(result)}")
            case _CallReport(voice_failure_callback=_Failure(callid=call) as failure):
                progress, detail = Progress.FAILED, one_line(f"{failure.failure_code} {failure.failure_reason}")
            case _:
                return refused(400, "none of voiceprompt_callback, voicekey_callback, voice_failure_callback")
        return Heard(UNDERSTOOD, (Report(progress, detail, reference=reference(self.name, "id", call)),))


# --- settings ------------------------------------------------------------------------------------------------------------------


class TencentSmsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`variables` fill {1}, {2}, … of the template. `pull` asks for reports every 15 s; the account has to be allowed to."""

    name: Name
    secret_id: str
    secret_key: str
    app_id: str
    sign_name: str
    template: str
    variables: tuple[str, ...] = ()
    to: Phones = ()
    callback_key: str = ""
    pull: bool = False
    region: str = "ap-guangzhou"
    endpoint: str = SMS
    ca: str = ""
    per_minute: PerMinute = 60

    def make(self, means: Means) -> Paced:
        return Paced(TencentSms(self, _api(self, "sms", "2021-01-11", means), means), self.per_minute)


class TencentVoiceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As for SMS. One number can be rung once in 30 s, twice in 10 min and 5 times a day unless the account's limits are raised."""

    name: Name
    secret_id: str
    secret_key: str
    app_id: str
    template: str
    variables: tuple[str, ...] = ()
    to: Phones = ()
    play_times: Annotated[int, msgspec.Meta(ge=1, le=3)] = 2
    callback_key: str = ""
    region: str = "ap-guangzhou"
    endpoint: str = VOICE
    ca: str = ""
    per_minute: PerMinute = 60

    def make(self, means: Means) -> Paced:
        return Paced(TencentVoice(self, _api(self, "vms", "2020-09-02", means), means), self.per_minute)


def _api(settings: TencentSmsSettings | TencentVoiceSettings, service: str, version: str, means: Means) -> Api:
    web_address(settings.endpoint, "endpoint")
    for field in settings.variables:
        if field not in FIELDS:
            raise ValueError(f"variables: {field!r} is none of {', '.join(FIELDS)}")
    account = Account(revealed("secret_id", settings.secret_id, means), revealed("secret_key", settings.secret_key, means))
    product = Product(settings.endpoint.rstrip("/"), service, version, settings.region)
    return Api(product, account, wall=means.wall, http=Http(trusted(settings.ca, means)))
