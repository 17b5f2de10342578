"""What people ask of the record: to erase a resident, to note what came of a near miss.

The journal's files hold what was written into them until retention removes them whole; what is erased is everything that is kept longer
(the state and its snapshots, the desk's view, the evidence), from the moment of the fact on.
"""

from datetime import datetime

from msgspec.structs import replace

from alerting.arrangements import NOTHING_ARRANGED
from alerting.caring.care import NO_CARE
from alerting.home_state import DeviceState, HomeState
from alerting.record_commands import EraseResident, RecordCommand, ReviewNearMiss
from alerting.record_facts import NearMissReviewed, RecordFact, ResidentErased
from alerting.refusals import IllegalTransition
from alerting.registry import Registry
from alerting.terms import Actor, Sentence
from devices.home import Home

TEXT_LIMIT = 2000


def decide(command: RecordCommand, registry: Registry, by: Actor, now: datetime) -> RecordFact:
    """Unknown for no such home; IllegalTransition for one that is not retired."""
    match command:
        case EraseResident(home=home, reason=reason):
            if not registry.home(home).retired:
                zh = f"住户 {home} 尚未停用，不能清除个人信息"
                raise IllegalTransition(Sentence(zh, f"home {home} is not retired: retire it before its people are erased"))
            return ResidentErased(now, by, home, reason.strip()[:TEXT_LIMIT])
        case ReviewNearMiss(alert=alert, home=home, outcome=outcome, text=text):
            return NearMissReviewed(alert, now, home, by, outcome, text.strip()[:TEXT_LIMIT])


def emptied(state: HomeState) -> None:
    """The home without whoever lived there: ids stay taken, models stay counted. Its alerts are the caller's to forget."""
    state.record = Home(state.id, state.area, "")
    state.people, state.silences, state.directories, state.memories, state.fired = {}, {}, {}, {}, {}
    state.arranged, state.gaps, state.backlog, state.outages = NOTHING_ARRANGED, (), None, ()
    state.care, state.owners, state.tests = NO_CARE, {}, {}
    for device in state.devices.values():
        _emptied(device)


def _emptied(device: DeviceState) -> None:
    device.record = replace(device.record, room="", name="")
    device.last, device.beyond, device.calls, device.cached = {}, None, None, None
    device.readings, device.skew = b"", None
