"""What befalls a home's line, its hub's power and its clocks, as processes of the story. What it does to bytes is `weather.py`."""

from random import Random

from simulator.home import VirtualHome
from simulator.world import HubForgot, LineCut, LineRestored, Part, Sky, WeatherTurned

DEAD_S = 0.5
"""Without power, in one flap."""


def cuts(home: VirtualHome, times: int, lasts_s: float, seed: str) -> Part:
    """The connection is gone and may be had again at once, at so many moments by chance."""
    now = yield home.so("line breaks now and then", f"{times} times")
    ends = now + lasts_s
    for moment in _moments(now, times, lasts_s, seed):
        now = yield max(0.0, moment - now)
        yield LineCut(home.id)
        now = yield LineRestored(home.id)
    now = yield max(0.0, ends - now)
    return (yield home.so("line holds again"))


def under(home: VirtualHome, name: str, sky: Sky, what: str, lasts_s: float, *, note: str = "", drops: bool = False) -> Part:
    """The line is in this weather for a while. `drops`: the connection of the moment does not outlive its beginning."""
    yield home.so(what, note)
    yield WeatherTurned(home.id, name, sky)
    if drops:
        yield LineCut(home.id)
        yield LineRestored(home.id)
    yield lasts_s
    yield WeatherTurned(home.id, name, None)
    return (yield home.so(f"no more: {what}"))


def power_flaps(home: VirtualHome, times: int, lasts_s: float, seed: str) -> Part:
    """The hub's power goes and comes: what it has not written to flash is gone, calls are written."""
    now = yield home.so("the hub's power flaps", f"{times} times")
    ends = now + lasts_s
    for moment in _moments(now, times, lasts_s, seed):
        now = yield max(0.0, moment - now)
        yield LineCut(home.id)
        yield HubForgot(home.id)
        now = yield DEAD_S
        now = yield LineRestored(home.id)
    now = yield max(0.0, ends - now)
    return (yield home.so("the hub's power is steady again"))


def clocks_jump(home: VirtualHome, by_s: float, times: int, lasts_s: float, seed: str) -> Part:
    """Every clock in the home is set about, by up to so much each way, and at the end set right."""
    chance = Random(f"{seed}:by")  # noqa: S311 - a story, not a secret
    now = yield home.so("clocks jump", f"{times} times, by up to {by_s:g} s")
    ends, off_s = now + lasts_s, 0.0
    for moment in _moments(now, times, lasts_s, seed):
        now = yield max(0.0, moment - now)
        to_s = chance.uniform(-by_s, by_s)
        _set(home, to_s - off_s)
        off_s = to_s
    now = yield max(0.0, ends - now)
    _set(home, -off_s)
    return (yield home.so("clocks are right again"))


def _moments(now: float, times: int, lasts_s: float, seed: str) -> list[float]:
    chance = Random(f"{seed}:moments")  # noqa: S311 - a story, not a secret
    return sorted(now + chance.uniform(0, lasts_s) for _ in range(times))


def _set(home: VirtualHome, by_s: float) -> None:
    for device in home.devices:
        device.quartz.wrong_s += by_s
