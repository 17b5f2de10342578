"""Putting devices on test: who may, for how long, and how far ahead. What a test then covers, `on_test` says."""

from datetime import datetime, timedelta

from alerting.commands import PutOnTest
from alerting.detection import Index
from alerting.home_state import DeviceState, HomeState
from alerting.life_facts import OnTestSet
from alerting.refusals import IllegalTransition, Unknown
from alerting.suppression import FLOOR_TEST_LIMIT, TEST_LIMIT
from alerting.terms import Actor, Sentence
from devices.home import Lifecycle
from devices.observation import URGENT

PLANNED_AHEAD = timedelta(days=7)


def decide(home: HomeState, command: PutOnTest, by: Actor, now: datetime, index: Index) -> OnTestSet:
    """The fact that a wish to test becomes; Unknown or IllegalTransition, and nothing, where it may not be. The home is there."""
    starts_at = now if command.starts_at is None else max(now, command.starts_at)
    if starts_at > now + PLANNED_AHEAD:
        raise IllegalTransition(Sentence("测试最早提前 7 天安排", "a test is planned no more than 7 days ahead"))
    urgent = False
    for id_ in command.devices:
        device = home.devices.get(id_)
        if device is None or device.record.lifecycle is Lifecycle.RETIRED:
            raise Unknown(Sentence(f"住户 {home.id} 没有编号为 {id_} 的设备", f"there is no device {id_} in home {home.id}"))
        urgent = urgent or may_call(device, index)
    limit = FLOOR_TEST_LIMIT if urgent else TEST_LIMIT
    if not starts_at < command.ends_at <= starts_at + limit:
        most = int(limit / timedelta(minutes=1))
        raise IllegalTransition(
            Sentence(f"测试须有结束时间，且最长 {most} 分钟", f"a test ends after it begins, and within {most} minutes"),
        )
    if urgent and not command.on_site:
        raise IllegalTransition(
            Sentence(
                "求助、火警、燃气和跌倒设备只能由在现场的人测试",
                "devices that call for help, or see fire, gas or a fall, are tested by a person who is there",
            ),
        )
    if not command.reason.strip():
        raise IllegalTransition(Sentence("请填写测试原因", "the reason for the test is missing"))
    return OnTestSet(
        now, by, command.test, home.id, tuple(dict.fromkeys(command.devices)), starts_at, command.ends_at, command.tester or by,
        command.reason.strip()[:500],
    )  # fmt: skip


def may_call(device: DeviceState, index: Index) -> bool:
    """Whether it may say what stands under the floor. Of a device of which nothing is known one has to suppose so."""
    model = index.models.get(device.record.model)
    exposed = {*device.record.exposes, *(model.exposes if model else ()), *device.last}
    return not exposed or not URGENT.isdisjoint(exposed)
