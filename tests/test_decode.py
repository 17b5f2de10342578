"""What a native message means, sound or broken."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.decode import BRIDGE_LIMIT, REPORT_LIMIT, decode
from devices.dialects.values import Numbers
from devices.message import Carrier, Heard, Ignored, ReplyHeard, StatusHeard
from devices.observation import BOOLEANS, URGENT, DecodeError, Manner, Observation, Problem, Property

NOW = datetime(2026, 11, 22, 2, 0, 1, tzinfo=UTC)
DEVICE = "anju/v1/330106001002/home-1/cord-1"
AT = "2026-11-22T10:00:00.250+08:00"


def heard(payload: str | bytes, channel: str = "report", now: datetime = NOW) -> Heard:
    message = decode(f"{DEVICE}/{channel}", payload.encode() if isinstance(payload, str) else payload, now)
    assert isinstance(message, Heard)
    return message


def values(payload: str | bytes) -> dict[str, bool | int | float]:
    return {o.property.value: o.value for o in heard(payload).report.observations}


def places(payload: str | bytes) -> list[str]:
    return [p.place for p in heard(payload).report.problems]


def report(said: str, more: str = f',"at":"{AT}","id":"r1"') -> str:
    return f'{{"values":{{{said}}}{more}}}'


def test_the_contracts_example_is_heard_as_it_stands() -> None:
    message = heard(f'{{"id": "01J", "at": "{AT}", "values": {{"pull_cord": true, "battery": 87}}}}')
    assert (message.area, message.home, message.device, message.carrier) == ("330106001002", "home-1", "cord-1", Carrier.REPORT)
    assert message.report.id == "01J"
    assert message.report.observed_at == datetime(2026, 11, 22, 2, 0, 0, 250_000, tzinfo=UTC)
    assert message.report.observed_at.tzinfo is UTC
    assert message.report.observations == (
        Observation(Property.PULL_CORD, True, Manner.EVENT), Observation(Property.BATTERY, 87, Manner.STATE),
    )  # fmt: skip
    assert not message.report.clock_suspect
    assert not message.report.problems


def test_the_alarm_channel_says_the_same_by_its_own_lane() -> None:
    assert heard(report('"sos":true'), "alarm").carrier is Carrier.ALARM


@pytest.mark.parametrize("prop", sorted(BOOLEANS))
def test_calls_and_answers_are_momentary_and_everything_else_is_a_state(prop: Property) -> None:
    momentary = {"sos", "pull_cord", "cancel", "checked_in", "medication_taken", "test"}
    (said,) = heard(report(f'"{prop}":true')).report.observations
    assert said == Observation(prop, True, Manner.EVENT if prop in momentary else Manner.STATE)


def test_a_self_test_is_delivered_beside_what_it_sets_off() -> None:
    assert values(report('"smoke":true,"test":true')) == {"smoke": True, "test": True}


def test_an_unknown_property_and_an_unknown_key_harm_nothing() -> None:
    message = heard(report('"mood":true,"aura":7,"sos":true', ',"at":1795312800250,"id":"r1","firmware":{"x":[1]}'))
    assert [o.property for o in message.report.observations] == [Property.SOS]
    assert not message.report.problems


# --- the clock ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "observed", "suspect"),
    [
        ('"2026-11-22T02:00:00Z"', NOW - timedelta(seconds=1), False),
        ('"2026-11-21T22:00:00-04:00"', NOW - timedelta(seconds=1), False),
        (str(int(NOW.timestamp() * 1000) - 500), NOW - timedelta(milliseconds=500), False),
        ('"2026-11-22T02:10:01Z"', NOW + timedelta(minutes=10), False),
        ('"2026-11-22T02:10:02Z"', NOW, True),
        ('"2026-10-22T02:00:01Z"', NOW - timedelta(days=31), False),
        ('"2026-10-22T02:00:00Z"', NOW, True),
        ('"2026-11-22T10:00:00"', NOW, True),
        ('"1970-01-01T00:00:07Z"', NOW, True),
        ('"2038-01-19T03:14:08Z"', NOW, True),
        ("0", NOW, True),
        ("-5", NOW, True),
        ("1795312800", NOW, True),
        ("99999999999999999999999", NOW, True),
        ("9223372036854775807", NOW, True),
        ('"0001-01-01T00:00:00+14:00"', NOW, True),
        ('"9999-12-31T23:59:59-14:00"', NOW, True),
    ],
)  # fmt: skip
def test_a_clock_is_believed_within_its_bounds_and_the_receipt_stands_for_any_other(at: str, observed: datetime, suspect: bool) -> None:
    message = heard(report('"smoke":true', f',"id":"r1","at":{at}'))
    assert (message.report.observed_at, message.report.clock_suspect) == (observed, suspect)
    assert message.report.urgent


@pytest.mark.parametrize("at", ['"yesterday"', "true", "[1]", '{"s":1}', "NaN", "1e400", "1795312800250.5", '""'])
def test_an_at_of_the_wrong_kind_is_told_and_drops_no_alarm(at: str) -> None:
    message = heard(report('"fall":true', f',"id":"r1","at":{at}'))
    assert message.report.urgent
    assert message.report.clock_suspect
    assert [p.place for p in message.report.problems] == ["at"]


def test_a_number_stays_what_the_text_says_however_often_it_was_said_otherwise() -> None:
    said = ["20", "20.0", "0", "0.0", "-0.0", "0", "-0.0", "0.0", "1", "1.0", "20", "2e1", "-1.5", "-1.5"]
    taken = [values(report(f'"temperature":{each}'))["temperature"] for each in said]
    assert list(map(repr, taken)) == list(map(repr, map(json.loads, said)))


@pytest.mark.parametrize("again", range(2))
def test_what_is_impossible_is_so_each_time(again: int) -> None:
    assert places(report('"spo2":101')) == places(report('"spo2":101.0')) == ["values.spo2"], again


def test_of_the_numbers_of_a_property_only_so_many_are_held() -> None:
    numbers = Numbers(Property.STEPS)
    assert all(numbers[value].value == value for value in range(5 * Numbers.MOST))
    assert len(numbers) <= Numbers.MOST
    with pytest.raises(KeyError):
        numbers[-1]


def test_a_moment_is_held_against_each_receipt_anew() -> None:
    said = report('"smoke":false')
    suspect = [heard(said, now=NOW + timedelta(days=days)).report.clock_suspect for days in (0, 40, 1, -1, 0)]
    assert suspect == [False, True, False, True, False]


def test_a_missing_at_makes_the_clock_suspect() -> None:
    assert heard(report('"sos":true', ',"id":"r1"')).report.clock_suspect


# --- the id ---------------------------------------------------------------------------------------------------------------------


def test_a_report_without_id_is_the_same_report_when_it_is_delivered_again() -> None:
    said = report('"sos":true', f',"at":"{AT}"')
    assert heard(said).report.id == heard(said, now=NOW + timedelta(minutes=3)).report.id
    assert heard(said).report.id != heard(report('"sos":true', f',"at":"{AT.replace("250", "251")}"')).report.id


def test_a_cord_without_id_and_clock_pulled_on_two_days_is_two_pulls() -> None:
    said = report('"pull_cord":true', "")
    assert heard(said).report.id != heard(said, now=NOW + timedelta(days=1)).report.id


@pytest.mark.parametrize("given_id", ["7", "null", '""', f'"{"x" * 129}"', "true", "[]", '"a\\u0000b"', '"\\ud800"'])
def test_an_id_that_is_none_is_replaced_by_one_that_is(given_id: str) -> None:
    message = heard(report('"sos":true', f',"at":"{AT}","id":{given_id}'))
    assert message.report.urgent
    assert 1 <= len(message.report.id) <= 128
    message.report.id.encode()
    assert [p.place for p in message.report.problems] == ([] if given_id in ("null", '""') else ["id"])


# --- partly bad -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "taken", "wrong"),
    [
        ('"heart_rate":900,"spo2":97', {"spo2": 97}, ["values.heart_rate"]),
        ('"battery":400', {}, ["values.battery"]),
        ('"heart_rate":"72"', {"heart_rate": 72}, ["values.heart_rate"]),
        ('"heart_rate":"fast","sos":true', {"sos": True}, ["values.heart_rate"]),
        ('"heart_rate":true', {}, ["values.heart_rate"]),
        ('"temperature":NaN,"smoke":true', {"smoke": True}, ["values.temperature"]),
        ('"temperature":1e400,"smoke":true', {"smoke": True}, ["values.temperature"]),
        ('"temperature":-Infinity,"smoke":true', {"smoke": True}, ["values.temperature"]),
        (f'"steps":{"9" * 5000},"fall":true', {"fall": True}, ["values.steps"]),
        (f'"steps":{"9" * 30}', {}, ["values.steps"]),
        ('"smoke":1', {"smoke": True}, ["values.smoke"]),
        ('"smoke":"true"', {"smoke": True}, ["values.smoke"]),
        ('"sos":"ON"', {"sos": True}, ["values.sos"]),
        ('"smoke":0', {"smoke": False}, ["values.smoke"]),
        ('"smoke":"off"', {"smoke": False}, ["values.smoke"]),
        ('"smoke":null', {}, ["values.smoke"]),
        ('"pull_cord":"gezogen"', {"pull_cord": True}, ["values.pull_cord"]),
        ('"fall":0.8', {"fall": True}, ["values.fall"]),
        ('"sos":NaN', {"sos": True}, ["values.sos"]),
        ('"sos":{"value":true}', {"sos": True}, ["values.sos"]),
        ('"contact_open":"ajar"', {}, ["values.contact_open"]),
        ('"contact_open":"on"', {"contact_open": True}, ["values.contact_open"]),
        ('"smoke":true,"smoke":false', {"smoke": True}, ["values.smoke"]),
        ('"smoke" :true,"smoke" :false', {"smoke": True}, ["values.smoke"]),
        ('"smoke":false,"smoke":true', {"smoke": True}, ["values.smoke"]),
        ('"heart_rate":38,"heart_rate":80', {"heart_rate": 80}, ["values.heart_rate"]),
        ('"contact_open":true,"contact_open":false', {"contact_open": False}, ["values.contact_open"]),
    ],
)
def test_the_good_of_a_partly_bad_report_counts_and_the_bad_is_named(said: str, taken: dict[str, object], wrong: list[str]) -> None:
    assert values(report(said)) == taken
    assert places(report(said)) == wrong


def test_values_given_twice_are_all_heard() -> None:
    said = '{"values":{"sos":true},"id":"r1","at":1795312800250,"values":{"battery":50}}'
    assert values(said) == {"sos": True, "battery": 50}
    assert places(said) == ["values"]


def test_a_broken_letter_in_the_id_does_not_silence_the_cord() -> None:
    said = b'{"id":"caf\xe9","at":"%b","values":{"pull_cord":true,"battery":80}}' % AT.encode()
    assert values(said) == {"pull_cord": True, "battery": 80}
    assert places(said) == ["payload", "id"]


def test_a_nul_behind_the_last_brace_is_forgiven_and_told() -> None:
    assert values(report('"sos":true') + "\0") == {"sos": True}
    assert places(report('"sos":true') + "\0") == ["payload"]


def test_json_that_was_written_twice_is_read_twice_and_told() -> None:
    inner = '{"battery":50,"smoke":true}'
    by_values = heard(json.dumps({"id": "r1", "values": inner}).encode())
    whole = heard(json.dumps(json.dumps({"id": "r1", "values": {"battery": 50, "smoke": True}})).encode())
    for message, place in ((by_values, "values"), (whole, "payload")):
        assert message.report.id == "r1"
        assert {o.property.value: o.value for o in message.report.observations} == {"battery": 50, "smoke": True}
        assert [problem.place for problem in message.report.problems] == [place]


def test_a_report_full_of_faults_names_the_first_of_them() -> None:
    said = report(",".join(['"sos":1'] * 5000))
    assert values(said) == {"sos": True}
    assert len(places(said)) == 32


# --- wholly bad -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        b'{"values":{"battery":50,"sos":true',
        b'{"id":"r1","values":{"smoke" : true,"temp',
        b'{"sos":true}',
        b'{"values":["sos"],"sos":1}',
        b"{'values': {'pull_cord': True}}",
        b'{"values":{"sos":true},"x":' + b"[" * 60_000,
        b'[{"values":{"fall":true}}]',
        b'\xff\xfe{"values":{"sos":"on"}',
        b'{"id":"r1","values":{"sos":tru',
        b'{"id":"r1","values":{"pull_cord":t',
        b"{values: {battery: 50, sos: true}}",
        '{"values":{"sos":true}}'.encode("utf-16-le"),
        '{"values":{"fall":true}}'.encode("utf-32-be"),
    ],
)
def test_a_call_in_an_unreadable_text_is_heard_all_the_same(payload: bytes) -> None:
    message = heard(payload)
    assert {o.value for o in message.report.observations} == {True}
    assert {o.property for o in message.report.observations} <= URGENT
    assert message.report.urgent
    assert message.report.clock_suspect
    assert len(message.report.problems) == 1


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        (b"", "payload"),
        (b"\0\0", "payload"),
        (b"hello", "payload"),
        (b"\xff\xfe\x00", "payload"),
        (b"[" * 60_000, "payload"),
        (b'{"a":' * 10_000, "payload"),
        (b"[]", "payload"),
        (b"null", "payload"),
        (b"1e400", "payload"),
        (b"{}", "values"),
        (b'{"id":"r1"}', "values"),
        (b'{"values":null}', "values"),
        (b'{"values":[1]}', "values"),
        (b'{"values":{"sos":false', "payload"),
        (b'{"values":{"sos":fa', "payload"),
        (b'{"values":{"sos":t}', "payload"),
        (b'{"note":"no sos: true', "payload"),
        (b'{"values":"{\\"sos\\":true', "payload"),
        (b'{"values":{"battery":50', "payload"),
        (b'{"note":"not \\"sos\\": true', "payload"),
    ],
)
def test_what_carries_nothing_is_refused_and_the_place_is_named(payload: bytes, place: str) -> None:
    with pytest.raises(DecodeError) as refused:
        decode(f"{DEVICE}/report", payload, NOW)
    assert refused.value.problem.place == place
    assert 0 < len(refused.value.problem.reason) <= 400


def test_a_call_at_the_beginning_of_a_message_that_is_far_too_long_is_still_a_call() -> None:
    heard = decode(f"{DEVICE}/report", b'{"values":{"sos":true,"note":"xxxx', NOW, size=10_000_000)
    assert isinstance(heard, Heard)
    assert heard.report.urgent
    assert heard.report.problems[0].reason == f"10000000 bytes, {REPORT_LIMIT} at most"


@pytest.mark.parametrize(
    ("topic", "limit"), [(f"{DEVICE}/report", REPORT_LIMIT), ("anju/v1/a/h/bridge/zigbee2mqtt/zigbee2mqtt/bridge/devices", BRIDGE_LIMIT)],
)  # fmt: skip
def test_what_is_over_its_limit_is_refused_with_its_size(topic: str, limit: int) -> None:
    with pytest.raises(DecodeError, match=f"{limit + 1} bytes"):
        decode(topic, b'{"values":{"note":"', NOW, size=limit + 1)
    with pytest.raises(DecodeError, match=f"{limit + 1} bytes"):
        decode(topic, b" " * (limit + 1), NOW)
    with pytest.raises(DecodeError, match="only 3 of 9 bytes"):
        decode(topic, b'{"v', NOW, size=9)


def test_a_report_up_to_the_limit_is_read_whole() -> None:
    said = report('"sos":true').encode().ljust(REPORT_LIMIT)
    message = decode(f"{DEVICE}/report", said, NOW, size=len(said))
    assert isinstance(message, Heard)
    assert message.report.urgent


# --- the other channels ---------------------------------------------------------------------------------------------------------


def test_a_status_tells_model_and_firmware() -> None:
    said = b'{"status":"online","model":"anju-hub-1","firmware":"1.2.3"}'
    assert decode(f"{DEVICE}/status", said, NOW) == StatusHeard(
        "330106001002", "home-1", "cord-1", True, NOW, "anju-hub-1", "1.2.3",  # type: ignore[arg-type]
    )  # fmt: skip
    offline = decode(f"{DEVICE}/status", b'{"status":"offline"}', NOW)
    assert isinstance(offline, StatusHeard)
    assert not offline.online


def test_a_cleared_status_says_nothing_about_the_device() -> None:
    assert isinstance(decode(f"{DEVICE}/status", b"", NOW), Ignored)


def test_a_reply_is_a_result_or_an_error() -> None:
    done, failed = (decode(f"{DEVICE}/reply", said, NOW) for said in (b'{"id":"c1","result":"done"}', b'{"id":"c2","error":"no siren"}'))
    assert isinstance(done, ReplyHeard)
    assert isinstance(failed, ReplyHeard)
    assert (done.command_id, done.result, done.error) == ("c1", "done", "")
    assert (failed.command_id, failed.result, failed.error) == ("c2", "", "no siren")


@pytest.mark.parametrize(
    ("rest", "payload", "place"),
    [
        ("cord-1/status", b'{"status":"asleep"}', "status"),
        ("cord-1/status", b'{"status":"online","model":7}', "model"),
        ("cord-1/status", b"online", "payload"),
        ("cord-1/status", b'{"status":"\xff"}', "payload"),
        ("cord-1/reply", b"{}", "payload"),
        ("cord-1/reply", b'{"id":"","result":"done"}', "id"),
        ("cord-1/reply", b'{"id":"c1"}', "result"),
        ("cord-1/command", b'{"id":"c1","command":"receipt"}', "topic.channel"),
        ("bridge/knx/base/x", b"{}", "topic.dialect"),
        ("cord 1/report", b"{}", "topic.device"),
    ],
)
def test_a_wrong_word_on_any_channel_is_refused_where_it_stands(rest: str, payload: bytes, place: str) -> None:
    with pytest.raises(DecodeError) as refused:
        decode(f"anju/v1/330106001002/home-1/{rest}", payload, NOW)
    assert refused.value.problem.place == place


# --- total ----------------------------------------------------------------------------------------------------------------------

ids = st.text("abc-_0", min_size=1, max_size=4)
topics = st.one_of(
    st.text(),
    st.builds("anju/v1/{}/{}/{}/{}".format, ids, ids, ids, st.sampled_from(["report", "alarm", "status", "reply", "command", "x"])),
    st.builds("anju/v1/{}/{}/bridge/{}/{}".format, ids, ids, st.sampled_from(["zigbee2mqtt", "x"]), st.text()),
    st.sampled_from([
        f"anju/v1/a/h/bridge/zigbee2mqtt/zigbee2mqtt/{rest}"
        for rest in ("dev 1", "dev/smoke", "dev/availability", "bridge/devices", "bridge/state", "bridge/event", "dev/set")
    ]),
)  # fmt: skip
names = st.one_of(
    st.sampled_from([*Property, "id", "at", "values", "action", "contact", "linkquality", "last_seen", "gas_value"]), st.text(),
)  # fmt: skip
words = st.sampled_from(["true", "ON", "Leak", "low", "emergency", AT, "\ud800"])
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), words)
trees = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6), max_leaves=12)
whole = st.fixed_dictionaries({"values": st.dictionaries(names, trees, max_size=6)}, optional={"id": trees, "at": trees})
texts = st.one_of(trees, whole).map(lambda tree: json.dumps(tree).encode())
cut = st.builds(lambda text, start, end: text[start : len(text) - end], texts, st.integers(0, 2), st.integers(0, 9))


@settings(max_examples=400, deadline=None)
@given(topic=topics, payload=st.one_of(st.binary(), texts, cut), size=st.none() | st.integers(0, 10**9))
def test_no_topic_and_no_payload_does_anything_but_be_heard_or_refused(topic: str, payload: bytes, size: int | None) -> None:
    message: object
    try:
        message = decode(topic, payload, NOW, size=size)
    except DecodeError as refused:
        message = refused.problem
    if isinstance(message, Problem):
        assert message.place
        assert 0 < len(message.reason) <= 400
    if isinstance(message, Heard):
        assert message.report.observed_at.tzinfo is UTC
        assert all(isinstance(o.value, bool) == (o.property in BOOLEANS) for o in message.report.observations)
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=Heard) == message, "the journal can hold it"


@settings(max_examples=200, deadline=None)
@given(others=st.dictionaries(names.filter(lambda n: n != "sos"), trees, max_size=6), cut_at=st.integers(0, 40))
def test_a_plain_sos_is_heard_whatever_stands_around_it(others: dict[str, object], cut_at: int) -> None:
    text = json.dumps({"values": {"sos": True, **others}, "id": "r1"}).encode()
    call = text.index(b"true") + 4
    for payload in (text, text[: max(call, len(text) - cut_at)]):
        assert Property.SOS in {o.property for o in heard(payload).report.observations if o.value is True}


@pytest.mark.parametrize(
    "payload",
    [
        b'{"id":"r1","at":"2026-11-22T02:00\\ud800","values":{"sos":true,"heart_rate":"x"}}',
        b'{"id":"\\udfff","at":1,"values":{"sos":true,"steps":"\\ud83d"}}',
        b'{"id":"r1","values":{"sos":true,"smoke\\ud800":"\\ud800"}}',
    ],
    ids=["in the time", "in the id and a value", "in a name"],
)
def test_half_a_surrogate_pair_which_no_encoding_can_hold_costs_no_call(payload: bytes) -> None:
    message = heard(payload)
    assert message.report.urgent
    msgspec.msgpack.encode(message)
