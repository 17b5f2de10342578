"""Charts from InfluxDB 2, thinned there by Flux.

Windows are aligned to 1970 and an offset; the first one is cut off at the beginning of the range and stamped with that, so every stamp is
brought back to the beginning of its step.
"""

import csv
import io
import json
from datetime import datetime

from gateway.outside_stores import Influx2
from gateway.store.history import Aggregate, Answer, Question, page
from gateway.store.segments import instant, micros
from gateway.telemetry.reading.asking import Asked, Span


class FluxCharts:
    """`Charts`."""

    def __init__(self, store: Influx2) -> None:
        self.name = store.name
        self._asked = Asked(store)
        self._bucket, self._org = store.bucket, store.org

    def close(self) -> None:
        self._asked.close()

    def answer(self, question: Question) -> Answer:
        """As `Charts.answer`."""
        span = Span.of(question)
        if span.low >= span.high:  # Flux refuses an empty range
            return [], None
        body = {"query": self._script(question, span), "dialect": {"header": True, "annotations": []}}
        answer = self._asked.ask(
            "POST", "/api/v2/query", query={"org": self._org}, body=json.dumps(body), kind="application/json",
        )  # fmt: skip
        try:
            values = [self._value(row, span) for row in csv.DictReader(io.StringIO(answer.decode()))]
        except (KeyError, ValueError, TypeError) as problem:
            raise self._asked.away(f"it answers what Flux never does: {problem!r}") from problem
        return page(values, question.property, span.kind, question.limit)

    def _value(self, row: dict[str, str], span: Span) -> tuple[int, int | float]:
        if "error" in row:  # a query that breaks off has answered 200 by then
            raise self._asked.away(row["error"])
        at = micros(datetime.fromisoformat(row["_time"]))
        value = int(row["_value"]) if span.kind is Aggregate.COUNT else float(row["_value"])
        return (span.beginning(at // 1000) * 1000 if span.step else at), value

    def _script(self, question: Question, span: Span) -> str:
        home, device, measurement = _text(question.home), _text(question.device), _text(question.property)
        wanted = f'r._measurement == {measurement} and r._field == "value" and r.home == {home} and r.device == {device}'
        steps = f'aggregateWindow(every: {span.step}ms, offset: {span.offset}ms, fn: {span.kind}, createEmpty: false, timeSrc: "_start")'
        return "\n  |> ".join([
            f"from(bucket: {_text(self._bucket)})",
            f"range(start: {_time(span.low)}, stop: {_time(span.high)})",
            f"filter(fn: (r) => {wanted})",
            "group()",
            'sort(columns: ["_time"])',
            *([steps] if span.step else []),
            f"limit(n: {span.most})",
            'keep(columns: ["_time", "_value"])',
        ])  # fmt: skip


def _text(value: str) -> str:
    """A Flux string; `${` would begin an expression in it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${").replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def _time(since_1970: int) -> str:
    return instant(since_1970 * 1000).isoformat(timespec="milliseconds").replace("+00:00", "Z")
