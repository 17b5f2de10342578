"""The instrumented endpoint: a correct server by default, wrong in each way that it is told to, and a witness to every byte."""

from datetime import UTC, datetime, timedelta

import pytest

from devices.mqtt.client import Acknowledged, Client, Event
from devices.mqtt.encode import encode
from devices.mqtt.packets import Connack, Connect, Pingreq, Pingresp, Puback, Publish, Pubrec, Suback, Will
from devices.mqtt.properties import Properties
from simulator.certification.behaviour import Behaviour, Deal, Rule
from simulator.certification.endpoint import Endpoint
from simulator.certification.trace import Broke, Closed, Passed, Raw, Report, Side, Unreadable, Way
from simulator.virtual.speech import Channel, Identity, Stage
from simulator.wire import Address

NOW = datetime(2026, 1, 5, tzinfo=UTC)
WHO = Identity(Address("330106", "bench"), "cord-1", "user", "secret")
ALARM = WHO.topic(Channel.ALARM)
PULL = b'{"id":"u-1-1","at":"2026-01-05T08:00:00.000+08:00","values":{"pull_cord":true}}'


class Kit:
    """A client on the endpoint, all at one moment unless told otherwise."""

    def __init__(self, level: int = 4, *, password: bytes = b"secret", clean: bool = False) -> None:
        will = Will(WHO.topic(Channel.STATUS), b'{"status":"offline"}', 1, retain=True)
        self.client = Client(Connect("cord-1", clean, 60, "user", password, will, level))
        self.endpoint = Endpoint(WHO)
        self.connection = 0

    @property
    def how(self) -> Behaviour:
        return self.endpoint.behaviour

    def connect(self, now: datetime = NOW) -> list[Event]:
        self.client.lost()
        self.client.open(now)
        opened = self.endpoint.open(now)
        assert opened is not None
        self.connection = opened
        return self.carry(now)

    def carry(self, now: datetime = NOW) -> list[Event]:
        """Both ways until there is nothing more to carry."""
        events: list[Event] = []
        while self.client.output or self.endpoint.lines.get(self.connection) is not None:
            up = bytes(self.client.output)
            self.client.output.clear()
            self.endpoint.receive(self.connection, up, now)
            down = self.endpoint.take(self.connection, now)
            if not up and not down:
                break
            events += self.client.receive(down, now)
        return events

    def listen(self) -> list[Event]:
        self.client.subscribe(((WHO.topic(Channel.COMMAND), 1),))
        return self.carry()

    def pull(self, now: datetime = NOW, payload: bytes = PULL, qos: int = 1) -> list[Event]:
        self.client.publish(ALARM, payload, qos, now=now)
        return self.carry(now)

    def ended(self) -> Closed:
        return self.endpoint.trace.closed()[-1]


@pytest.fixture(params=[4, 5])
def kit(request: pytest.FixtureRequest) -> Kit:
    found = Kit(request.param)
    assert [type(event) for event in found.connect()] == [Connack]
    return found


def test_every_packet_stands_in_the_trace_with_its_bytes_way_and_meaning(kit: Kit) -> None:
    kit.pull()
    entry = kit.endpoint.trace.passed(Publish)[0]
    assert entry.raw == encode(entry.packet, kit.client.connect.level)
    assert entry.channel is Channel.ALARM
    assert entry.report == Report("u-1-1", '"2026-01-05T08:00:00.000+08:00"', {"pull_cord": True})
    assert [type(one.packet) for one in kit.endpoint.trace.passed(way=Way.DOWN)] == [Connack, Puback]
    assert [one.number for one in kit.endpoint.trace.entries] == list(range(kit.endpoint.trace.mark))


def test_a_call_is_acknowledged_and_gets_its_receipt_once(kit: Kit) -> None:
    assert [type(event) for event in kit.listen()] == [Suback]
    assert [type(event) for event in kit.pull()] == [Acknowledged]
    later = NOW + kit.how.receipt_after
    kit.endpoint.advance(later)
    told = [event for event in kit.carry(later) if isinstance(event, Publish)]
    assert [b"accepted" in one.payload for one in told] == [True]
    kit.pull(later)
    kit.endpoint.advance(later + timedelta(seconds=5))
    assert not [event for event in kit.carry(later) if isinstance(event, Publish)]


