"""Every kind of rule that watches a home, by the struct of its rules."""

from alerting.home_rules import Absence, BedLeft, Change, Combination, Count, Geofence, HomeRule, MeterUse, Missed, News2, Sequence
from alerting.life_rules import Inactivity, Routine
from alerting.memories import (
    AbsenceMemory,
    BedMemory,
    GeofenceMemory,
    InactivityMemory,
    MeterMemory,
    MissedMemory,
    RoutineMemory,
    WindowMemory,
)
from alerting.watching import (
    absence,
    bed_left,
    change,
    combination,
    count,
    geofence,
    inactivity,
    meter_use,
    missed,
    news2,
    routine,
    sequence,
    words,
)
from alerting.watching.kind import Kind, KindOf

KINDS: dict[type[HomeRule], Kind] = {
    Absence: KindOf(
        Absence, AbsenceMemory, observe=absence.observe, due=absence.due, reach=absence.reach, state=absence.state,
    ),
    Sequence: KindOf(
        Sequence, WindowMemory, observe=sequence.observe, due=sequence.due, reach=sequence.reach, state=sequence.state,
    ),
    Count: KindOf(Count, WindowMemory, observe=count.observe, due=count.due, reach=count.reach, state=count.state),
    Change: KindOf(Change, WindowMemory, observe=change.observe, state=change.state),
    News2: KindOf(News2, WindowMemory, observe=news2.observe, state=news2.state, passes=news2.passes),
    Inactivity: KindOf(
        Inactivity, InactivityMemory, observe=inactivity.observe, due=inactivity.due, reach=inactivity.reach, state=inactivity.state,
        passes=words.passes,
    ),
    Routine: KindOf(
        Routine, RoutineMemory, observe=routine.observe, due=routine.due, reach=routine.reach, state=routine.state, passes=words.passes,
    ),
    Combination: KindOf(Combination, WindowMemory, state=combination.state),
    Geofence: KindOf(Geofence, GeofenceMemory, observe=geofence.observe, due=geofence.due, reach=geofence.reach, state=geofence.state),
    MeterUse: KindOf(MeterUse, MeterMemory, observe=meter_use.observe, state=meter_use.state),
    Missed: KindOf(Missed, MissedMemory, observe=missed.observe, due=missed.due, reach=missed.reach, state=missed.state),
    BedLeft: KindOf(BedLeft, BedMemory, observe=bed_left.observe, due=bed_left.due, reach=bed_left.reach, state=bed_left.state),
}  # fmt: skip


def kind_of(rule: HomeRule) -> Kind:
    return KINDS[type(rule)]
