"""What goes on in a home by itself: the resident's days, and what every device makes of them."""

from collections.abc import Iterator
from functools import partial
from random import Random

from simulator import device as d
from simulator.device import Device, Kind
from simulator.home import VirtualHome
from simulator.resident import STILLNESS_S, Doing, Room, Stay, life
from simulator.sleep import TURNS_EVERY_S, Phase, night
from simulator.wire import Values
from simulator.world import Part, Process, World
from simulator.zigbee import ZigbeeNet

SENSED = {
    Room.BEDROOM: "motion-bed", Room.LIVING: "motion-living", Room.KITCHEN: "motion-kitchen", Room.BATHROOM: "motion-bath",
}  # fmt: skip
ZIGBEE_REPORT_S = 900.0
LYING_S = 300.0
"""How often a mat measures who lies on it."""
CHARGES_S = 45 * 60.0
COOKING_SMOKE, AIR_SMOKE = 0.03, 0.01
"""dB/m above a pan in use, and in clean air."""
LIES_STILL = 0.05
"""Effort of somebody who cannot get up."""
ILL_IN_BED = 0.5
"""From this share of an illness on nobody goes out."""


class Living:
    """One home's everyday, as processes of a world."""

    def __init__(self, home: VirtualHome) -> None:
        self.home = home
        self._chance = Random(f"{home.seed}:moves")  # noqa: S311 - a story, not a secret
        self._in_bed = False

    def begin(self, world: World, *, everyday: bool) -> None:
        """Without `everyday` the devices only say that they live: a quiet stage for a story."""
        for device in self.home.devices:
            match device.kind:
                case Kind.WATCH:
                    world.start(partial(self._measure, device), device.phase_s)
                case Kind.BED if everyday:
                    world.start(partial(self._lie, device), device.phase_s)
                case _:
                    world.start(partial(self._alive, device), device.phase_s)
        if everyday:
            world.start(self._days)
        if self.home.zigbee is not None:
            world.start(partial(self._zigbee_reports, self.home.zigbee), 5.0)

    # --- devices ------------------------------------------------------------------------------------------------------------

    def _alive(self, device: Device, now: float) -> Process:
        while True:
            values = self._state(device, now)
            if values is not None:
                now = yield self.home.say(device, values, now)
            now = yield device.nature.heartbeat_s

    def _state(self, device: Device, now: float) -> Values | None:
        """What a device says of itself unasked; None where it has nothing to say, or no power to say it."""
        home = self.home
        match device.kind:
            case Kind.SMOKE if now < home.smoke_until:
                return None
            case Kind.SMOKE:
                cooking = home.stay.doing is Doing.COOKING
                return d.smoke_reading(COOKING_SMOKE if cooking else AIR_SMOKE, 26.5 if cooking else 21.0)
            case Kind.HUB:
                return Values(mains_lost=home.mains_lost)
            case Kind.GAS | Kind.POWER | Kind.BED if home.mains_lost:
                return None
            case Kind.GAS:
                return Values(gas=0.0)
            case Kind.CO:
                return Values(co=1.0)
            case Kind.METER:
                return Values(water_used=home.water.reads(now))
            case Kind.POWER:
                return Values(energy_used=home.power.reads(now))
            case _:
                return Values()

    def _measure(self, watch: Device, now: float) -> Process:
        home = self.home
        chance = Random(f"{home.seed}:watch")  # noqa: S311 - a story, not a secret
        since_s = watch.nature.heartbeat_s
        while True:
            effort = home.stay.effort if now >= home.lying_until else LIES_STILL
            vitals = home.body.vitals(now, home.local_s + now, effort, since_s)
            if not home.dead_watch:
                now = yield home.say(watch, vitals if now >= home.bare_until else Values(), now)
            since_s = watch.nature.heartbeat_s * chance.uniform(0.9, 1.1)
            now = yield since_s

    def _lie(self, mat: Device, now: float) -> Process:
        """While somebody lies on it every few minutes, else only that it lives."""
        while True:
            home = self.home
            if home.mains_lost:
                now = yield LYING_S
            elif now < home.stays_in_bed_until or (self._in_bed and now >= home.lying_until):
                now = yield home.say(mat, home.body.lying(now, home.local_s + now), now)
                now = yield LYING_S
            else:
                now = yield home.say(mat, d.OUT_OF_BED, now)
                now = yield mat.nature.heartbeat_s

    def _zigbee_reports(self, net: ZigbeeNet, _: float) -> Process:
        while True:
            yield net.leak_sensor()
            yield 30.0
            yield net.button()
            yield ZIGBEE_REPORT_S

    # --- the resident -------------------------------------------------------------------------------------------------------

    def _days(self, now: float) -> Process:
        """He goes through his days, from the one on which the simulation starts."""
        home, forgets = self.home, Random(f"{self.home.seed}:forgets")  # noqa: S311 - a story, not a secret
        for planned in life(f"{home.seed}:life", home.occupant.habits):
            if planned.ends <= home.local_s + now:
                continue
            if planned.begins > home.local_s + now:
                now = yield planned.begins - home.local_s - now
            stay = self._able(planned, now)
            before, home.stay = home.stay, stay
            now = yield home.so(stay.doing, stay.room, who=home.occupant.who)
            if now >= home.lying_until:
                home.water.draw(stay.doing)
                home.power.goes_on(stay.doing, now)
            if Room.OUTSIDE in (stay.room, before.room) and stay.room is not before.room:
                now = yield from self._door(now)
            elif stay.doing is Doing.VISITED:
                now = yield home.so("comes in", who="visitor")
                now = yield from self._door(now)
            now = yield from self._bed(stay, now)
            if stay.doing in (Doing.WASHING, Doing.EATING) and _is_morning(stay):
                now = yield from self._morning(stay, forgets, now)
            now = yield from self._dwell(stay, now)

    def _able(self, stay: Stay, now: float) -> Stay:
        """Who is ill stays in bed instead of going out or tidying."""
        if self.home.body.illness.share(now) > ILL_IN_BED and stay.doing in (Doing.OUT, Doing.TIDYING):
            return Stay(stay.begins, stay.ends, Room.BEDROOM, Doing.ASLEEP)
        return stay

    def _bed(self, stay: Stay, now: float) -> Part:
        lies = stay.doing is Doing.ASLEEP
        mat = self.home.find(Kind.BED)
        if lies is not self._in_bed:
            self._in_bed = lies
            now = yield self.home.so("lies down" if lies else "gets up", who=self.home.occupant.who)
            if mat is not None and not self.home.mains_lost and now >= self.home.lying_until:
                now = yield self.home.say(mat, d.IN_BED if lies else d.OUT_OF_BED, now)
        if not lies:
            self.home.body.phase = Phase.AWAKE
        return now

    def _morning(self, stay: Stay, forgets: Random, now: float) -> Part:
        """While he washes the watch is charged; after breakfast come the pills, and a word that all is well. Or not."""
        home, watch = self.home, self.home.find(Kind.WATCH)
        forgot = forgets.random() < home.occupant.habits.forgetful
        if watch is None or home.dead_watch or now < home.lying_until:
            return now
        if stay.doing is Doing.WASHING:
            now = yield home.so("forgets to charge the watch" if forgot else "charges the watch", who=home.occupant.who, device=watch.id)
            if not forgot and watch.drained_to is None:
                home.bare_until = now + CHARGES_S
                watch.renew(now)
            return now
        now = yield home.so("forgets the pills" if forgot else "takes the pills", who=home.occupant.who, device=watch.id)
        if not forgot:
            now = yield home.say(watch, d.PILLS_TAKEN, now)
            now = yield home.say(watch, d.ALL_IS_WELL, now)
        return now

    def _door(self, now: float) -> Part:
        door = self.home.find(Kind.DOOR)
        if door is not None and now >= self.home.lying_until:
            now = yield self.home.say(door, d.DOOR_OPEN, now)
            now = yield self._chance.uniform(4, 15)
            now = yield self.home.say(door, d.DOOR_SHUT, now)
        return now

    def _dwell(self, stay: Stay, now: float) -> Part:
        """Movements in a sensed room until the stay is over: the sensor holds each for a minute or so."""
        home = self.home
        sensor = home.find(Kind.MOTION, SENSED[stay.room]) if stay.room in SENSED else None
        if sensor is not None and sensor.slot != SENSED[stay.room]:
            sensor = None
        for ends, still_s in self._sections(stay, now):
            while sensor is not None:
                if now >= home.lying_until:
                    now = yield home.say(sensor, d.MOVEMENT, now)
                    now = yield self._chance.uniform(50, 80)
                    now = yield home.say(sensor, d.STILLNESS, now)
                wait_s = self._chance.expovariate(1 / still_s)
                if home.local_s + now + wait_s >= ends:
                    break
                now = yield wait_s
            if ends < stay.ends:
                now = yield max(ends - home.local_s - now, 0.0)
        return now

    def _sections(self, stay: Stay, now: float) -> Iterator[tuple[float, float]]:
        """(local second until which, mean stillness): sleep has its phases, everything else is one piece."""
        if stay.doing is not Doing.ASLEEP:
            yield stay.ends, STILLNESS_S.get(stay.doing, 600.0)
            return
        for spell in night(self.home.local_s + now, stay.ends, self._chance, self.home.occupant.habits.restless):
            self.home.body.phase = spell.phase
            yield spell.ends, TURNS_EVERY_S[spell.phase]


def _is_morning(stay: Stay) -> bool:
    return 4 < stay.begins / 3600 % 24 < 10
