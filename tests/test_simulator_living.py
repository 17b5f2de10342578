"""Homes that live: what a body, a bed, a meter, a cell and a detector show over days, and that they hang together."""

from itertools import pairwise
from random import Random
from statistics import mean

import msgspec
import pytest
from msgspec import UNSET

from simulator.acts import Act
from simulator.body import Body, Health, Illness
from simulator.casting import furnished
from simulator.clock import DAY_S
from simulator.home import Occupant, VirtualHome, virtual_homes
from simulator.living import Living
from simulator.plan import Plant, Stage
from simulator.registry import demo_homes
from simulator.resident import Habits
from simulator.scenario import Event, Scenario, load
from simulator.sleep import Phase, Spell, night
from simulator.story import Fault, Span, Trouble
from simulator.wire import Values
from simulator.world import Emission, Happened, LineCut, LineRestored, Said, World

KIT = ("hub", "cord-bed", "cord-bath", "smoke", "co", "gas", "watch", "bed", "door", "motion-bed", "motion-bath", "meter", "power", "water")


def house(occupant: Occupant | None = None, *, local_s: float = 0.0, number: int = 1) -> VirtualHome:
    record = furnished(demo_homes(number, 1)[number - 1], KIT)
    return virtual_homes([record], seed=1, local_s=local_s, all_zigbee=False, occupants={record.id: occupant} if occupant else None)[0]


def lived(home: VirtualHome, seconds: float) -> list[tuple[float, Emission]]:
    world = World()
    Living(home).begin(world, everyday=True)
    return list(world.run(seconds))


def told(home: VirtualHome, *events: Event, faults: tuple[Fault, ...] = (), seconds: float = 4 * 3600.0) -> list[tuple[float, Emission]]:
    world = World()
    plants: list[Plant] = []
    scenario = msgspec.structs.replace(quiet(), event=events, fault=faults, duration=Span(seconds))
    Stage(scenario, (home,), 1, world, plants.append).set_up()
    return list(world.run(seconds))


def quiet() -> Scenario:
    return msgspec.structs.replace(load("pulled_cord"), homes=1, event=(), everyday=False)


def says(moments: list[tuple[float, Emission]], slot: str) -> list[tuple[float, Values]]:
    return [(at, e.values) for at, e in moments if isinstance(e, Said) and e.device == f"{e.home}-{slot}"]


def happened(moments: list[tuple[float, Emission]], what: str) -> list[float]:
    return [at for at, e in moments if isinstance(e, Happened) and e.what == what]


def event(act: Act, at: float = 60.0, lasts: float | None = None) -> Event:
    return Event(Span(at), act, "nothing", lasts=None if lasts is None else Span(lasts))


def test_the_bed_is_full_at_night_and_empty_by_day_and_its_mat_measures_whoever_lies_in_it() -> None:
    mat = says(lived(house(), 2 * DAY_S), "bed")
    night_time = [values for at, values in mat if 0.5 < at % DAY_S / 3600 < 4]
    noon = [values for at, values in mat if 8 < at % DAY_S / 3600 < 10]
    assert mean(values.bed_occupied is True for values in night_time) > 0.8
    assert not any(values.bed_occupied is True for values in noon)
    rates = [values.respiration_rate for _, values in mat if not isinstance(values.respiration_rate, msgspec.UnsetType)]
    assert len(rates) > 100
    assert all(9 < rate < 25 for rate in rates)


def test_a_bad_sleeper_is_awake_more_and_deep_sleep_comes_first() -> None:
    def spells(restless: float) -> list[Spell]:
        return list(night(0.0, 8 * 3600.0, Random(1), restless))

    def awake(restless: float) -> float:
        return sum(s.ends - s.begins for s in spells(restless) if s.phase is Phase.AWAKE)

    assert awake(4.0) > 2 * awake(1.0)
    deep = [s for s in spells(1.0) if s.phase is Phase.DEEP]
    assert sum(s.ends - s.begins for s in deep if s.begins < 3 * 3600) > 0.5 * sum(s.ends - s.begins for s in deep)
    assert all(before.ends == after.begins for before, after in pairwise(spells(1.0)))


