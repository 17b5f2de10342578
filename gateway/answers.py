"""What comes back from the people who were told: callbacks of providers, keys, replies, links; and tests of the channels.

In the alarm process, since the channels and the state of alerts are here. Whoever accepts or declines, by whatever way, becomes one
`Respond` under one key a notification: the first answer stands, and the same answer given again changes nothing.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import logging
import os
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Protocol

from alerting.caring import help_commands as commands
from alerting.caring.help_records import HelpRequest
from alerting.commands import Asked, Respond
from alerting.engine import Engine
from alerting.items import DeliveryReported
from alerting.terms import Actor, NotificationId, Progress, Sentence, Stage
from alerting.told import ANSWERS, Told
from gateway.control import Deliveries
from gateway.inbox import Outcome
from gateway.notify.callback import Hears, Report, refused
from gateway.notify.channel import Channel, Sent, one_line
from gateway.notify.delivery import Delivery
from gateway.notify.trial import trial
from gateway.reaching import AnswerBy, AnswerHelp, Callback, Granted, HelpTaken, LinkState, LookAt, Shown, Tried, TryChannel, Wish

log = logging.getLogger(__name__)

CONTACT = Actor("contact")
"""Who answered from outside, in the journal; the responder's name stands beside it."""

LINK_LASTS = timedelta(hours=12)
KEY_BYTES = 32
TRIAL_EVERY_S = 2.0
"""A channel is tried this often at most: a test is a message that somebody gets."""
NAME_LONGEST = 40

STAGES = {Progress.ACCEPTED: Stage.ACCEPTED, Progress.DECLINED: Stage.DECLINED}
PROGRESS = {stage: progress for progress, stage in STAGES.items()}


class Inbox(Protocol):
    """As much of the loop as is needed."""

    def ask(self, asked: Asked, answer: Callable[[Outcome], None]) -> None: ...

    def reported(self, reports: Sequence[DeliveryReported], done: Callable[[], None]) -> None: ...


