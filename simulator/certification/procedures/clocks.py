"""K: clocks. A report says when it happened, and says nothing where the device does not know."""

from datetime import UTC, datetime, timedelta

import msgspec

from simulator.certification.bench import Bench, Procedure
from simulator.certification.procedures.parts import noticed, seconds
from simulator.certification.trace import Report

SKEW = timedelta(seconds=60)
"""Beyond this the platform goes by the moment of receipt."""


def time_has_an_offset(bench: Bench) -> Procedure:
    said = [message for message in (yield from noticed(bench)) if message.report.at]
    if not said:
        return bench.inconclusive("报告不带时间，无法判定", "no report says its time, so this could not be measured")
    bad = [message for message in said if _moment(message.report) is None]
    if bad:
        return bench.failed(
            f"时间不带时区或格式错误：{bad[0].report.at[:60]}",
            f"a time without an offset, or in another form: {bad[0].report.at[:60]}", bad,
        )  # fmt: skip
    return bench.passed(said[:3])


def time_is_right(bench: Bench) -> Procedure:
    said = [message for message in (yield from noticed(bench)) if _moment(message.report) is not None]
    if not said:
        return bench.inconclusive("报告没有可读的时间，无法判定", "no report says a time that can be read, so this could not be measured")
    for message in said:
        told = _moment(message.report)
        assert told is not None
        if abs(told - message.at) > SKEW + bench.patience:
            off = seconds(abs(told - message.at))
            return bench.failed(f"报告的时间偏差 {off}", f"a report's time was {off} from the moment at which it came", message)
    return bench.passed(said[:3])


def _moment(report: Report) -> datetime | None:
    """The time that a report says: RFC 3339 with an offset, or milliseconds since 1970; None for anything else."""
    try:
        at = msgspec.json.decode(report.at, type=datetime | int)
    except msgspec.MsgspecError:
        return None
    if isinstance(at, int):
        return datetime.fromtimestamp(at / 1000, tz=UTC)
    return at if at.tzinfo is not None else None