def test_water_is_drawn_when_somebody_is_up_and_a_tap_that_runs_shows_within_the_hour() -> None:
    home = house()
    read = [(at, values.water_used) for at, values in says(lived(home, DAY_S), "meter")]
    numbers = [float(value) for _, value in read if not isinstance(value, msgspec.UnsetType)]
    assert numbers == sorted(numbers)
    assert 0.05 < numbers[-1] - numbers[0] < 0.35  # m³ a day and person
    running = told(house(), event(Act.LEAVE_TAP_RUNNING, lasts=7200))
    values = [v.water_used for at, v in says(running, "meter") if 60 <= at <= 7260 and not isinstance(v.water_used, msgspec.UnsetType)]
    assert values[-1] - values[0] > 0.5


def test_a_day_uses_one_to_four_kilowatt_hours_and_none_while_the_mains_are_out() -> None:
    energy = [v.energy_used for _, v in says(lived(house(), DAY_S), "power") if not isinstance(v.energy_used, msgspec.UnsetType)]
    assert 1.0 < energy[-1] - energy[0] < 6.0
    out = told(house(), faults=(Fault(Span(100), Trouble.MAINS_OUTAGE, Span(7200)),))
    assert not [at for at, _ in says(out, "power") if 100 < at < 7300]


def test_a_hub_lives_on_its_own_cell_for_hours_and_then_goes_silent_until_the_mains_are_back() -> None:
    home = house()
    moments = told(home, faults=(Fault(Span(100), Trouble.MAINS_OUTAGE, Span(12 * 3600)),), seconds=13 * 3600.0)
    cut = next(at for at, e in moments if isinstance(e, LineCut))
    back = next(at for at, e in moments if isinstance(e, LineRestored))
    assert 4 * 3600 <= cut - 100 <= 8 * 3600
    assert back == pytest.approx(100 + 12 * 3600)
    hub = [values.mains_lost for at, values in says(moments, "hub") if 100 <= at <= 4 * 3600]
    assert hub
    assert all(lost is True for lost in hub)


def test_a_fever_lasts_days_peaks_in_the_evening_and_takes_heart_and_breath_with_it() -> None:
    body = Body("p", Health())
    calm = [body.vitals(hour * 3600.0, hour * 3600.0, 0.1, 300) for hour in range(24)]
    body.illness = Illness(0.0, 4 * DAY_S)
    ill = [body.vitals(DAY_S + hour * 3600.0, hour * 3600.0, 0.1, 300) for hour in range(24)]
    by = [float(i.body_temperature) - float(c.body_temperature) for i, c in zip(ill, calm, strict=True)]  # type: ignore[arg-type]
    assert min(by) > 0.6
    assert mean(by[16:20]) > mean(by[3:7]) + 0.2
    assert mean(float(i.heart_rate) for i in ill) - mean(float(c.heart_rate) for c in calm) > 6  # type: ignore[arg-type]
    assert body.illness.share(4.5 * DAY_S) == pytest.approx(0.5)
    assert body.illness.share(6 * DAY_S) == 0


def test_who_is_ill_does_not_go_to_the_market() -> None:
    out = house(Occupant(habits=Habits(goes_out=1.0)))
    ill = house(Occupant(habits=Habits(goes_out=1.0)))
    ill.body.illness = Illness(-DAY_S, 5 * DAY_S)
    assert len(happened(lived(out, 3 * DAY_S), "out")) >= 3
    assert not happened(lived(ill, 3 * DAY_S), "out")


