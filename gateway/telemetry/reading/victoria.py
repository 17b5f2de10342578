"""Charts from VictoriaMetrics: its samples as they stand, thinned here.

Its PromQL would thin them there, but not to the same numbers: a window ends at its stamp and includes it, the newest 30 s are withheld
or filled with what was before, answers come from a cache, and a line that came twice counts twice. Half a million samples, a year at one
a minute, are exported in a fifth of a second here.
"""

from collections.abc import Iterator
from heapq import merge

import msgspec

from gateway.outside_stores import VictoriaMetrics
from gateway.store.history import Aggregate, Answer, Question, page
from gateway.telemetry.reading.asking import Asked, Span

FIELD = "value"
"""A field becomes part of the metric's name: `heart_rate_value`."""

DAY_MS = 86_400_000
FIRST_WINDOW = {True: 31 * DAY_MS, False: DAY_MS}
"""Read at once, thinned or not; twice as much each time nothing was there."""

Sample = tuple[int, int | float]


class _Series(msgspec.Struct):
    values: list[int | float]
    timestamps: list[int]


_decode = msgspec.json.Decoder(_Series).decode_lines


class VictoriaCharts:
    """`Charts`."""

    def __init__(self, store: VictoriaMetrics) -> None:
        self.name = store.name
        self._asked = Asked(store)

    def close(self) -> None:
        self._asked.close()

    def answer(self, question: Question) -> Answer:
        """As `Charts.answer`."""
        span = Span.of(question)
        metric, home, device = f"{question.property}_{FIELD}", _text(question.home), _text(question.device)
        steps = thinned(self._samples(f'{{__name__="{metric}",home={home},device={device}}}', span), span)
        return page([(at * 1000, value) for at, value in steps], question.property, span.kind, question.limit)

    def _samples(self, wanted: str, span: Span) -> Iterator[Sample]:
        """In the order of time, each once, also where a line came twice or a device has changed its model."""
        low, window = span.low, FIRST_WINDOW[span.step > 0]
        while low < span.high:
            high = min(low + window, span.high)
            query = {"match[]": wanted, "start": f"{low / 1000:.3f}", "end": f"{(high - 1) / 1000:.3f}"}
            try:
                found = _decode(self._asked.ask("GET", "/api/v1/export", query=query))
            except msgspec.MsgspecError as problem:
                raise self._asked.away(f"it answers what an export never does: {problem}") from problem
            latest = -1
            for at, value in merge(*(zip(series.timestamps, series.values, strict=True) for series in found)):
                if at != latest:
                    yield at, value
                latest = at
            low, window = high, window if found else window * 2


def thinned(samples: Iterator[Sample], span: Span) -> list[Sample]:
    """One value a step, at most as many as the span wants; the last one of those may be unfinished."""
    if not span.step:
        return [sample for sample, _ in zip(samples, range(span.most), strict=False)]
    steps: list[Sample] = []
    inside: list[int | float] = []
    for at, value in samples:
        begins = span.beginning(at)
        if not steps or steps[-1][0] != begins:
            if steps:
                steps[-1] = (steps[-1][0], _reckoned(inside, span.kind))
            if len(steps) == span.most:
                return steps
            steps.append((begins, 0))
            inside = []
        inside.append(value)
    if steps:
        steps[-1] = (steps[-1][0], _reckoned(inside, span.kind))
    return steps


def _reckoned(values: list[int | float], kind: Aggregate) -> int | float:
    match kind:
        case Aggregate.MEAN:
            return sum(values) / len(values)
        case Aggregate.MIN:
            return min(values)
        case Aggregate.MAX:
            return max(values)
        case Aggregate.LAST:
            return values[-1]
        case Aggregate.COUNT:
            return len(values)


def _text(value: str) -> str:
    """A PromQL string."""
    return msgspec.json.encode(value).decode()
