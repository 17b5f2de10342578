"""SMS and calls by Alibaba Cloud: `SendSms` and `SingleCallByTts`, with their reports, replies and pressed keys.

Both speak approved templates alone; their variables are filled from `gateway.notify.words.FIELDS`. Reports come to the callback
address (an array a request) or are asked for (`QuerySendDetails`). Nothing of it is signed: the address has a key in it.
Sources: help.aliyun.com/zh/sms (SendSms, QuerySendDetails, SmsReport, SmsUp), /zh/vms (SingleCallByTts, VoiceReport, VoiceCallReport).
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from alerting.terms import NotificationId, Progress
from gateway.notify.aliyun import Answer, Rpc
from gateway.notify.callback import Heard, Report, read, refused, said
from gateway.notify.channel import Notice, Sent, one_line, reference, token
from gateway.notify.http import Http
from gateway.notify.numbers import Taken
from gateway.notify.pace import Paced
from gateway.notify.phone import Phone
from gateway.notify.pulling import Awaited
from gateway.notify.record import Means, Name, PerMinute, Phones, mainland, revealed, trusted, web_address
from gateway.notify.words import FIELDS, fields
from gateway.reaching import CallbackAnswer

SMS, VOICE = "https://dysmsapi.aliyuncs.com", "https://dyvmsapi.aliyuncs.com"
VERSION = "2017-05-25"
SMS_LONGEST, VOICE_LONGEST = 35, 60
"""Characters of one variable; longer ones are refused (`isv.PARAM_LENGTH_LIMIT`)."""

UNDERSTOOD = CallbackAnswer(200, '{"code":0,"msg":"接收成功"}'.encode())
PICKED_UP = frozenset({"200000", "200001", "200008"})
"""Heard to the end, hung up before it, no key within the time: there was a person. Every other end of a call is none."""


def _parameters(variables: Mapping[str, str], filled: Mapping[str, str]) -> str:
    return msgspec.json.encode({name: filled[field] for name, field in variables.items()}).decode()


# --- SMS -----------------------------------------------------------------------------------------------------------------------


class _SmsAnswer(Answer):
    biz_id: str = ""


class _Detail(msgspec.Struct, rename="pascal"):
    send_status: int
    err_code: str = ""


class _Details(msgspec.Struct):
    details: list[_Detail] = msgspec.field(name="SmsSendDetailDTO", default_factory=list)


class _DetailsAnswer(Answer):
    found: _Details = msgspec.field(name="SmsSendDetailDTOs", default_factory=_Details)


class _SmsReport(msgspec.Struct):
    """`SmsReport`, and `SmsUp` where `content` is there."""

    phone_number: str = ""
    success: bool | None = None
    err_code: str = ""
    err_msg: str = ""
    biz_id: str = ""
    out_id: str = ""
    content: str | None = None


class AliyunSms(Phone):
    """One SMS to each number. `variables`: the template's, by the field that fills it."""

    kind = "aliyun_sms"

    def __init__(self, settings: "AliyunSmsSettings", rpc: Rpc, means: Means) -> None:
        super().__init__(settings, rpc, means, look=self._look if settings.pull else None)
        self._settings = settings
        self._rpc = rpc

    async def send(self, notice: Notice) -> Sent:
        filled = fields(notice, self._zone, SMS_LONGEST)
        parameters = {
            "SignName": self._settings.sign_name,
            "TemplateCode": self._settings.template,
            "TemplateParam": _parameters(self._settings.variables, filled),
            "OutId": token(notice.notification),
        }

        async def one(number: str) -> Taken:
            answer, line = await self._rpc.call("SendSms", {**parameters, "PhoneNumbers": number}, _SmsAnswer)
            self._await(notice.notification, answer.biz_id, number)
            references = (reference(self.name, "id", answer.biz_id), reference(self.name, "to", number))
            return Taken(line, references)

        return await self._numbers.send(notice, one)

    def _entries(self, body: bytes) -> Heard:
        entries = read(body, list[_SmsReport])
        if entries is None:
            return refused(400, "not an array of SmsReport or SmsUp")
        return Heard(UNDERSTOOD, tuple(filter(None, map(self._report, entries))))

    def _report(self, entry: _SmsReport) -> Report | None:
        if entry.content is not None:
            answer = said(entry.content)
            who = reference(self.name, "to", mainland(entry.phone_number))
            return Report(answer, "SMS", reference=who) if answer else None
        if entry.success is None:
            return None
        progress = Progress.DELIVERED if entry.success else Progress.FAILED
        detail = one_line(f"{entry.err_code} {entry.err_msg}")
        return Report(progress, detail, NotificationId(entry.out_id), reference(self.name, "id", entry.biz_id))

    async def _look(self, awaited: Awaited) -> Report | None:
        day = f"{self._wall().astimezone(self._zone):%Y%m%d}"
        parameters = {"PhoneNumber": awaited.number, "BizId": awaited.id, "SendDate": day, "PageSize": "10", "CurrentPage": "1"}
        answer, _ = await self._rpc.call("QuerySendDetails", parameters, _DetailsAnswer)
        for detail in answer.found.details:
            if detail.send_status in (2, 3):  # 1 is still on its way
                progress = Progress.DELIVERED if detail.send_status == 3 else Progress.FAILED
                return Report(progress, one_line(detail.err_code), awaited.notification)
        return None


