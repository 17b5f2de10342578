"""Certified models that fail in the field: when to propose that a certificate be suspended. A person decides it.

Counted are the registered devices of the model that were heard within FIELD_DAYS; one that is silent now, or by its own last word
faulty, fails. Both limits must be reached, so that neither two broken devices of five nor a bad street among ten thousand homes
proposes anything.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from alerting.certificates import Certificates
from alerting.home_state import DeviceState, HomeState
from alerting.items import Finding, Matter
from alerting.terms import Sentence
from devices.home import AreaId, HomeId, Lifecycle, ModelId
from devices.observation import Property

FIELD_DAYS = 14
"""A device that was silent before that is somebody's housekeeping, and says nothing of its model."""
FAILING_AT_LEAST = 5
SHARE_AT_LEAST = 0.05


class FieldTally:
    """Devices in the field and those that fail, by model; homes may be added in pieces."""

    def __init__(self, now: datetime) -> None:
        self._since = now - timedelta(days=FIELD_DAYS)
        self._devices: Counter[ModelId] = Counter()
        self._failing: Counter[ModelId] = Counter()

    def add(self, homes: Iterable[HomeState]) -> None:
        for home in homes:
            if home.retired:
                continue
            for device in home.devices.values():
                if device.record.lifecycle is Lifecycle.REGISTERED and (device.last_heard_at or self._since) > self._since:
                    self._devices[device.record.model] += 1
                    self._failing[device.record.model] += fails(device)

    def findings(self, certificates: Certificates) -> tuple[Finding, ...]:
        """One for each model with a certificate that stands and is past both limits; it names no home."""
        models = sorted({one.certificate.model for one in certificates if one.suspended_at is None})
        return tuple(self._finding(model) for model in models if self._past(model))

    def _past(self, model: ModelId) -> bool:
        failing = self._failing[model]
        return failing >= FAILING_AT_LEAST and failing >= SHARE_AT_LEAST * self._devices[model]

    def _finding(self, model: ModelId) -> Finding:
        failing, devices = self._failing[model], self._devices[model]
        share = f"{100 * failing / devices:.0f} %"
        sentence = Sentence(
            f"已检验型号 {model}：近 {FIELD_DAYS} 天在用的 {devices} 台中有 {failing} 台（{share}）失联或报故障，建议暂停其证书。",
            f"Certified model {model}: {failing} of {devices} devices in use over the last {FIELD_DAYS} days ({share}) are silent or "
            f"faulty; consider suspending its certificate.",
        )
        return Finding(AreaId(""), HomeId(""), Matter.FIELD_FAILURES, sentence)


def fails(device: DeviceState) -> bool:
    """Silent now, or by its own last word faulty."""
    fault = device.last.get(Property.FAULT)
    return device.silent or (fault is not None and fault.value is True)
