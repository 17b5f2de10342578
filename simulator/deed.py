"""One act in one home, and the two shapes that most acts have."""

from collections.abc import Callable

import msgspec

from simulator.device import Device
from simulator.home import VirtualHome
from simulator.wire import Values
from simulator.world import Happened, Process


class Deed(msgspec.Struct, frozen=True):
    """`lasts_s` None: as long as such a thing lasts."""

    home: VirtualHome
    device: Device
    mark: str
    times: int = 1
    lasts_s: float | None = None

    def so(self, what: str, note: str = "", *, marked: bool = False) -> Happened:
        """Ground truth of the resident's doing. `marked`: nothing else will say that this was the planted event."""
        who = self.home.occupant.who
        return self.home.so(what, note, who=who, device=self.device.id, mark=self.mark if marked else "")


Play = Callable[[Deed, float], Process]


def momentary(what: str, values: Values, *, between_s: float = 4.0) -> Play:
    """Said once, or `times` over; only the first is a new matter."""

    def act(deed: Deed, now: float) -> Process:
        now = yield deed.so(what)
        for number in range(deed.times):
            now = yield deed.home.say(deed.device, values, now, deed.mark if number == 0 else "")
            now = yield between_s

    return act


def for_a_while(what: str, begin: Values, end: Values, usual_s: float) -> Play:
    def act(deed: Deed, now: float) -> Process:
        now = yield deed.so(what)
        now = yield deed.home.say(deed.device, begin, now, deed.mark)
        now = yield deed.lasts_s or usual_s
        now = yield deed.home.say(deed.device, end, now)
        yield deed.so(f"{what}: over")

    return act