def test_wrong_credentials_are_refused() -> None:
    kit = Kit(password=b"guessed")
    assert [event.code for event in kit.connect() if isinstance(event, Connack)] == [4]
    assert kit.ended().why == "refused"
    kit = Kit(password=b"guessed")
    kit.how.check_credentials = False
    assert [event.code for event in kit.connect() if isinstance(event, Connack)] == [0]


def test_held_acknowledgements_flow_when_they_are_released(kit: Kit) -> None:
    kit.how.acknowledge = False
    assert kit.pull() == []
    assert kit.endpoint.release(NOW) == 1
    assert [type(event) for event in kit.carry()] == [Acknowledged]
    assert kit.endpoint.release(NOW) == 0


@pytest.mark.parametrize(("deal", "answered", "why"), [
    (Deal.CUT, 0, "cut before an answer"), (Deal.ANSWER_AND_CUT, 1, "cut behind the answer"), (Deal.IGNORE, 0, ""),
])  # fmt: skip
def test_one_packet_is_dealt_with_as_told(kit: Kit, deal: Deal, answered: int, why: str) -> None:
    kit.how.rules.append(Rule(lambda entry: entry.report is not None, deal))
    got = kit.pull()
    assert len(got) == answered
    closed = kit.endpoint.trace.closed()
    assert [one.why for one in closed] == ([why] if why else [])
    if why:
        assert closed[0].will, "a cut is no goodbye"
        assert kit.endpoint.ended(kit.connection)
    else:
        assert kit.pull(payload=PULL.replace(b"1-1", b"1-2")), "the rule was for one packet"


def test_a_cut_after_so_many_bytes_ends_in_the_middle_of_a_packet(kit: Kit) -> None:
    kit.how.cut_after_bytes = 20
    kit.pull()
    assert kit.ended().why == "cut after so many bytes"
    assert not kit.endpoint.trace.messages()


def test_a_half_open_line_is_seen_and_never_answered(kit: Kit) -> None:
    kit.how.mute = True
    assert kit.pull() == []
    assert [entry.ignored for entry in kit.endpoint.trace.passed(Publish)] == [True]
    late = NOW + timedelta(hours=1)
    kit.endpoint.advance(late)
    assert not kit.endpoint.trace.closed()


def test_an_unreachable_server_opens_nothing() -> None:
    kit = Kit()
    kit.how.reachable = False
    assert kit.endpoint.open(NOW) is None


def test_pings_may_go_unanswered_and_a_silent_client_is_dropped_with_its_will(kit: Kit) -> None:
    kit.how.pings = False
    kit.endpoint.receive(kit.connection, encode(Pingreq()), NOW)
    assert not kit.endpoint.take(kit.connection, NOW)
    kit.how.pings = True
    kit.endpoint.receive(kit.connection, encode(Pingreq()), NOW)
    assert kit.endpoint.take(kit.connection, NOW) == encode(Pingresp())
    late = NOW + timedelta(seconds=90)
    assert kit.endpoint.next_deadline == late
    kit.endpoint.advance(late)
    assert (kit.ended().by, kit.ended().why, kit.ended().will) == (Side.BENCH, "keep-alive passed", True)


def test_a_slow_line_delays_and_keeps_the_order(kit: Kit) -> None:
    how = kit.how
    how.receipts = False
    how.delay_up, how.delay_down, how.bytes_per_second = timedelta(seconds=2), timedelta(seconds=1), 50
    assert kit.pull() == []
    arrived = kit.endpoint.next_deadline
    assert arrived is not None
    assert arrived > NOW + timedelta(seconds=4), "over a hundred bytes at fifty a second, and two seconds"
    kit.endpoint.advance(arrived)
    assert kit.endpoint.trace.messages()[0].at == arrived
    assert kit.endpoint.take(kit.connection, arrived) == b""
    answered = kit.endpoint.next_deadline
    assert answered is not None
    kit.endpoint.advance(answered)
    assert isinstance(next(iter(kit.client.receive(kit.endpoint.take(kit.connection, answered), answered))), Acknowledged)