# --- calls ---------------------------------------------------------------------------------------------------------------------


class _CallAnswer(Answer):
    call_id: str = ""


class _CallReport(msgspec.Struct):
    """`VoiceReport` at the end of a call; `VoiceCallReport` in its course, which has no `end_time`."""

    call_id: str
    status_code: str = ""
    status_msg: str = ""
    end_time: str | None = None
    dtmf: str | None = None
    out_id: str = ""


class AliyunVoice(Phone):
    """One call to each number, which reads a template aloud and takes a key: 1 comes, 2 cannot."""

    kind = "aliyun_voice"

    def __init__(self, settings: "AliyunVoiceSettings", rpc: Rpc, means: Means) -> None:
        super().__init__(settings, rpc, means)
        self._settings = settings
        self._rpc = rpc

    async def send(self, notice: Notice) -> Sent:
        filled = fields(notice, self._zone, VOICE_LONGEST)
        out_id = reference(self.name, "out", notice.notification)  # 15 bytes are the most
        parameters = {
            "TtsCode": self._settings.template,
            "TtsParam": _parameters(self._settings.variables, filled),
            "PlayTimes": str(self._settings.play_times),
            "OutId": out_id,
        }
        if self._settings.shown_number:
            parameters["CalledShowNumber"] = self._settings.shown_number

        async def one(number: str) -> Taken:
            answer, line = await self._rpc.call("SingleCallByTts", {**parameters, "CalledNumber": number}, _CallAnswer)
            return Taken(line, (reference(self.name, "id", answer.call_id), out_id))

        return await self._numbers.send(notice, one)

    def _entries(self, body: bytes) -> Heard:
        entries = read(body, list[_CallReport])
        if entries is None:
            single = read(body, _CallReport)
            entries = [single] if single else None
        if entries is None:
            return refused(400, "not an array of VoiceReport or VoiceCallReport")
        return Heard(UNDERSTOOD, tuple(report for entry in entries for report in self._reports(entry)))

    def _reports(self, entry: _CallReport) -> list[Report]:
        call = reference(self.name, "id", entry.call_id)
        answer = said(entry.dtmf) if entry.dtmf else None
        if answer is not None:
            return [Report(answer, f"key {one_line(entry.dtmf or '')}", reference=call)]
        if entry.end_time is None:
            return []
        progress = Progress.DELIVERED if entry.status_code in PICKED_UP else Progress.FAILED
        return [Report(progress, one_line(f"{entry.status_code} {entry.status_msg}"), reference=call)]


# --- settings ------------------------------------------------------------------------------------------------------------------

class AliyunSmsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`sign_name` and `template` as approved. `pull` asks for reports every 15 s, where nobody can call this service from outside."""

    name: Name
    access_key_id: str
    access_key_secret: str
    sign_name: str
    template: str
    variables: dict[str, str] = {}
    to: Phones = ()
    callback_key: str = ""
    pull: bool = False
    endpoint: str = SMS
    ca: str = ""
    per_minute: PerMinute = 60

    def make(self, means: Means) -> Paced:
        return Paced(AliyunSms(self, _rpc(self, means), means), self.per_minute)


class AliyunVoiceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`shown_number`: a number of one's own, empty for the common ones. One number can be rung once a minute, 5 times an hour, 20 a day."""

    name: Name
    access_key_id: str
    access_key_secret: str
    template: str
    variables: dict[str, str] = {}
    to: Phones = ()
    shown_number: str = ""
    play_times: Annotated[int, msgspec.Meta(ge=1, le=3)] = 3
    callback_key: str = ""
    endpoint: str = VOICE
    ca: str = ""
    per_minute: PerMinute = 60

    def make(self, means: Means) -> Paced:
        return Paced(AliyunVoice(self, _rpc(self, means), means), self.per_minute)


def _rpc(settings: AliyunSmsSettings | AliyunVoiceSettings, means: Means) -> Rpc:
    web_address(settings.endpoint, "endpoint")
    for name, field in settings.variables.items():
        if field not in FIELDS:
            raise ValueError(f"variables: {name} = {field!r} is none of {', '.join(FIELDS)}")
    key_id = revealed("access_key_id", settings.access_key_id, means)
    key_secret = revealed("access_key_secret", settings.access_key_secret, means)
    return Rpc(settings.endpoint, VERSION, (key_id, key_secret), wall=means.wall, http=Http(trusted(settings.ca, means)))
