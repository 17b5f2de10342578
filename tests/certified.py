"""Results for tests of reports, measured once in virtual time: a sound smoke detector, and one whose store goes before its alarm."""

from datetime import UTC, datetime

from simulator.certification.catalogue import load
from simulator.certification.features import reference
from simulator.certification.lab import examine_all
from simulator.certification.procedures import PROCEDURES
from simulator.scenario import Bilingual
from simulator.virtual.firmware import Firmware
from simulator.virtual.profile import PROFILES, ProfileName

EPOCH = datetime(2026, 1, 5, tzinfo=UTC)
BAD = Bilingual("一", "one")


class ReadingsFirst(Firmware):
    """After an outage it empties its store before it says anything else."""

    def send_alarms(self, now: datetime) -> None:
        if not self.flash.readings:
            super().send_alarms(now)


_CLAUSES, _SMOKE = load(PROCEDURES), reference(PROFILES[ProfileName.SMOKE])
SOUND = examine_all(_CLAUSES, PROCEDURES, _SMOKE)
FAULTY = examine_all(_CLAUSES, PROCEDURES, _SMOKE, firmware=ReadingsFirst)
