"""B: battery and end of life."""

from simulator.certification.bench import Bench, Procedure
from simulator.certification.procedures.parts import MINUTE
from simulator.virtual.stimulus import Stimulus


def low_battery_is_reported(bench: Bench) -> Procedure:
    level = bench.features.battery_low_at
    since = yield from bench.stimulate(Stimulus.BATTERY, max(1.0, level - 3))
    said = yield from bench.until(
        lambda: bench.trace.messages(since, where=lambda r: r.values.get("battery_low") is True), bench.heartbeat + MINUTE,
    )  # fmt: skip
    yield from bench.stimulate(Stimulus.BATTERY, 100)
    if not said:
        return bench.failed(
            f"电量低于声明的 {level:g} % 后没有上报 battery_low", f"battery_low was not reported below the {level:g} % that it states",
            bench.trace.messages(since)[:3],
        )  # fmt: skip
    return bench.passed(said[:1])
