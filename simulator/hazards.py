"""What burns, leaks and poisons: a source in a room, and what the detector above it makes of the air."""

from math import exp, inf

import msgspec

from simulator import device as d
from simulator.deed import Deed
from simulator.physics.carbon_monoxide import CLEAR_PPM, Detector, Leak
from simulator.physics.fire import Burning, Fire, Growth
from simulator.physics.room import Air, mixed
from simulator.resident import Room
from simulator.wire import Values
from simulator.world import Part, Process, Said

WINDOWS_OPEN_H = 20.0
"""Changes an hour once somebody has come and opened everything."""
LOOKS_S, CALLS_S, CLEARS_S = 5.0, 10.0, 60.0
"""How often a smoke detector speaks while smoke builds up, while it calls, and while the room clears."""
ALL_CLEAR_AT = 0.03


def kitchen_fire(deed: Deed, now: float) -> Process:
    """Oil catches fire: flames at once. It is put out when the time is over, then windows are opened."""
    out_s = max(deed.lasts_s or 240, 60)
    yield from _burn(deed, Fire(Growth.MEDIUM, most_kw=60.0, out_s=out_s), now)


def forgotten_pan(deed: Deed, now: float) -> Process:
    """Rice burns on a stove that was forgotten: a quarter of an hour of smoke, then flames, unless somebody comes."""
    out_s = max(deed.lasts_s or 1500, 60)
    now = yield deed.so("forgets the stove")
    yield from _burn(deed, Fire(Growth.SLOW, smoulders_s=900, smoulder_g_s=0.05, most_kw=60.0, out_s=out_s), now)


def _burn(deed: Deed, fire: Fire, now: float) -> Part:
    home = deed.home
    home.smoke_until = inf
    now = yield home.so("fire begins", "kitchen", device=deed.device.id)
    began, marked, calling = now, False, True
    burning = Burning(fire, home.occupant.dwelling.air(Room.KITCHEN))
    while calling or burning.second < fire.out_s:
        if burning.second >= fire.out_s and burning.air.changes_h != WINDOWS_OPEN_H:
            now = yield home.so("fire is out", "kitchen", device=deed.device.id)
            burning.air = msgspec.structs.replace(burning.air, changes_h=WINDOWS_OPEN_H)
        reading = d.smoke_reading(burning.density, burning.temperature)
        now = yield home.say(deed.device, reading, now, deed.mark if reading.urgent and not marked else "")
        marked = marked or reading.urgent
        calling = burning.density > ALL_CLEAR_AT
        pause = LOOKS_S if not marked else CALLS_S if burning.second < fire.out_s else CLEARS_S
        now = yield min(pause, max(fire.out_s - burning.second, 1.0)) if burning.second < fire.out_s else pause
        burning.advance(now - began - burning.second)
    home.smoke_until = now
    now = yield home.say(deed.device, d.ALL_CLEAR, now)
    return now


def burn_food(deed: Deed, now: float) -> Process:
    """Enough to see, not enough to call: a puff that rises and thins, whose height stays under the detector's threshold."""
    lasts_s = deed.lasts_s or 90
    ends = now + lasts_s
    began, mark = now, deed.mark
    deed.home.smoke_until = ends + 1
    now = yield deed.so("burns the food a little")
    while now < ends:
        age = 2 * (now - began) / lasts_s
        reading = d.smoke_reading(d.SMOKE_ALARM_AT * 0.6 * age * exp(1 - age), 34.0)
        now = yield deed.home.say(deed.device, reading, now, mark)
        mark = ""
        now = yield 15.0


BOILER_M3_H = 0.06
BOILER_RUNS_S = 3 * 3600.0


def faulty_boiler(deed: Deed, now: float) -> Process:
    """A blocked flue: nobody smells it. The burner runs for its time, then somebody turns it off and opens the windows."""
    home, detector = deed.home, Detector()
    runs_s = deed.lasts_s or BOILER_RUNS_S
    leak = Leak(BOILER_M3_H, home.occupant.dwelling.air(Room.KITCHEN))
    now = yield home.so("boiler gives carbon monoxide", "kitchen", device=deed.device.id)
    began, marked = now, False
    while now - began < runs_s or detector.alarm:
        if now - began >= runs_s and leak.source_m3_h:
            now = yield home.so("boiler is off", "kitchen", device=deed.device.id)
            leak.source_m3_h, leak.air = 0.0, msgspec.structs.replace(leak.air, changes_h=WINDOWS_OPEN_H)
        calling = detector.alarm
        reading = Values(co=round(leak.ppm, 1))
        if calling:
            reading = msgspec.structs.replace(reading, co_alarm=True)
        now = yield home.say(deed.device, reading, now, deed.mark if calling and not marked else "")
        marked = marked or calling
        before = now
        now = yield 60.0
        leak.advance(now - before)
        detector.measure(leak.ppm, now - before)
    yield home.say(deed.device, Values(co=round(min(leak.ppm, CLEAR_PPM), 1), co_alarm=False), now)


GAS_M3_H = 0.5
LEL_M3_M3 = 0.05
"""Methane's lower explosive limit, 5 % of the air."""


def open_gas_tap(deed: Deed, now: float) -> Process:
    """The flame blew out and the tap stayed open, until somebody shuts it."""
    home = deed.home
    air = home.occupant.dwelling.air(Room.KITCHEN)
    now = yield deed.so("leaves the gas tap open")
    began, gas, marked = now, 0.0, False
    lasts_s = deed.lasts_s or 900
    while now - began < lasts_s or gas / air.volume_m3 / LEL_M3_M3 * 100 > d.GAS_ALARM_AT / 2:
        open_tap = now - began < lasts_s
        if not open_tap and air.changes_h != WINDOWS_OPEN_H:
            now = yield deed.so("the gas tap is shut")
            air = Air(air.volume_m3, WINDOWS_OPEN_H)
        level = gas / air.volume_m3 / LEL_M3_M3 * 100
        reading = Values(gas=round(level, 1))
        if level >= d.GAS_ALARM_AT:
            reading = msgspec.structs.replace(reading, gas_alarm=True)
        now = yield home.say(deed.device, reading, now, deed.mark if reading.urgent and not marked else "")
        marked = marked or reading.urgent
        before = now
        now = yield 15.0
        gas = mixed(gas, GAS_M3_H / 3600 if open_tap else 0.0, air, now - before)
    yield home.say(deed.device, Values(gas=0.0, gas_alarm=False), now)


def leave_tap_running(deed: Deed, now: float) -> Process:
    """The meter turns and turns; it says so every quarter of an hour."""
    home = deed.home
    now = yield deed.so("leaves a tap running", marked=True)
    home.water.open_tap(now)
    ends = now + (deed.lasts_s or 2 * 3600)
    while now < ends:
        now = yield min(900.0, ends - now)
        now = yield _meter(deed, now)
    home.water.shut_tap(now)
    yield deed.so("shuts the tap")


def _meter(deed: Deed, now: float) -> Said:
    return deed.home.say(deed.device, Values(water_used=deed.home.water.reads(now)), now)
