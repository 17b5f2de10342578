"""Fakes of Alibaba Cloud's and Tencent Cloud's SMS and voice, written after their public documents and not after our code.

Signatures are computed here once more. What they call back is in the words of the documents: SmsReport, SmsUp, VoiceReport and
VoiceCallReport; status report, reply, voiceprompt, voicekey and voice_failure callbacks. No such provider is reached by a test.
"""

import hashlib
import hmac
import itertools
import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.provider import Json, Provider
from tests.notices import Hit


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class FakeAliyun(Provider):
    """SendSms, QuerySendDetails and SingleCallByTts of version 2017-05-25. `delivered`: what the details say, by BizId."""

    key_id, key_secret = "LTAIfake", "fake-secret-of-aliyun"

    def __init__(self, wall: datetime) -> None:
        super().__init__()
        self.wall = wall
        self.status: dict[str, int] = {}
        self._ids = itertools.count(1)
        self._nonces: set[str] = set()

    def judge(self, hit: Hit) -> tuple[str, Json]:
        fault = self._unsigned(hit)
        if fault:
            return "400 Bad Request", {"Code": fault, "Message": fault, "RequestId": "R"}
        asked = dict(parse_qsl(urlsplit(hit.target).query, keep_blank_values=True))
        action = hit.headers["x-acs-action"]
        if action == "QuerySendDetails":
            status = self.status.get(asked["BizId"], 1)
            code = {2: "MOBILE_SEND_LIMIT", 3: "DELIVERED"}.get(status, "")
            detail = {"SendStatus": status, "ErrCode": code, "PhoneNum": asked["PhoneNumber"]}
            return "200 OK", {"Code": "OK", "Message": "OK", "TotalCount": "1", "SmsSendDetailDTOs": {"SmsSendDetailDTO": [detail]}}
        wanted = {"SendSms": ("PhoneNumbers", "SignName", "TemplateCode"), "SingleCallByTts": ("CalledNumber", "TtsCode")}[action]
        if any(not asked.get(name) for name in wanted):
            return "400 Bad Request", {"Code": "MissingParameter", "Message": "", "RequestId": "R"}
        number = asked[wanted[0]]
        if not (number.isdigit() and len(number) == 11):
            return "200 OK", {"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": number, "RequestId": "R"}
        values = json.loads(asked.get("TemplateParam" if action == "SendSms" else "TtsParam") or "{}")
        if any(len(value) > 35 for value in values.values()) and action == "SendSms":
            return "200 OK", {"Code": "isv.PARAM_LENGTH_LIMIT", "Message": "", "RequestId": "R"}
        if action == "SingleCallByTts" and len(asked.get("OutId", "").encode()) > 15:
            return "200 OK", {"Code": "isv.INVALID_PARAMETERS", "Message": "OutId", "RequestId": "R"}
        id_ = f"{next(self._ids)}^0"
        self.taken.append({"action": action, "id": id_, **asked, "values": values})
        return "200 OK", {"Code": "OK", "Message": "OK", "RequestId": "R", ("BizId" if action == "SendSms" else "CallId"): id_}

    def _unsigned(self, hit: Hit) -> str:
        """What is wrong with the signature; empty for a good one (V3: ACS3-HMAC-SHA256)."""
        headers = hit.headers
        words = dict(part.split("=", 1) for part in headers["authorization"].removeprefix("ACS3-HMAC-SHA256 ").split(","))
        if words["Credential"] != self.key_id:
            return "InvalidAccessKeyId.NotFound"
        at = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs((self.wall - at).total_seconds()) > 900:
            return "InvalidTimeStamp.Expired"
        if headers["x-acs-signature-nonce"] in self._nonces:
            return "SignatureNonceUsed"
        self._nonces.add(headers["x-acs-signature-nonce"])
        names = words["SignedHeaders"].split(";")
        if not {"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-content-sha256", "x-acs-signature-nonce"} <= set(names):
            return "IncompleteSignature"
        url = urlsplit(hit.target)
        request = f"POST\n{url.path}\n{url.query}\n"  # it is sent in canonical order and encoding, which the next lines would not forgive
        request += "".join(f"{name}:{headers[name]}\n" for name in names) + f"\n{words['SignedHeaders']}\n{_sha(hit.body)}"
        mac = hmac.new(self.key_secret.encode(), f"ACS3-HMAC-SHA256\n{_sha(request.encode())}".encode(), "sha256").hexdigest()
        return "" if mac == words["Signature"] and url.query.split("&") == sorted(url.query.split("&")) else "SignatureDoesNotMatch"


