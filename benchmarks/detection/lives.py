"""Lives made up for choosing the rules' numbers: residents of the simulator whose days differ more than theirs, heard by few sensors.

A day of the simulator's resident keeps to his hours within a quarter of one. Here every day has hours of its own: people go to bed and get
up with a standard deviation of about an hour within one person (sleep diaries and actigraphy of the old: half an hour to an hour and a
half, from memory), go out for hours on some days, and are heard by a door and two to five motion sensors, of which some see little.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from benchmarks.detection.homes import CHINA
from benchmarks.detection.recording import Recording, Sensor, Stretch, Utterance
from devices.observation import Property
from simulator.clock import DAY_S
from simulator.living import SENSED
from simulator.resident import STILLNESS_S, Doing, Habits, Room, Stay, life

FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC) - CHINA
DAY = timedelta(days=1)
IN_BED = "bed"
LONG_OUTINGS = 0.15
OUTINGS_H = (3.0, 4.0, 5.0, 7.0, 9.0)
"""On so many days somebody who goes out stays out for so long: a hospital's queue, the family, a day's outing."""


def made_up(seed: str, days: int) -> Recording:
    """One home; by its seed the person, the sensors and every movement."""
    chance = Random(f"{seed}:home")
    rooms = [Room.KITCHEN, Room.BATHROOM, *chance.sample([Room.LIVING, Room.BEDROOM], chance.choice((0, 1, 1, 1, 2, 2)))]
    sensors = [Sensor(SENSED[room], room.value, (Property.OCCUPANCY,)) for room in rooms]
    sensors.append(Sensor("door", "hall", (Property.CONTACT_OPEN,)))
    mat = chance.random() < 0.3
    if mat:
        sensors.append(Sensor(IN_BED, "bedroom", (Property.BED_OCCUPIED,)))
    blind = chance.uniform(1.0, 4.0)
    stays = list(_stays(seed, days, chance))
    steps = zip(stays, [None, *stays], strict=False)
    told = sorted(u for stay, before in steps for u in _told(stay, before, rooms, chance, blind=blind, mat=mat))
    life_ = tuple(Stretch(_at(stay.begins), _at(stay.ends), stay.doing.value) for stay in stays)
    return Recording(seed, tuple(sensors), tuple(told), life_)


def _stays(seed: str, days: int, chance: Random) -> Iterator[Stay]:
    rises, to_bed = chance.uniform(5.0, 9.0), chance.uniform(20.5, 23.6)
    spread = chance.uniform(0.3, 1.2)
    out, walks, naps = chance.uniform(0.2, 0.95), chance.uniform(0.1, 0.6), chance.random()
    for day in range(days):
        later = chance.gauss(0, spread)
        habits = Habits(
            rises=min(max(rises + later + chance.gauss(0, spread / 2), 4.0), 10.5), to_bed=min(to_bed + chance.gauss(0, spread), 23.7),
            naps=chance.random() < naps, goes_out=out, walks=walks, toilet_at_night=chance.choice((0, 1, 1, 2, 3)),
        )  # fmt: skip
        home_at, away_h = 0.0, chance.choice(OUTINGS_H) if chance.random() < LONG_OUTINGS else 0.0
        for stay in life(f"{seed}:{day}", habits):
            if stay.begins >= DAY_S:
                break
            begins, ends = max(stay.begins, home_at), stay.ends
            if stay.doing is Doing.OUT and away_h and not home_at:
                home_at = ends = min(begins + away_h * 3600, 21 * 3600.0)
            if begins < ends:
                yield Stay(begins + day * DAY_S, ends + day * DAY_S, stay.room, stay.doing)


def _told(stay: Stay, before: Stay | None, rooms: list[Room], chance: Random, *, blind: float, mat: bool) -> Iterator[Utterance]:
    begins, ends = stay.begins, stay.ends
    if before is not None and Room.OUTSIDE in (stay.room, before.room) and stay.room is not before.room:
        yield Utterance(_at(begins), "door", Property.CONTACT_OPEN, value=True)
        yield Utterance(_at(begins + 6), "door", Property.CONTACT_OPEN, value=False)
        begins += 20
    asleep, slept = stay.doing is Doing.ASLEEP, before is not None and before.doing is Doing.ASLEEP
    if mat and asleep is not slept:
        yield Utterance(_at(begins), IN_BED, Property.BED_OCCUPIED, value=asleep)
    if stay.room not in rooms:
        return
    still = STILLNESS_S.get(stay.doing, 600.0) * blind
    at = begins + chance.uniform(0, 30)
    while at + 70 < ends:
        yield Utterance(_at(at), SENSED[stay.room], Property.OCCUPANCY, value=True)
        yield Utterance(_at(at + 60), SENSED[stay.room], Property.OCCUPANCY, value=False)
        at += 70 + chance.expovariate(1 / still)


def _at(local_s: float) -> datetime:
    return FIRST_DAY + timedelta(seconds=round(local_s))
