"""Charts from InfluxDB 1.x, thinned there. Its steps are ours: from 1970 and an offset on, stamped with their beginning, `fill(none)`."""

import msgspec

from devices.observation import Property
from gateway.outside_stores import Influx1
from gateway.store.history import Answer, Question, page
from gateway.telemetry.reading.asking import Asked, Span


class _Series(msgspec.Struct):
    values: list[tuple[int, int | float]]


class _Result(msgspec.Struct):
    series: list[_Series] = []
    error: str = ""


class _Answered(msgspec.Struct):
    results: list[_Result] = []
    error: str = ""


_decode = msgspec.json.Decoder(_Answered).decode


class InfluxQLCharts:
    """`Charts`."""

    def __init__(self, store: Influx1) -> None:
        self.name = store.name
        self._asked = Asked(store)
        self._database = store.database
        self._from = f"{_name(store.retention_policy)}." if store.retention_policy else ""

    def close(self) -> None:
        self._asked.close()

    def answer(self, question: Question) -> Answer:
        """As `Charts.answer`."""
        span = Span.of(question)
        words = {
            "db": self._database,
            "epoch": "ms",
            "q": self._statement(question.property, span),
            "params": msgspec.json.encode({"home": question.home, "device": question.device}).decode(),
        }
        try:
            answered = _decode(self._asked.ask("GET", "/query", query=words))
        except msgspec.MsgspecError as problem:
            raise self._asked.away(f"it answers what InfluxQL never does: {problem}") from problem
        for error in (answered.error, *(result.error for result in answered.results)):
            if error:
                raise self._asked.away(error)
        values = [(at * 1000, value) for result in answered.results for series in result.series for at, value in series.values]
        return page(values, question.property, span.kind, question.limit)

    def _statement(self, prop: Property, span: Span) -> str:
        wanted = f'{span.kind}("value")' if span.step else '"value"'
        steps = f" GROUP BY time({span.step}ms, {span.offset}ms) fill(none)" if span.step else ""
        return (
            f"SELECT {wanted} FROM {self._from}{_name(prop)} WHERE home = $home AND device = $device"  # noqa: S608 - bound, and of Property
            f" AND time >= {span.low}ms AND time < {span.high}ms{steps} ORDER BY time LIMIT {span.most}"
        )


def _name(identifier: str) -> str:
    escaped = identifier.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
