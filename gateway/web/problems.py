"""Refusals as RFC 9457 problem details: what was wrong, in Chinese and English, and which field."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from alerting.refusals import IllegalTransition, Unknown
from alerting.terms import Sentence
from gateway.control import AlarmProcessAway

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
FAULTS_MOST, FIELD_LONGEST = 10, 200
"""What is wrong a thousand times is refused by the first few: an answer is as long as a person reads, whatever was sent."""


class Words(BaseModel):
    """One sentence for people, in both languages."""

    zh: str
    en: str

    @classmethod
    def of(cls, sentence: Sentence) -> "Words":
        return cls(zh=sentence.zh, en=sentence.en)


class Fault(BaseModel):
    """One thing wrong in a request. `place`: body, query, path or header."""

    field: str
    place: str
    message: str


class ProblemDetails(BaseModel):
    """RFC 9457. `detail` is English, `sentence` says the same in both languages."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    sentence: Words
    errors: list[Fault] = []


class Problem(Exception):  # noqa: N818 - it is named as the RFC names it
    """A refusal on its way to whoever asked."""

    def __init__(
        self,
        status: int,
        sentence: Sentence,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(sentence.en)
        self.status = status
        self.sentence = sentence
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def details(self) -> ProblemDetails:
        return ProblemDetails(
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.sentence.en,
            sentence=Words.of(self.sentence),
            errors=self.errors,
        )

    def response(self) -> JSONResponse:
        return JSONResponse(self.details().model_dump(), self.status, self.headers, MEDIA_TYPE)


def unprocessable(field: str, message: str, *, place: str = "query", zh: str = "") -> Problem:
    """422 that names one field."""
    sentence = Sentence(f"{field}：{zh or message}", f"{field}: {message}")
    return Problem(422, sentence, errors=[Fault(field=field, place=place, message=message)])


def missing(zh: str, en: str) -> Problem:
    return Problem(404, Sentence(zh, en))


def away() -> Problem:
    """The alarm process does not answer. What was asked may have been done: the same key asks the same thing again."""
    sentence = Sentence(
        "告警进程暂时没有应答，操作可能已执行，也可能没有；请稍后再试一次",
        "the alarm process does not answer; the request may or may not have been carried out: try again",
    )
    return Problem(503, sentence, headers={"Retry-After": "1"})


def refused(error: IllegalTransition) -> Problem:
    """What the engine would not do."""
    return Problem(404 if isinstance(error, Unknown) else 409, error.sentence)


_WRONG = {
    "missing": "缺少此项", "extra_forbidden": "没有此项", "value_error": "内容不合要求", "string_pattern_mismatch": "格式不对",
    "string_type": "须为文字", "list_type": "须为列表", "model_attributes_type": "须为对象", "enum": "须为 {expected}",
    "literal_error": "须为 {expected}", "finite_number": "须为有限的数", "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符", "too_short": "至少 {min_length} 项", "too_long": "最多 {max_length} 项",
    "greater_than": "须大于 {gt}", "greater_than_equal": "不得小于 {ge}", "less_than": "须小于 {lt}", "less_than_equal": "不得大于 {le}",
    "timezone_aware": "须带时区",
}  # fmt: skip
_WRONG_KIND = {"int": "须为整数", "float": "须为数", "bool": "须为 true 或 false", "datetime": "须为带时区的时刻", "date": "须为日期"}
"""What pydantic found, in Chinese: by its type of error, else by what the value should have been."""


def _wrong(kind: str, particulars: Mapping[str, object], english: str) -> str:
    said = _WRONG.get(kind) or _WRONG_KIND.get(kind.split("_", maxsplit=1)[0])
    return said.format_map({name: str(value).replace(" or ", " 或 ") for name, value in particulars.items()}) if said else english


def _invalid(error: RequestValidationError) -> Problem:
    faults: list[Fault] = []
    wrong: list[str] = []
    for found in error.errors():
        place, *path = [str(step) for step in found["loc"]] or ["body"]
        if found["type"] == "json_invalid":
            reason = found.get("ctx", {}).get("error", "it cannot be read")
            return Problem(400, Sentence("请求正文不是有效的 JSON", f"the body is not JSON: {reason}"))
        faults.append(Fault(field=".".join(path)[:FIELD_LONGEST] or place, place=place, message=str(found["msg"])))
        wrong.append(f"{faults[-1].field}（{_wrong(found['type'], found.get('ctx', {}), faults[-1].message)}）")
    told, more = faults[:FAULTS_MOST], len(faults) - FAULTS_MOST
    said = "; ".join(f"{fault.field}: {fault.message}" for fault in told) + (f"; and {more} more" if more > 0 else "")
    fields = "、".join(wrong[:FAULTS_MOST]) + (f"，另有 {more} 处" if more > 0 else "")
    return Problem(422, Sentence(f"以下内容有误：{fields}", said), errors=told)


_GENERAL = {
    404: Sentence("没有这个地址", "there is nothing at this address"),
    405: Sentence("这个地址不支持该方法", "this address does not take that method"),
}


def install(app: FastAPI) -> None:
    """Every error leaves the application as problem details; what is a bug is logged here and told as a plain 500."""

    async def problem(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return error.response()

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return _invalid(error).response()

    async def plain(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        sentence = _GENERAL.get(error.status_code, Sentence(str(error.detail), str(error.detail)))
        return Problem(error.status_code, sentence, headers=error.headers).response()

    async def illegal(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, IllegalTransition)
        return refused(error).response()

    async def unreachable(_: Request, __: Exception) -> JSONResponse:
        return away().response()

    async def bug(request: Request, error: Exception) -> JSONResponse:
        logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return Problem(500, Sentence("服务内部错误，已记录", "the service made a mistake; it has been recorded")).response()

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(IllegalTransition, illegal)
    app.add_exception_handler(AlarmProcessAway, unreachable)
    app.add_exception_handler(Exception, bug)