class FakeTencent(Provider):
    """SendSms and PullSmsSendStatusByPhoneNumber of 2021-01-11, SendTtsVoice of 2020-09-02. `refuse`: the code of the next numbers."""

    secret_id, secret_key = "AKIDfake", "fake-secret-of-tencent"

    def __init__(self, wall: datetime) -> None:
        super().__init__()
        self.wall = wall
        self.refuse: list[str] = []
        self.status: dict[str, str] = {}
        self._ids = itertools.count(1)

    def judge(self, hit: Hit) -> tuple[str, Json]:
        fault = self._unsigned(hit)
        if fault:
            return self.failed(fault)
        asked = json.loads(hit.body)
        action = hit.headers["x-tc-action"]
        id_ = f"sid-{next(self._ids)}"
        if action == "PullSmsSendStatusByPhoneNumber":
            found = [
                {"SerialNo": serial, "ReportStatus": status, "Description": "DELIVRD", "PhoneNumber": asked["PhoneNumber"]}
                for serial, status in self.status.items()
            ]
            return self.answered({"PullSmsSendStatusSet": found})
        if action == "SendTtsVoice":
            if not asked["CalledNumber"].startswith("+86"):
                return self.failed("InvalidParameterValue.CalledNumberVerifyFail")
            self.taken.append({"action": action, "id": id_, **asked})
            return self.answered({"SendStatus": {"CallId": id_, "SessionContext": asked["SessionContext"]}})
        (number,) = asked["PhoneNumberSet"]
        code = self.refuse.pop(0) if self.refuse else "Ok"
        if code == "Ok":
            self.taken.append({"action": action, "id": id_, **asked})
        told = {"SerialNo": id_ if code == "Ok" else "", "PhoneNumber": number, "Fee": 1, "Code": code, "Message": code, "IsoCode": "CN"}
        return self.answered({"SendStatusSet": [told]})

    @staticmethod
    def answered(response: Json) -> tuple[str, Json]:
        return "200 OK", {"Response": {**response, "RequestId": "R"}}

    @staticmethod
    def failed(code: str) -> tuple[str, Json]:
        return "200 OK", {"Response": {"Error": {"Code": code, "Message": code}, "RequestId": "R"}}

    def _unsigned(self, hit: Hit) -> str:
        """TC3-HMAC-SHA256, as the "signature method v3" has it."""
        headers = hit.headers
        service, version = {"SendTtsVoice": ("vms", "2020-09-02")}.get(headers["x-tc-action"], ("sms", "2021-01-11"))
        if headers["x-tc-version"] != version:
            return "InvalidAction"
        stamp = int(headers["x-tc-timestamp"])
        if abs(self.wall.timestamp() - stamp) > 300:
            return "AuthFailure.SignatureExpire"
        words = dict(part.split("=", 1) for part in headers["authorization"].removeprefix("TC3-HMAC-SHA256 ").split(", "))
        date = datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%d")
        scope = f"{date}/{service}/tc3_request"
        if words["Credential"] != f"{self.secret_id}/{scope}":
            return "AuthFailure.SecretIdNotFound"
        names = words["SignedHeaders"]
        lines = "".join(f"{name}:{headers[name].lower()}\n" for name in names.split(";"))
        request = f"POST\n{hit.target}\n\n{lines}\n{names}\n{_sha(hit.body)}"
        key = f"TC3{self.secret_key}".encode()
        for part in (date, service, "tc3_request"):
            key = hmac.new(key, part.encode(), "sha256").digest()
        mac = hmac.new(key, f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{_sha(request.encode())}".encode(), "sha256").hexdigest()
        return "" if mac == words["Signature"] else "AuthFailure.SignatureFailure"