def test_packets_to_the_device_come_twice_or_change_places(kit: Kit) -> None:
    kit.listen()
    kit.how.twice = True
    kit.endpoint.ask("identify", NOW)
    assert len([event for event in kit.client.receive(kit.endpoint.take(kit.connection, NOW), NOW) if isinstance(event, Publish)]) == 2
    kit.how.twice, kit.how.swap = False, True
    first, second = kit.endpoint.ask("ping", NOW), kit.endpoint.ask("identify", NOW)
    told = [event.payload for event in kit.client.receive(kit.endpoint.take(kit.connection, NOW), NOW) if isinstance(event, Publish)]
    assert [first.encode() in told[1], second.encode() in told[0]] == [True, True]


def test_lies_of_a_session_wrong_packet_ids_and_bytes_that_are_no_packet() -> None:
    kit = Kit()
    kit.how.session_present = True
    assert [event.session_present for event in kit.connect() if isinstance(event, Connack)] == [True]
    kit.how.acknowledge_as = lambda number: number + 1
    assert kit.pull() == [], "a PUBACK of something else acknowledges nothing"
    kit.endpoint.say_raw(b"\xf0\x01", "nonsense", NOW)
    assert kit.endpoint.take(kit.connection, NOW) == b"\xf0\x01"
    assert isinstance(kit.endpoint.trace.entries[-1], Raw)


def test_a_refusal_in_5_0_names_its_code() -> None:
    kit = Kit(5)
    kit.connect()
    kit.how.acknowledge_code = 0x97
    assert [event.code for event in kit.pull() if isinstance(event, Acknowledged)] == [0x97]
    kit.how.welcome = Properties(receive_maximum=1)
    assert [event.properties.receive_maximum for event in kit.connect() if isinstance(event, Connack)] == [1]


def test_commands_for_a_device_that_is_away_are_kept_over_its_session(kit: Kit) -> None:
    kit.listen()
    kit.endpoint.cut(NOW)
    kit.endpoint.ask("identify", NOW)
    told = [event for event in kit.connect(NOW + timedelta(seconds=1)) if isinstance(event, Publish)]
    assert [b"identify" in one.payload for one in told] == [True]
    kit.carry()
    assert not [event for event in kit.connect(NOW + timedelta(seconds=2)) if isinstance(event, Publish)], "it was acknowledged"


def test_what_breaks_the_protocol_is_named_and_ends_the_connection(kit: Kit) -> None:
    kit.endpoint.receive(kit.connection, b"\x60\x02\x00\x01", NOW)
    broke = next(entry for entry in kit.endpoint.trace.entries if isinstance(entry, Broke))
    assert broke.statement.startswith("MQTT-")
    assert broke.raw == b"\x60\x02\x00\x01"
    assert kit.ended().by is Side.BENCH


def test_what_the_platform_could_not_read_is_told_with_its_reason(kit: Kit) -> None:
    kit.client.publish(WHO.topic(Channel.REPORT), b"{'id':1}", now=NOW)
    kit.client.publish("anju/v2/somewhere", b"{}", now=NOW)
    kit.client.publish(WHO.topic(Channel.REPORT), b'{"id":"1","values":{"battery":"full","wings":2}}', now=NOW)
    kit.carry()
    bad = kit.endpoint.trace.unreadable()
    assert [isinstance(one.said, Unreadable) for one in bad] == [True, True]
    partly = kit.endpoint.trace.messages()[0].report
    assert partly.problems
    assert partly.values == {"wings": 2}


def test_a_new_trace_begins_with_new_connections(kit: Kit) -> None:
    kit.pull()
    kit.endpoint.cut(NOW)
    kit.endpoint.renew()
    assert kit.endpoint.trace.mark == 0
    events = kit.connect()
    assert [event.session_present for event in events if isinstance(event, Connack)] == [True]
    assert isinstance(kit.endpoint.trace.entries[1], Passed)


def test_a_message_of_qos_2_is_received_and_released(kit: Kit) -> None:
    assert [type(event) for event in kit.pull(qos=2)] == [Acknowledged]
    assert [type(one.packet) for one in kit.endpoint.trace.passed(way=Way.DOWN)][1] is Pubrec
    kit.listen()
    kit.endpoint.tell(Stage.SEEN, "alert-1", NOW)
    assert [b'"seen"' in event.payload for event in kit.carry() if isinstance(event, Publish)] == [True]
