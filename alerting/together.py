"""Closing many alerts as one event: a power cut, a burst pipe. Never one that no person has looked at."""

from collections.abc import Callable, Iterator, Mapping

from alerting.alert import Alert
from alerting.commands import CloseTogether
from alerting.desk import TEXT_LIMIT, Desk
from alerting.facts import AlertClosed
from alerting.refusals import IllegalTransition
from alerting.terms import Actor, AlertId, Origin, Sentence

TOGETHER_MOST = 1_000


def closed_together(
    command: CloseTogether, alerts: Mapping[AlertId, Alert], desk_of: Callable[[Alert], Desk], by: Actor,
) -> Iterator[AlertClosed]:  # fmt: skip
    """IllegalTransition at once where the wish itself is wrong; then each fact has to hold before the next one is asked for.

    What is left as it is: what was never looked at, what still holds (it takes a time, by itself), what is closed or a test.
    """
    if len(command.alerts) > TOGETHER_MOST:
        raise IllegalTransition(
            Sentence(f"一次最多办结 {TOGETHER_MOST} 条警报", f"no more than {TOGETHER_MOST} alerts are closed at once"),
        )
    known = [alerts[id_] for id_ in command.alerts if id_ in alerts]
    for alert in known[:1]:
        desk_of(alert).check_disposition(command.disposition)
    return _each(command, [alert.id for alert in known], alerts, desk_of, by)


def _each(
    command: CloseTogether, ids: list[AlertId], alerts: Mapping[AlertId, Alert], desk_of: Callable[[Alert], Desk], by: Actor,
) -> Iterator[AlertClosed]:  # fmt: skip
    for id_ in dict.fromkeys(ids):
        alert = alerts[id_]
        desk = desk_of(alert)
        if alert.open and alert.viewed_at is not None and alert.origin is Origin.REAL and not desk.holds(alert):
            yield desk.close(alert, by, command.disposition, command.reason, event=command.event.strip()[:TEXT_LIMIT] or "together")
