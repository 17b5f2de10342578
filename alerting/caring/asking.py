"""Who is asked for help, decided: the register of responders, requests, their answers, the resident's word. Pure."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from math import asin, cos, radians, sin, sqrt
from typing import assert_never

from msgspec.structs import replace

from alerting.caring.help_commands import AnswerHelp, AskHelp, HelpCommand, RateHelp, RetireResponder, SetResponder
from alerting.caring.help_facts import (
    HelpAnswered,
    HelpAsked,
    HelpOverdue,
    HelpRated,
    HelpReminded,
    MessageRequested,
    ResponderRetired,
    ResponderSet,
)
from alerting.caring.help_records import HELPS, STAGES, STEPS, Event, HelpId, HelpRequest, HelpStage, Responder, ResponderId, ResponderKind
from alerting.caring.helping import answer_by
from alerting.facts import AlertNoted, Fact
from alerting.home_state import HomeState
from alerting.identity import message_id
from alerting.refusals import Exists, IllegalTransition, Unknown
from alerting.registry import Registry
from alerting.schedule import parse
from alerting.terms import Actor, Sentence
from devices.home import AreaId, Home, HomeId
from devices.topic import ID

NOWHERE = HomeId("")
TEXT_LIMIT = 500
OPEN_MOST = 50
"""Requests of one home that are open at once."""
EARTH_KM = 6371.0


class Asking:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def decide(self, command: HelpCommand, by: Actor, now: datetime) -> list[Fact]:
        """The facts that a command becomes; Unknown, Exists or IllegalTransition, and nothing, where it may not be."""
        match command:
            case SetResponder(responder=responder):
                self._check(responder)
                return [ResponderSet(now, by, NOWHERE, responder)]
            case RetireResponder(responder=id_):
                self._responder(id_)
                return [ResponderRetired(now, by, NOWHERE, id_)]
            case AskHelp(request=request):
                return self._asked(request, by, now)
            case AnswerHelp():
                return self._answered(command, by, now)
            case RateHelp():
                return [self._rated(command, by, now)]
            case _:
                assert_never(command)

    def see_to(self, home: HomeState, now: datetime) -> Iterator[Fact]:
        """What is due of the requests of a home."""
        for request in list(home.care.helping.open.values()):
            if request.stage is HelpStage.ASKED and not request.reminded and answer_by(request) <= now:
                yield HelpReminded(now, home.id, request.id)
            if not request.overdue and request.due_at <= now:
                yield HelpOverdue(now, home.id, request.id)

    # --- requests --------------------------------------------------------------------------------------------------------------

    def _asked(self, request: HelpRequest, by: Actor, now: datetime) -> list[Fact]:
        home = self._registry.home(request.home)
        if home.retired:
            raise IllegalTransition(Sentence(f"住户 {home.id} 已停用", f"home {home.id} is retired"))
        responder = self._responder(request.responder)
        if request.help not in responder.helps:
            words = HELPS[request.help]
            raise IllegalTransition(Sentence(f"{responder.name} 不提供{words.zh}", f"{responder.name} does not give {words.en}"))
        if not self._serves(responder, home.area):
            raise IllegalTransition(Sentence(f"{responder.name} 不服务该区域", f"{responder.name} does not serve this area"))
        if request.due_at <= now:
            raise IllegalTransition(Sentence("完成时间须在将来", "it is to be done at a moment to come"))
        if home.care.helping.request(request.id) is not None:
            raise Exists(Sentence(f"请求 {request.id} 已存在", f"the request {request.id} exists already"))
        if len(home.care.helping.open) >= OPEN_MOST:
            raise IllegalTransition(Sentence(f"每户最多 {OPEN_MOST} 个未完成的请求", f"a home has {OPEN_MOST} open requests at most"))
        if request.alert is not None and request.alert not in home.alerts:
            raise Unknown(Sentence(f"该住户没有警报 {request.alert}", f"the home has no alert {request.alert}"))
        plain = replace(request, word=request.word.strip()[:TEXT_LIMIT], steps=(), reminded=False, overdue=False, stars=0, opinion="")
        facts: list[Fact] = [HelpAsked(now, by, home.id, plain)]
        if responder.channel:
            facts.append(_told(Event.HELP_REQUESTED, plain, responder, home, now))
        if request.alert is not None:
            words = HELPS[request.help]
            text = f"转为服务请求：{words.zh}，{responder.name} · asked {responder.name} for {words.en}"
            facts.append(AlertNoted(request.alert, now, home.id, by, text))
        return facts

    def _answered(self, command: AnswerHelp, by: Actor, now: datetime) -> list[Fact]:
        request = self._request(command.home, command.request)
        if command.stage not in STEPS[request.stage]:
            was, wanted = STAGES[request.stage], STAGES[command.stage]
            raise IllegalTransition(Sentence(f"请求{was.zh}，不能改为{wanted.zh}", f"the request is {was.en}: it cannot be {wanted.en}"))
        answered = HelpAnswered(now, by, command.home, request.id, command.stage, command.word.strip()[:TEXT_LIMIT])
        responder = self._registry.whole.care.helping.responders.get(request.responder)
        if command.stage is not HelpStage.CANCELLED or responder is None or not responder.channel:
            return [answered]
        return [answered, _told(Event.HELP_CANCELLED, request, responder, self._registry.homes[command.home], now)]

    def _rated(self, command: RateHelp, by: Actor, now: datetime) -> HelpRated:
        request = self._request(command.home, command.request)
        if request.stage is not HelpStage.DONE:
            raise IllegalTransition(Sentence("服务完成后才能评价", "what is not done yet cannot be rated"))
        if not 1 <= command.stars <= 5:
            raise IllegalTransition(Sentence("评价为 1 到 5 星", "a rating is 1 to 5 stars"))
        return HelpRated(now, by, command.home, request.id, command.stars, command.opinion.strip()[:TEXT_LIMIT])

    def _request(self, home: HomeId, id_: HelpId) -> HelpRequest:
        request = self._registry.home(home).care.helping.request(id_)
        if request is None:
            raise Unknown(Sentence(f"没有编号为 {id_[:80]} 的请求", f"there is no request {id_[:80]}"))
        return request

    # --- responders ------------------------------------------------------------------------------------------------------------

    def _responder(self, id_: ResponderId) -> Responder:
        responder = self._registry.whole.care.helping.responders.get(id_)
        if responder is None:
            raise Unknown(Sentence(f"没有编号为 {id_[:80]} 的响应人员", f"there is no responder {id_[:80]}"))
        return responder

    def _serves(self, responder: Responder, area: AreaId) -> bool:
        return serves(responder, area, lambda id_: known.parent if (known := self._registry.areas.get(id_)) else None)

    def _check(self, responder: Responder) -> None:
        if not ID.match(responder.id):
            raise IllegalTransition(
                Sentence("编号须为 1 到 64 位字母、数字、下划线或连字符", f"{responder.id[:80]!r} is not 1 to 64 of A-Z a-z 0-9 _ -"),
            )
        if responder.area not in self._registry.areas:
            raise Unknown(Sentence(f"没有编号为 {responder.area[:80]} 的区域", f"there is no area {responder.area[:80]}"))
        if responder.kind is ResponderKind.SERVICE and not responder.helps:
            raise IllegalTransition(Sentence("请注明提供哪些服务", "a service says which of the six helps it gives"))
        if (responder.latitude is None) != (responder.longitude is None):
            raise IllegalTransition(Sentence("经纬度须同时填写", "latitude and longitude go together"))
        try:
            parse(responder.hours)
        except ValueError as problem:
            raise IllegalTransition(Sentence(f"服务时间不对：{problem}", f"hours: {problem}")) from problem


def serves(responder: Responder, area: AreaId, parent: Callable[[AreaId], AreaId | None]) -> bool:
    """Whether the area is the responder's, or lies in it."""
    above: AreaId | None = area
    while above is not None:
        if above == responder.area:
            return True
        above = parent(above)
    return False