def test_who_forgets_takes_fewer_pills_and_charges_less() -> None:
    keeps, forgets = (lived(house(Occupant(habits=Habits(forgetful=share))), 12 * DAY_S) for share in (0.0, 0.6))
    assert len(happened(keeps, "takes the pills")) >= 11
    assert not happened(keeps, "forgets the pills")
    assert len(happened(forgets, "takes the pills")) < 9
    assert happened(forgets, "forgets to charge the watch")
    charging = happened(keeps, "charges the watch")[0]
    bare = [values for at, values in says(keeps, "watch") if charging < at < charging + 2600]
    assert bare
    assert all(values.heart_rate is UNSET for values in bare)


def test_a_fall_is_felt_or_pressed_or_only_true() -> None:
    for act, values in ((Act.FALL, "fall"), (Act.FALL_AND_PRESS, "sos"), (Act.FALL_UNHEARD, "")):
        moments = told(house(), event(act))
        assert happened(moments, "falls") == [60.0]
        urgent = [e.values for _, e in moments if isinstance(e, Said) and e.values.urgent]
        assert [getattr(one, values) for one in urgent] == ([True] if values else [])


def test_a_forgotten_pan_smokes_for_minutes_before_the_alarm_and_the_room_clears_in_the_end() -> None:
    smoke = says(told(house(), event(Act.FORGET_STOVE, lasts=1200)), "smoke")
    alarm = next(at for at, values in smoke if values.smoke is True)
    assert 60 < alarm - 60 < 900
    densities = [float(v.smoke_density) for at, v in smoke if 60 <= at <= alarm and not isinstance(v.smoke_density, msgspec.UnsetType)]
    assert densities == sorted(densities)
    assert any(values.smoke is False for at, values in smoke if at > 1260)


def test_a_faulty_boiler_and_an_open_gas_tap_end_in_an_alarm_of_their_own_detector() -> None:
    co = says(told(house(), event(Act.FAULTY_BOILER)), "co")
    levels = [(at, float(v.co)) for at, v in co if not isinstance(v.co, msgspec.UnsetType)]
    alarm = next(at for at, values in co if values.co_alarm is True)
    assert 180 < alarm - 60 < 1800
    assert next(level for at, level in levels if at == alarm) > 100
    gas = says(told(house(), event(Act.OPEN_GAS_TAP)), "gas")
    assert next(at for at, values in gas if values.gas_alarm is True) - 60 < 900
    assert gas[-1][1].gas_alarm is not True


def test_a_watch_that_nobody_charges_says_so_and_falls_silent() -> None:
    watch = says(told(house(), event(Act.FORGET_CHARGER, lasts=3600), seconds=6 * 3600.0), "watch")
    assert next(at for at, values in watch if values.battery_low is True) == 60
    assert not [at for at, _ in watch if 3700 < at < 5 * 3600]


def test_disturbed_air_takes_readings_and_leaves_calls() -> None:
    faults = (Fault(Span(10), Trouble.MESSAGE_LOSS, Span(3 * 3600), share=60.0),)
    moments = told(house(), *(event(Act.PULL_CORD, at=100.0 + 60 * n) for n in range(20)), faults=faults)
    heard = [e.heard for at, e in moments if isinstance(e, Said) and at > 10 and not e.values.urgent and not e.device.endswith("-hub")]
    assert 0.2 < mean(heard) < 0.7
    assert sum(e.heard for _, e in moments if isinstance(e, Said) and e.values.pull_cord is True) >= 19


def test_a_wrong_clock_is_wrong_by_what_was_said_and_right_again() -> None:
    moments = told(house(), faults=(Fault(Span(600), Trouble.CLOCK_WRONG, Span(3600), by=Span(300)),))
    off = {at: e.off_s for at, e in moments if isinstance(e, Said)}
    assert all(abs(by) < 2 for at, by in off.items() if at < 600 or at > 4300)
    assert all(298 < by < 302 for at, by in off.items() if 600 < at < 4200)


def test_versions_of_firmware_differ_in_the_field() -> None:
    homes = virtual_homes(demo_homes(30, 1), seed=1, local_s=0.0, all_zigbee=False)
    assert len({home.hub.firmware for home in homes if home.hub is not None}) > 1
