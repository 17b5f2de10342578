"""What residents do and suffer: falls with and without a call, illness, forgetting."""

from collections.abc import Callable

from simulator import device as d
from simulator.body import Episode, Illness
from simulator.clock import DAY_S
from simulator.deed import Deed
from simulator.device import Kind
from simulator.wire import Values
from simulator.world import Part, Process


def _lie_down(deed: Deed, now: float) -> Part:
    """Down, frightened, and then nothing moves."""
    lasts_s = deed.lasts_s or 1200
    deed.home.lying_until = now + lasts_s
    deed.home.body.episode = Episode(now + lasts_s, heart_rate=14)
    now = yield deed.so("falls", deed.home.stay.room)
    return now


def fall(deed: Deed, now: float) -> Process:
    """The wearable feels it and says so; whether he could press, nobody knows."""
    now = yield from _lie_down(deed, now)
    yield deed.home.say(deed.device, d.FALLEN, now, deed.mark)


REACHES_IT_S = 90.0


def fall_and_press(deed: Deed, now: float) -> Process:
    """What he wears does not feel it, but a minute and a half later he reaches the button."""
    now = yield from _lie_down(deed, now)
    now = yield REACHES_IT_S
    now = yield deed.so("presses the button")
    yield deed.home.say(deed.device, d.SOS, now, deed.mark)


def fall_unheard(deed: Deed, now: float) -> Process:
    """Nothing feels it and he does not press: four of five who fall do not. Only the stillness tells."""
    now = yield from _lie_down(deed, now)
    yield deed.so("lies there and does not call", marked=True)


def ill(heart_rate: float = 0.0, spo2: float = 0.0) -> Callable[[Deed, float], Process]:
    """An attack; the wearable notices and measures every ten seconds."""

    def act(deed: Deed, now: float) -> Process:
        home, ends, mark = deed.home, now + (deed.lasts_s or 900), deed.mark
        home.body.episode = Episode(ends, heart_rate, spo2)
        now = yield deed.so("heart races" if heart_rate else "is short of breath")
        while now < ends:
            vitals = home.body.vitals(now, home.local_s + now, home.stay.effort, 10.0)
            now = yield home.say(deed.device, vitals, now, mark)
            mark = ""
            now = yield 10.0

    return act


def fall_ill(deed: Deed, now: float) -> Process:
    """A chest cold for days: fever in the evenings, a faster heart, more bed and no market. No alarm by itself."""
    lasts_s = deed.lasts_s or 4 * DAY_S
    deed.home.body.illness = Illness(now, now + lasts_s)
    yield deed.so("falls ill", marked=True)
    yield lasts_s
    yield deed.so("gets better")


def take_off_watch(deed: Deed, now: float) -> Process:
    """It lies on the shelf and measures nobody."""
    lasts_s = deed.lasts_s or 8 * 3600
    deed.home.bare_until = now + lasts_s
    yield deed.so("takes the watch off", marked=True)
    yield lasts_s
    yield deed.so("puts the watch on")


LOW_AT, FLAT_S = 14, 6 * 3600.0


def forget_charger(deed: Deed, now: float) -> Process:
    """The watch is not charged: it says that it is low, then it is empty and says nothing until somebody charges it."""
    home, watch = deed.home, deed.device
    now = yield deed.so("forgets to charge the watch")
    watch.drained_to = LOW_AT
    now = yield home.say(watch, Values(battery_low=True), now, deed.mark)
    lasts_s = deed.lasts_s or FLAT_S
    for level in (10, 6, 2):
        now = yield lasts_s / 4
        watch.drained_to = level
    now = yield lasts_s / 4
    home.dead_watch = watch.kind is Kind.WATCH
    now = yield home.so("is empty", device=watch.id)
    now = yield DAY_S / 2
    home.dead_watch = False
    watch.renew(now)
    yield home.say(watch, Values(battery_low=False), now)


def visitor(deed: Deed, now: float) -> Process:
    """Somebody comes, and goes."""
    lasts_s = deed.lasts_s or 2700
    now = yield deed.home.so("comes in", who="visitor", device=deed.device.id, mark=deed.mark)
    now = yield deed.home.say(deed.device, d.DOOR_OPEN, now)
    now = yield 8.0
    now = yield deed.home.say(deed.device, d.DOOR_SHUT, now)
    now = yield lasts_s
    now = yield deed.home.so("goes", who="visitor", device=deed.device.id)
    now = yield deed.home.say(deed.device, d.DOOR_OPEN, now)
    now = yield 8.0
    yield deed.home.say(deed.device, d.DOOR_SHUT, now)
