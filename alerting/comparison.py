"""What recovery finds: reports that today's rules and code would judge otherwise than the facts that stand."""

from collections import Counter
from collections.abc import Iterable, Mapping

from alerting.alert import Alert
from alerting.detection import Index
from alerting.facts import AlertRaised, AlertRecurred, AlertRepeated, AlertWorsened, Fact
from alerting.home_rules import HomeRule
from alerting.home_state import HomeState
from alerting.terms import AlertId
from devices.home import DeviceId, HomeId
from devices.observation import ReportId

Occurrence = tuple[HomeId, DeviceId, ReportId, str]
"""A report and the matter it counted for."""


class Comparison:
    """Counts occurrences of alerts that one side has and the other has not. What time may have
    delayed, a `for` or a rule that watches the home, counts on one side only.
    """

    def __init__(self) -> None:
        self._expected: Counter[Occurrence] = Counter()
        self._refused = 0

    def expects(self, facts: Iterable[Fact], home: HomeState) -> None:
        """What a report would give now."""
        for fact in facts:
            if isinstance(fact, AlertRaised | AlertRepeated | AlertRecurred | AlertWorsened) and fact.evidence:
                shown = fact.evidence[-1]
                matter = fact.matter if isinstance(fact, AlertRaised) else home.alerts[fact.alert].matter
                self._count((home.id, shown.device, shown.report, matter), 1)

    def stands(self, fact: Fact, alerts: Mapping[AlertId, Alert], index: Index) -> None:
        """What a report gave then."""
        if isinstance(fact, AlertRaised | AlertRepeated | AlertRecurred | AlertWorsened) and fact.evidence and fact.alert in alerts:
            shown = fact.evidence[-1]
            occurrence = (fact.home, shown.device, shown.report, alerts[fact.alert].matter)
            delayed = isinstance(index.rules.get(fact.key.partition(":")[0]), HomeRule) or any(
                limit.hold for property_, limit in index.limits.values() if property_ is shown.observation.property
            )
            if occurrence in self._expected or not delayed:
                self._count(occurrence, -1)

    def refused(self) -> None:
        """A stored fact that today's table of transitions does not have."""
        self._refused += 1

    @property
    def differences(self) -> int:
        return self._refused + len(self._expected)

    def _count(self, occurrence: Occurrence, by: int) -> None:
        self._expected[occurrence] += by
        if not self._expected[occurrence]:
            del self._expected[occurrence]