def kilometres(responder: Responder, home: Home | None) -> float | None:
    """As the crow flies, by the haversine formula; None where one of the two has no place."""
    if home is None or None in (home.latitude, home.longitude, responder.latitude, responder.longitude):
        return None
    lat1, lon1, lat2, lon2 = (
        radians(degrees or 0.0) for degrees in (home.latitude, home.longitude, responder.latitude, responder.longitude)
    )
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(min(1.0, half)))


def _told(event: Event, request: HelpRequest, responder: Responder, home: HomeState, now: datetime) -> MessageRequested:
    words = HELPS[request.help]
    if event is Event.HELP_CANCELLED:
        title = Sentence(f"取消服务请求：{words.zh}", f"request cancelled: {words.en}")
    else:
        title = Sentence(f"服务请求：{words.zh}", f"request: {words.en}")
    text = Sentence(request.word or words.zh, request.word or words.en)
    id_ = message_id(home.id, event, request.id)
    return MessageRequested(id_, now, home.id, responder.channel, event, title, text, help=request.id)


def in_hours(responders: Iterable[Responder], minutes: int) -> Iterator[Responder]:
    """Those who are there at a minute of the day."""
    for responder in responders:
        windows = parse(responder.hours).hours
        if not windows or any(begin <= minutes < end or (end < begin and not end <= minutes < begin) for begin, end in windows):
            yield responder
