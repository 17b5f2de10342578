"""What befalls the kit itself: cells, mains, lines, radios, clocks."""

from simulator.deed import Deed
from simulator.device import Device
from simulator.home import VirtualHome
from simulator.wire import Values
from simulator.world import LineCut, LineRestored, Part, Process

NEW_CELL_S = 2400.0
"""So long after its device said that it is low, somebody has been there with a new one."""


def drain_battery(deed: Deed, now: float) -> Process:
    """An old cell behind its knee: it falls for a while, says that it is low, and stays low until it is changed."""
    for level in (26, 21, 17):
        deed.device.drained_to = level
        now = yield deed.home.say(deed.device, Values(), now)
        now = yield (deed.lasts_s or 30) / 3
    deed.device.drained_to = 7
    now = yield deed.home.so("cell is nearly empty", device=deed.device.id)
    yield deed.home.say(deed.device, Values(battery_low=True), now, deed.mark)
    now = yield NEW_CELL_S
    deed.device.renew(now)
    yield deed.home.say(deed.device, Values(battery_low=False), now)


def lose_mains(deed: Deed, now: float) -> Process:
    yield from without_mains(deed.home, deed.device, now, deed.lasts_s or 300, deed.mark)


def without_mains(home: VirtualHome, hub: Device, now: float, lasts_s: float, mark: str = "") -> Part:
    """The hub says so and lives on its own cell, for its hours; when that is empty the home is not heard until the mains are back."""
    home.mains_lost = True
    home.power.mains(now, live=False)
    now = yield home.so("mains are out", device=hub.id)
    now = yield home.say(hub, Values(mains_lost=True), now, mark)
    now = yield min(lasts_s, home.backup_s)
    if lasts_s > home.backup_s:
        now = yield home.so("the hub's own cell is empty", device=hub.id)
        now = yield LineCut(home.id)
        now = yield lasts_s - home.backup_s
        now = yield LineRestored(home.id)
    home.mains_lost = False
    home.power.mains(now, live=True)
    now = yield home.so("mains are back", device=hub.id)
    now = yield home.say(hub, Values(mains_lost=False), now)
    return now


def cut_line(deed: Deed, _: float) -> Process:
    yield from without_line(deed.home, deed.lasts_s or 300, deed.mark)


def without_line(home: VirtualHome, lasts_s: float, mark: str = "") -> Part:
    """The uplink is dead, without a word; what is said meanwhile waits in the hub."""
    yield home.so("line is cut")
    yield LineCut(home.id, mark)
    now = yield lasts_s
    yield home.so("line is back")
    now = yield LineRestored(home.id)
    return now


def wrong_clocks(home: VirtualHome, by_s: float, lasts_s: float) -> Part:
    """Every device's clock in the home is set wrong, until somebody sets it right."""
    now = yield home.so("clocks are set wrong", f"{by_s:g} s")
    for device in home.devices:
        device.quartz.wrong_s += by_s
    now = yield lasts_s
    for device in home.devices:
        device.quartz.wrong_s -= by_s
    now = yield home.so("clocks are right again")
    return now


def lossy_air(home: VirtualHome, share: float, lasts_s: float) -> Part:
    """Something jams: so many messages of a hundred never reach the hub; calls are repeated until one does."""
    now = yield home.so("radio is disturbed", f"{share:.0%}")
    home.lost = share
    now = yield lasts_s
    home.lost = 0.0
    now = yield home.so("radio is clear again")
    return now
