"""What reports come to: raised, repeated, cleared, recurred, or nothing."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.commands import ChangeDevice, Close
from alerting.detection import Index, affirmed, hear
from alerting.facts import AlertCleared, AlertFact, AlertRaised, AlertRecurred, AlertRepeated, CallCancelled, Fact
from alerting.heard_facts import DeviceReturned, DeviceSilent
from alerting.home_state import DeviceState
from alerting.items import Said
from alerting.registry_facts import DeviceDiscovered
from alerting.terms import Category, Priority
from devices.decode import decode
from devices.home import AreaId, Device, DeviceId, HomeId, Lifecycle, ModelId
from devices.message import DirectoryHeard, Heard, Listed
from devices.observation import Manner, Observation, Property, Report, ReportId
from tests.household import AREA, DEFAULT, HOME, START, Household, of, report


def closed(house: Household, category: Category) -> None:
    house.asks(Close(house.alert(category).id, "false_device", "看过"))


def test_a_cord_pulled_in_the_bedroom_raises_an_alert_that_names_the_room_the_home_and_the_time() -> None:
    house = Household()
    house.waits(12 * 60)
    (raised,) = of(AlertRaised, house.says("cord", pull_cord=True))
    assert (raised.category, raised.priority) == (Category.CALL_FOR_HELP, Priority.LIFE)
    assert (raised.matter, raised.room) == ("call_for_help", "卧室")
    assert raised.title.zh == "卧室拉绳呼叫"
    assert raised.title.en == "Pull cord pulled in the bedroom"
    assert raised.reason.zh == "王桂芳家（12栋402）卧室的拉绳于 03:12 被拉动，有人求助"
    assert raised.reason.en.startswith("Pull cord pulled in the bedroom at 03:12")
    assert raised.rule_version == DEFAULT.version
    assert raised.evidence[0].raw == b"{}"


def test_what_somebody_wears_is_said_to_be_in_no_room() -> None:
    house = Household()
    house.asks(ChangeDevice(Device(DeviceId("watch"), HOME, ModelId("watch"), room="随身")))
    house.waits(12 * 60)
    (raised,) = of(AlertRaised, house.says("watch", fall=True))
    assert raised.reason.zh == "王桂芳家（12栋402）的手表于 03:12 检测到疑似跌倒"
    assert raised.reason.en.startswith("The watch reported a possible fall at 03:12 in ")


@pytest.mark.parametrize(
    ("device", "values", "category", "priority"),
    [
        ("cord", {"pull_cord": True}, Category.CALL_FOR_HELP, 1),
        ("watch", {"sos": True}, Category.CALL_FOR_HELP, 1),
        ("watch", {"fall": True}, Category.FALL, 1),
        ("smoke", {"smoke": True}, Category.FIRE, 1),
        ("smoke", {"heat_alarm": True}, Category.FIRE, 1),
        ("co", {"co_alarm": True}, Category.GAS, 1),
        ("co", {"co": 320}, Category.GAS, 1),
        ("gas", {"gas_alarm": True}, Category.GAS, 1),
        ("gas", {"gas": 12.5}, Category.GAS, 1),
        ("leak", {"water_leak": True}, Category.WATER, 2),
        ("watch", {"heart_rate": 38}, Category.HEALTH, 2),
        ("watch", {"heart_rate": 131}, Category.HEALTH, 2),
        ("watch", {"spo2": 84}, Category.HEALTH, 2),
        ("watch", {"respiration_rate": 25}, Category.HEALTH, 2),
        ("watch", {"respiration_rate": 8}, Category.HEALTH, 2),
        ("cuff", {"systolic": 90}, Category.HEALTH, 2),
        ("cuff", {"systolic": 220}, Category.HEALTH, 2),
        ("watch", {"body_temperature": 35.0}, Category.HEALTH, 2),
        ("cord", {"battery_low": True}, Category.TECHNICAL, 4),
        ("cord", {"battery": 15}, Category.TECHNICAL, 4),
        ("cord", {"tamper": True}, Category.TECHNICAL, 4),
        ("hub", {"mains_lost": True}, Category.TECHNICAL, 3),
        ("cord", {"fault": True}, Category.TECHNICAL, 4),
    ],
)
def test_what_a_report_says_gives_the_alert_its_category_and_priority(
    device: str, values: dict[str, bool | float], category: Category, priority: int,
) -> None:
    house = Household()
    (raised,) = of(AlertRaised, house.takes(report(device, house.now, "r", values)))
    assert (raised.category, raised.priority) == (category, priority)
    assert raised.title.zh
    assert raised.title.en
    assert "{" not in raised.reason.zh + raised.reason.en


@pytest.mark.parametrize(
    "values",
    [
        {"contact_open": True}, {"occupancy": True}, {"vibration": True}, {"bed_occupied": False}, {"checked_in": True}, {"test": True},
        {"cancel": True}, {"heart_rate": 41}, {"heart_rate": 130}, {"spo2": 92}, {"systolic": 91}, {"body_temperature": 35.1},
        {"body_temperature": 39.9}, {"battery": 16}, {"pull_cord": False}, {"smoke": False}, {"co": 49}, {"temperature": -40},
    ],
)  # fmt: skip
def test_doors_motion_and_sound_readings_raise_nothing(values: dict[str, bool | float]) -> None:
    house = Household()
    assert not [f for f in house.takes(report("watch", house.now, "r", values)) if isinstance(f, AlertFact)]


def test_a_reading_past_the_limit_says_that_it_is_partial_data_and_no_diagnosis() -> None:
    house = Household()
    (raised,) = of(AlertRaised, house.says("watch", heart_rate=38))
    assert "心率 38 次/分" in raised.reason.zh
    assert "数据不完整，仅供参考，非诊断" in raised.reason.zh
    assert "heart rate 38 /min" in raised.reason.en
    assert "partial data, not a diagnosis" in raised.reason.en


def test_the_same_report_delivered_again_changes_nothing_at_all() -> None:
    house = Household()
    house.says("cord", id_="one", pull_cord=True)
    before = house.engine.snapshot(f"home/{HOME}")
    assert house.says("cord", id_="one", pull_cord=True) == []
    assert house.engine.snapshot(f"home/{HOME}") == before


def test_a_call_is_known_again_after_a_thousand_readings_and_not_after_31_days() -> None:
    house = Household()
    house.says("cord", id_="call", pull_cord=True)
    closed(house, Category.CALL_FOR_HELP)
    for number in range(1000):
        house.says("cord", id_=f"reading-{number}", rssi=-60)
    assert house.says("cord", id_="call", pull_cord=True) == []
    house.waits(31 * 86400)
    house.says("cord", id_="another", pull_cord=True)
    assert of(AlertRepeated, house.says("cord", id_="call", pull_cord=True))


def test_a_second_pull_while_the_first_is_open_is_the_same_alert_with_another_room_in_its_evidence() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    assert len(of(AlertRepeated, house.says("bath", pull_cord=True))) == 1
    alert = house.alert(Category.CALL_FOR_HELP)
    assert alert.repeats == 1
    assert [e.device for e in alert.evidence] == ["cord", "bath"]
    assert len(house.open()) == 1


def test_smoke_that_is_gone_is_cleared_and_still_waits_for_a_person_and_recurs_when_it_comes_back() -> None:
    house = Household()
    house.says("smoke", smoke=True)
    assert of(AlertRepeated, house.says("smoke", smoke=True))
    assert of(AlertCleared, house.says("smoke", smoke=False))
    assert house.says("smoke", smoke=False) == []
    assert house.alert(Category.FIRE).open
    assert house.alert(Category.FIRE).cleared_at == house.now
    assert of(AlertRecurred, house.says("smoke", smoke=True))
    assert house.alert(Category.FIRE).cleared_at is None
    assert len(house.engine.alerts) == 1


def test_an_alert_clears_only_when_every_detector_that_spoke_for_it_is_quiet() -> None:
    house = Household()
    house.says("smoke", smoke=True)
    house.says("attic", smoke=True)
    assert of(AlertCleared, house.says("smoke", smoke=False)) == []
    assert of(AlertCleared, house.says("attic", smoke=False))


def test_a_fire_alert_closed_too_early_is_raised_anew_while_the_detector_still_says_smoke() -> None:
    house = Household()
    house.says("smoke", smoke=True)
    closed(house, Category.FIRE)
    (raised,) = of(AlertRaised, house.says("smoke", smoke=True))
    assert raised.alert != next(iter(house.engine.alerts))


def test_a_low_battery_closed_by_a_person_is_not_raised_again_until_it_was_charged() -> None:
    house = Household()
    house.says("cord", battery_low=True)
    assert house.says("cord", battery_low=True) == []
    closed(house, Category.TECHNICAL)
    assert house.says("cord", battery_low=True) == []
    house.says("cord", battery_low=False)
    assert of(AlertRaised, house.says("cord", battery_low=True))


def test_what_a_hub_sends_again_from_its_cache_means_nothing_until_it_changes() -> None:
    house = Household()
    assert of(AlertRaised, house.says("smoke", smoke=True, manner=Manner.CACHED))
    assert house.says("smoke", smoke=True, manner=Manner.CACHED) == []
    closed(house, Category.FIRE)
    assert house.says("smoke", smoke=True, manner=Manner.CACHED) == []
    house.says("smoke", smoke=False, manner=Manner.CACHED)
    assert of(AlertRaised, house.says("smoke", smoke=True, manner=Manner.CACHED))


@pytest.mark.parametrize(
    ("first", "again", "calls", "why"),
    [
        ('{"sos":true,"battery_low":false,"linkquality":80}', '{"sos":true,"battery_low":false,"linkquality":93}', True,
         "nothing in it but what the button's own message carries, over another way through the air"),
        ('{"sos":true,"linkquality":80,"last_seen":1795287599500}', '{"sos":true,"linkquality":80,"last_seen":1795287659500}', True,
         "radioed later, by the hub's own word"),
        ('{"sos":true,"battery":null,"linkquality":80}', '{"sos":true,"battery":null,"linkquality":81}', True, "no battery has been told"),
        ('{"sos":true,"battery_low":false,"linkquality":80}', '{"battery_low":false,"linkquality":80,"sos":true}', False,
         "the hub started anew, and says what it knew"),
        ('{"sos":true,"linkquality":80,"last_seen":1795287599500}', '{"linkquality":80,"sos":true,"last_seen":1795287599500}', False,
         "the hub started anew, and says when that was"),
        ('{"sos":true,"battery":87,"linkquality":80}', '{"sos":true,"battery":87,"linkquality":93}', False,
         "a battery that is as full as before may be why it was said"),
        ('{"sos":true,"linkquality":80}', '{"sos":true,"update":{"state":"idle"},"linkquality":93}', False, "news of its firmware"),
        ('{"sos":true}', '{"sos":true}', False, "nothing tells the two apart"),
        ('{"smoke":true,"battery_low":false,"linkquality":80}', '{"smoke":true,"battery_low":false,"linkquality":93}', False,
         "a detector goes on alarming, nobody presses it"),
    ],
)
def test_a_button_that_never_takes_its_call_back_is_heard_again_where_its_hub_shows_that_it_was_pressed(
    first: str, again: str, calls: bool, why: str,
) -> None:  # fmt: skip
    house = Household()
    topic = f"anju/v1/{AREA}/{HOME}/bridge/zigbee2mqtt/zigbee2mqtt/button"

    def hub(text: str) -> list[Fact]:
        message = decode(topic, text.encode(), house.now)
        assert isinstance(message, Heard)
        return house.takes(Said(message, topic, text.encode()))

    assert of(AlertRaised, hub(first))
    house.waits(60)
    closed(house, Category.FIRE if "smoke" in first else Category.CALL_FOR_HELP)
    assert bool(of(AlertRaised, hub(again))) is calls, why


def test_the_two_or_three_messages_of_one_press_are_one_call() -> None:
    house = Household()
    topic = f"anju/v1/{AREA}/{HOME}/bridge/zigbee2mqtt/zigbee2mqtt/button"
    facts: list[Fact] = []
    for quality in (80, 93, 71):
        text = f'{{"sos":true,"tamper":false,"linkquality":{quality}}}'.encode()
        message = decode(topic, text, house.now)
        assert isinstance(message, Heard)
        facts += house.takes(Said(message, topic, text))
        house.waits(1)
    assert len(of(AlertRaised, facts)) == 1
    assert not of(AlertRepeated, facts)


def test_a_call_for_help_has_no_clear() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    assert house.says("cord", pull_cord=False) == []
    assert house.alert(Category.CALL_FOR_HELP).cleared_at is None


def test_a_call_taken_back_is_shown_as_such_and_goes_on_ringing_until_repeated_or_closed() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    (cancelled,) = of(CallCancelled, house.says("cord", cancel=True))
    alert = house.alert(Category.CALL_FOR_HELP)
    assert alert.cancelled_at == cancelled.at
    assert alert.ringing
    assert house.says("cord", cancel=True) == []
    house.says("cord", pull_cord=True)
    assert house.alert(Category.CALL_FOR_HELP).cancelled_at is None


def test_nobody_takes_back_a_fire() -> None:
    house = Household()
    house.says("smoke", smoke=True)
    assert house.says("smoke", cancel=True) == []


def test_a_self_test_of_a_smoke_detector_raises_nothing_and_does_not_hide_the_smoke_behind_it() -> None:
    house = Household()
    assert house.says("smoke", test=True, smoke=True) == []
    assert of(AlertRaised, house.says("smoke", smoke=True, manner=Manner.CACHED))


def test_a_call_in_a_test_report_is_a_call() -> None:
    house = Household()
    assert of(AlertRaised, house.says("cord", test=True, pull_cord=True))
    assert of(AlertRaised, house.says("watch", test=True, fall=True))


def test_a_detector_stuck_in_its_self_test_hides_no_fire_for_more_than_five_minutes() -> None:
    house = Household()
    for _ in range(6):
        assert of(AlertRaised, house.says("smoke", test=True, smoke=True)) == []
        house.waits(60)
    assert of(AlertRaised, house.says("smoke", test=True, smoke=True))


def test_self_tests_a_month_apart_are_each_excused() -> None:
    house = Household()
    for _ in range(3):
        assert of(AlertRaised, house.says("smoke", test=True, smoke=True)) == []
        house.says("smoke", battery=90)
        house.waits(30 * 86400)


def test_carbon_monoxide_must_stay_over_its_limit_for_its_time() -> None:
    house = Household()
    assert of(AlertRaised, house.says("co", co=120)) == []
    began = house.now
    house.waits(300)
    house.says("co", co=110)
    (raised,) = of(AlertRaised, house.waits(86400))[:1]
    assert raised.at == began + timedelta(minutes=10)
    assert raised.rule == "co-100"
    assert "110 ppm" in raised.reason.zh
    assert "10 分钟" in raised.reason.zh


def test_a_level_that_falls_behind_its_clear_limit_in_time_raises_nothing_and_one_in_between_does_not_reset_it() -> None:
    house = Household()
    house.says("co", co=120)
    house.waits(590)
    house.says("co", co=20)
    assert of(AlertRaised, house.waits(86400)) == []
    house.says("co", co=120)
    house.waits(590)
    house.says("co", co=60)
    assert of(AlertRaised, house.waits(10))


def test_a_reading_on_the_edge_neither_repeats_nor_clears_until_it_is_back_behind_the_hysteresis() -> None:
    house = Household()
    house.says("watch", spo2=91)
    house.waits(1)
    assert house.says("watch", spo2=92) == []
    house.waits(1)
    assert house.says("watch", spo2=91) == []
    house.waits(1)
    assert of(AlertRepeated, house.says("watch", spo2=88)), "worse than before tells more"
    house.waits(1)
    assert of(AlertCleared, house.says("watch", spo2=93))
    house.waits(1)
    assert of(AlertRecurred, house.says("watch", spo2=90))


def test_the_same_reading_under_another_id_is_the_same_reading() -> None:
    house = Household()
    house.says("watch", spo2=84)
    closed(house, Category.HEALTH)
    assert house.says("watch", spo2=84) == [], "same device, property, value and moment"
    house.waits(1)
    assert house.says("watch", spo2=84) == [], "said again later, and still so: it is looked at when its time comes"
    assert of(AlertRaised, house.says("watch", spo2=80)), "worse is news"


def test_low_battery_by_number_and_by_flag_is_one_alert_that_clears_when_both_are_well() -> None:
    house = Household()
    house.says("cord", battery=9, battery_low=True)
    assert len(house.open()) == 1
    house.waits(1)
    assert of(AlertCleared, house.says("cord", battery=80)) == []
    house.waits(1)
    assert of(AlertCleared, house.says("cord", battery_low=False))


def test_a_late_call_is_a_call_and_late_smoke_that_is_over_by_now_is_raised_and_cleared() -> None:
    house = Household()
    house.says("smoke", smoke=False)
    late = report("smoke", house.now - timedelta(minutes=5), "late", {"smoke": True}, received_at=house.now)
    facts = house.takes(late)
    assert [type(f) for f in of(AlertRaised, facts) + of(AlertCleared, facts)] == [AlertRaised, AlertCleared]
    assert "02:55" in of(AlertRaised, facts)[0].reason.zh


def test_a_late_reading_does_not_speak_against_a_newer_one() -> None:
    house = Household()
    house.says("watch", heart_rate=70)
    assert house.takes(report("watch", house.now - timedelta(hours=5), "old", {"heart_rate": 30}, received_at=house.now)) == []


def test_a_device_whose_clock_ran_ahead_is_not_deaf_afterwards() -> None:
    house = Household()
    house.takes(report("watch", house.now + timedelta(hours=3), "ahead", {"heart_rate": 70}, received_at=house.now))
    house.waits(10)
    assert of(AlertRaised, house.says("watch", heart_rate=30))


def test_a_device_nobody_registered_is_listed_once_and_its_call_raises_an_alert() -> None:
    house = Household()
    facts = house.says("stranger", sos=True)
    (found,) = of(DeviceDiscovered, facts)
    assert found.device.lifecycle is Lifecycle.UNREGISTERED
    assert found.device.exposes == (Property.SOS,)
    assert of(AlertRaised, facts)
    assert of(DeviceDiscovered, house.says("stranger", sos=True)) == []


def test_a_home_nobody_registered_is_heard_all_the_same() -> None:
    house = Household()
    (raised,) = of(AlertRaised, house.takes(report("cord", house.now, "x", {"pull_cord": True}, home="unknown-home")))
    assert (raised.home, raised.area) == (HomeId("unknown-home"), AREA)
    assert "unknown-home" in raised.reason.zh


def test_a_hub_list_gives_names_and_discovers_what_nobody_registered() -> None:
    house = Household()
    listed = (Listed(DeviceId("0x01"), "bedroom cord", "HEIMAN", "HS1EB", (Property.SOS,)),)
    said = Said(DirectoryHeard(AREA, HOME, "zigbee2mqtt", house.now, listed), "topic", b"")
    (found,) = of(DeviceDiscovered, house.takes(said))
    assert (found.device.name, found.device.vendor, found.device.model) == ("bedroom cord", "HEIMAN", "HS1EB")
    assert house.engine.directory(HOME, "zigbee2mqtt").names["bedroom cord"] == listed[0]
    assert house.takes(said) == []


def test_each_hub_of_a_home_has_a_list_of_its_own_which_its_newest_replaces() -> None:
    house = Household()
    cord, leak = (Listed(DeviceId(f"0x0{n}"), name, "", "", ()) for n, name in enumerate(("cord", "leak")))

    def lists(hub: str, *devices: Listed) -> None:
        house.takes(Said(DirectoryHeard(AREA, HOME, "zigbee2mqtt", house.now, devices, hub), f"{hub}{devices}", b""))

    def known() -> dict[str, list[str]]:
        return {hub: list(house.engine.directory(HOME, f"zigbee2mqtt/{hub}").names) for hub in ("upstairs", "downstairs")}

    lists("", cord)  # by an older version: of which hub it is nobody knows any more
    lists("upstairs", cord)
    assert not house.engine.directory(HOME, "zigbee2mqtt").names
    lists("downstairs", leak)
    assert known() == {"upstairs": ["cord"], "downstairs": ["leak"]}
    lists("upstairs", cord, leak)
    assert known() == {"upstairs": ["cord", "leak"], "downstairs": ["leak"]}
    for floor in range(7):
        lists(f"floor {floor}", cord)
    assert known() == {"upstairs": ["cord", "leak"], "downstairs": []}


def test_a_watch_that_is_not_heard_for_its_heartbeat_and_the_grace_is_silent_to_the_second_and_returns() -> None:
    house = Household()
    house.says("watch", heart_rate=70)
    assert of(DeviceSilent, house.waits(11 * 60 - 0.001)) == []
    facts = house.waits(0.001)
    (silent,) = of(DeviceSilent, facts)
    (raised,) = of(AlertRaised, facts)
    assert (silent.at, silent.last_heard_at) == (START + timedelta(minutes=11), START)
    assert (raised.matter, raised.priority) == ("silence:watch", 4)
    assert "11 分钟" in raised.reason.zh
    house.waits(60)
    facts = house.says("watch", heart_rate=70)
    assert of(DeviceReturned, facts)
    assert of(AlertCleared, facts)
    assert of(AlertRecurred, house.waits(86400)), "silent again while nobody closed the alert"


def test_a_device_heard_every_nine_minutes_is_never_silent() -> None:
    house = Household()
    for _ in range(50):
        house.says("watch", heart_rate=70)
        assert of(DeviceSilent, house.waits(9 * 60)) == []


def test_a_hub_that_says_offline_is_given_three_minutes_to_come_back() -> None:
    house = Household()
    house.status("hub", online=True)
    house.status("hub", online=False)
    house.waits(170)
    house.status("hub", online=True)
    house.status("hub", online=False)
    assert of(AlertRaised, house.waits(179)) == []
    (raised,) = of(AlertRaised, house.waits(1))
    assert (raised.rule, raised.priority, raised.policy) == ("hub-silent", 3, "aware")
    assert of(DeviceReturned, house.status("hub", online=True))


def test_nobody_is_blamed_for_silence_while_the_service_was_deaf() -> None:
    house = Household()
    house.says("watch", heart_rate=70)
    died = house.now + timedelta(minutes=5)
    house.now += timedelta(hours=3)
    assert of(DeviceSilent, house.starts(died)) == []
    assert of(DeviceSilent, house.waits(8 * 60 - 1)) == [], "the six minutes that were left, and two in which everybody comes back"
    (silent,) = of(DeviceSilent, house.waits(1))
    assert silent.at == house.now


def test_a_device_never_heard_and_one_that_nobody_registered_are_not_watched() -> None:
    house = Household()
    house.says("stranger", temperature=20)
    assert of(DeviceSilent, house.waits(30 * 86400)) == []


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60))
def test_of_any_sequence_of_ids_each_new_one_counts_once_while_it_is_remembered(ids: list[str]) -> None:
    device = DeviceState(Device(DeviceId("d"), HOME, ModelId("")))
    index = Index(DEFAULT)
    seen: set[str] = set()
    for id_ in ids:
        observed = Report(ReportId(id_), START, START, (Observation(Property.RSSI, -60),))
        assert (hear(device, observed, affirmed(observed), b"", index) is None) == (id_ in seen)
        seen.add(id_)


@pytest.mark.parametrize(("home", "area"), [(HOME, AREA), (HomeId("stranger"), AreaId("999"))])
def test_a_report_under_another_area_is_of_the_area_that_the_home_is_registered_in_if_it_is(home: HomeId, area: AreaId) -> None:
    house = Household()
    heard = Heard(AreaId("999"), home, DeviceId("cord"), Report(ReportId("z"), START, START, (Observation(Property.SOS, value=True),)))
    (raised,) = of(AlertRaised, house.takes(Said(heard, "t", b"")))
    assert raised.area == area