class Codes:
    """The code of a notification's page: 80 bits that only the key gives. Without state, so that it is the same after a crash."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[str, NotificationId] = {}
        self._hashed: set[NotificationId] = set()

    def of(self, notification: NotificationId) -> str:
        digest = hashlib.blake2b(notification.encode(), digest_size=10, key=self._key).digest()
        return base64.b32encode(digest).decode().lower()

    def for_help(self, request: HelpRequest) -> str:
        """What answers a request for help: only whoever it was sent to has it."""
        of = f"{request.home}\0{request.id}\0{request.responder}"
        digest = hashlib.blake2b(of.encode(), digest_size=20, key=self._key, person=b"help").digest()
        return base64.b32encode(digest).decode().lower()

    def find(self, code: str, notifications: Collection[NotificationId]) -> NotificationId | None:
        """Among these; each is hashed once, however many guess."""
        if code not in self._known:
            if len(self._hashed) > 2 * len(notifications) + 1000:
                self._known, self._hashed = {}, set()
            for id_ in notifications:
                if id_ not in self._hashed:
                    self._hashed.add(id_)
                    self._known[self.of(id_)] = id_
        return self._known.get(code)


def link_key(path: Path) -> bytes:
    """Of this folder, made once; only this user may read it. A full disk keeps nobody from starting: then it is that of this run."""
    with contextlib.suppress(OSError):
        if len(key := path.read_bytes()) == KEY_BYTES:
            return key
    key = secrets.token_bytes(KEY_BYTES)
    try:
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as problem:
        log.warning("links that are sent now end with this run of the service: %s: %s", path, problem)
    return key


class Answers:
    """`grant` is the control socket's: it answers once, where something was changed after that is on disk."""

    def __init__(self, engine: Engine, inbox: Inbox, delivery: Delivery, codes: Codes, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._inbox = inbox
        self._delivery = delivery
        self._codes = codes
        self._now = now
        self._tried_at: dict[str, float] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def grant(self, wish: Wish, answer: Callable[[Granted], None]) -> None:
        match wish:
            case Callback():
                self._heard(wish, answer)
            case TryChannel():
                self._try(wish, answer)
            case LookAt():
                answer(self._shown(self._find(wish.token)))
            case AnswerBy():
                self._answer(wish, answer)
            case AnswerHelp():
                self._help(wish, answer)

    # --- callbacks and reports -------------------------------------------------------------------------------------------------

    def _heard(self, callback: Callback, answer: Callable[[Granted], None]) -> None:
        channel = self._delivery.channels.get(callback.channel)
        heard = channel.heard(callback) if isinstance(channel, Hears) else refused(404, "no such channel")
        if heard.reports:
            self.take(heard.reports, lambda: answer(heard.answer))
        else:
            answer(heard.answer)

    def pulled(self, channel: Channel, report: Report) -> None:
        log.info("channel %s reports %s", channel.name, report.progress.value)
        self.take((report,), lambda: None)

    def take(self, reports: Iterable[Report], done: Callable[[], None]) -> None:
        """Those of notifications that are remembered go into the loop; `done` when they are on disk, or there are none."""
        items = []
        for report in reports:
            id_ = self._engine.tellings.find(report.notification, report.reference)
            told = self._engine.tellings.by_id.get(id_) if id_ else None
            if id_ is None or told is None:
                log.info("a report of a notification that is not known: %s %s", report.progress.value, report.detail)
                continue
            if report.progress in ANSWERS and told.answer is None:
                self._inbox.ask(self._respond(id_, told, STAGES[report.progress], report.responder), _unread)
            items.append(DeliveryReported(id_, told.alert, told.home, report.progress, report.detail))
        if items:
            self._inbox.reported(items, done)
        else:
            done()

    def _respond(self, id_: NotificationId, told: Told, stage: Stage, responder: str) -> Asked:
        return Asked(Respond(told.alert, self._responder(told, responder), stage, id_), CONTACT, f"answer {id_}")

    def _responder(self, told: Told, said: str) -> str:
        """The person the step named, else who they say they are, else what the target is called."""
        home = self._engine.homes.get(told.home)
        if told.person is not None and home is not None and told.person in home.people:
            return home.people[told.person].name
        if told.staff is not None and (known := self._engine.registry.duties.staff.get(told.staff)) is not None:
            return known.name
        if name := one_line(said)[:NAME_LONGEST]:
            return name
        return next((target.zh or target.name for target in self._engine.ruleset.targets if target.name == told.target), told.target)

    # --- links -----------------------------------------------------------------------------------------------------------------

    def _find(self, code: str) -> NotificationId | None:
        return self._codes.find(code, self._engine.tellings.by_id)

    def _shown(self, id_: NotificationId | None, problem: Sentence | None = None) -> Shown:
        told = self._engine.tellings.by_id.get(id_) if id_ is not None else None
        alert = self._engine.alerts.get(told.alert) if told is not None else None
        if told is None or alert is None:
            return Shown(LinkState.UNKNOWN)
        if not alert.open:
            return Shown(LinkState.CLOSED)
        home = self._engine.homes.get(alert.home)
        name = home.record.name if home is not None and home.record is not None else ""
        answer = STAGES[told.answer] if told.answer is not None else None
        helped = any(responder.stage is not Stage.DECLINED for responder in alert.responders)
        state = LinkState.ANSWERED if answer else LinkState.EXPIRED if self._now() > told.at + LINK_LASTS else LinkState.OPEN
        if state is LinkState.EXPIRED:
            return Shown(state)
        return Shown(state, alert.title, name, alert.raised_at, answer, told.person is not None, helped, problem)

    def _answer(self, wish: AnswerBy, answer: Callable[[Granted], None]) -> None:
        id_ = self._find(wish.token)
        before = self._shown(id_)
        told = self._engine.tellings.by_id.get(id_) if id_ is not None else None
        progress = PROGRESS.get(wish.stage)
        if before.state is not LinkState.OPEN or id_ is None or told is None or progress is None:
            answer(before)
            return

        def responded(outcome: Outcome) -> None:
            if outcome.error is not None:
                answer(self._shown(id_, outcome.error.sentence))
                return
            report = DeliveryReported(id_, told.alert, told.home, progress, "link")
            self._inbox.reported((report,), lambda: answer(self._shown(id_)))

        self._inbox.ask(self._respond(id_, told, wish.stage, wish.name), responded)

    # --- requests for help -----------------------------------------------------------------------------------------------------

    def _help(self, wish: AnswerHelp, answer: Callable[[Granted], None]) -> None:
        home = self._engine.homes.get(wish.home)
        request = home.care.helping.request(wish.request) if home is not None else None
        if request is None or not hmac.compare_digest(self._codes.for_help(request).encode(), wish.token.encode("utf-8", "surrogatepass")):
            answer(HelpTaken(known=False))
            return

        def answered(outcome: Outcome) -> None:
            known = home.care.helping.request(wish.request) if home is not None else None
            stage = known.stage if known is not None else None
            answer(HelpTaken(known=True, stage=stage, problem=outcome.error.sentence if outcome.error is not None else None))

        if request.stage is wish.stage:  # told again: whoever lost our answer gets it once more
            answer(HelpTaken(known=True, stage=request.stage))
            return
        by = Actor(f"responder:{request.responder}")
        self._inbox.ask(Asked(commands.AnswerHelp(wish.home, wish.request, wish.stage, wish.word), by), answered)

    # --- tests -----------------------------------------------------------------------------------------------------------------

    def _try(self, wish: TryChannel, answer: Callable[[Granted], None]) -> None:
        if wish.channel not in self._delivery.channels:
            answer(Tried(known=False))
            return
        now = monotonic()
        busy = self._tried_at.get(wish.channel, now - TRIAL_EVERY_S) + TRIAL_EVERY_S - now
        if busy > 0:
            answer(Tried(known=True, busy_s=busy))
            return
        self._tried_at[wish.channel] = now
        task = asyncio.create_task(self._trial(wish, answer), name=f"test of {wish.channel}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _trial(self, wish: TryChannel, answer: Callable[[Granted], None]) -> None:
        began = monotonic()
        log.info("%s tries the channel %s", wish.by, wish.channel)
        went = await self._delivery.trial(trial(wish.channel, wish.by, self._now()))
        took = monotonic() - began
        if isinstance(went, Sent):
            answer(Tried(known=True, delivered=True, detail=went.detail, took_s=took))
        else:
            answer(Tried(known=True, detail=went.detail, transient=went.transient, took_s=took))


def deliveries(delivery: Delivery) -> dict[str, Deliveries]:
    """How the channels are, for the pages."""
    return {
        name: Deliveries(
            c.sent, c.failed, c.retried, c.pending, delivery.channels[name].kind, c.last_success_at, c.last_failure_at, c.last_failure,
        )
        for name, c in delivery.counts.items()
    }


def _unread(outcome: Outcome) -> None:
    """Nobody waits for it; a refusal (the alert is closed) is told on the timeline by the report itself."""
    if outcome.error is not None:
        log.info("an answer changed nothing: %s", outcome.error.sentence.en)
