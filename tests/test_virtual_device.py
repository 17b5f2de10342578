"""The virtual devices by themselves: what is in flash survives, what is not is gone, and they ask for what they need at its time."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from devices.mqtt.encode import encode
from devices.mqtt.packets import Connack, Connect, Packet, Puback, Publish, Suback, Subscribe
from devices.mqtt.reader import Reader
from simulator.virtual.device import VirtualDevice
from simulator.virtual.firmware import Firmware
from simulator.virtual.flash import Lane
from simulator.virtual.profile import PROFILES, Profile, ProfileName
from simulator.virtual.speech import Channel, Identity
from simulator.virtual.stimulus import Deed, Sign, Stimulus
from simulator.wire import Address, Words

START = datetime(2026, 1, 5, tzinfo=UTC)
WHO = Identity(Address("330106", "h1"), "d1", "user", "secret")


class Server:
    """Answers by hand; `now` is moved by the test."""

    def __init__(self, profile: Profile, *, seed: str = "1") -> None:
        self.now = START
        self.device = VirtualDevice(profile, WHO, START, seed=seed)
        self.heard: list[Packet] = []
        self._reader = Reader(lambda _: 65536)

    @property
    def firmware(self) -> Firmware:
        assert self.device.firmware is not None
        return self.device.firmware

    def act(self, stimulus: Stimulus, amount: float = 1.0) -> None:
        self.device.act(Deed(stimulus, amount), self.now)

    def power(self) -> None:
        self.act(Stimulus.POWER)

    def pass_time(self, span: timedelta) -> None:
        until = self.now + span
        while (due := self.device.next_deadline) is not None and due <= until:
            self.now = max(self.now, due)
            self.device.advance(self.now)
        self.now = until

    def connect(self, *, acknowledge: bool = True) -> list[Packet]:
        """As soon as it asks; what it says then."""
        while not self.device.wants_line:
            due = self.device.next_deadline
            assert due is not None
            self.now = due
            self.device.advance(self.now)
        self._reader = Reader(lambda _: 65536)
        self.device.line_up(self.now)
        said = self.take()
        assert [type(one) for one in said] == [Connect]
        self.device.receive(encode(Connack()), self.now)
        return self.answer() if acknowledge else self.take()

    def take(self) -> list[Packet]:
        said = list(self._reader.feed(bytes(self.device.output)))
        self.device.output.clear()
        self.heard += said
        return said

    def answer(self) -> list[Packet]:
        """Everything is acknowledged until it has nothing more to say."""
        found: list[Packet] = []
        while said := self.take():
            found += said
            for one in said:
                match one:
                    case Subscribe(number):
                        self.device.receive(encode(Suback(number, (1,))), self.now)
                    case Publish(qos=1, packet_id=number):
                        self.device.receive(encode(Puback(number)), self.now)
                    case _:
                        pass
        return found

    def lose(self) -> None:
        self.device.line_down(self.now)


def reports(packets: list[Packet]) -> list[Publish]:
    return [one for one in packets if isinstance(one, Publish) and one.topic.rpartition("/")[2] in ("report", "alarm")]


@pytest.fixture
def cord() -> Server:
    found = Server(PROFILES[ProfileName.PULL_CORD])
    found.power()
    return found


def test_it_connects_listens_and_says_that_it_is_online(cord: Server) -> None:
    assert not cord.device.wants_line, "it waits a moment at its start"
    said = cord.connect()
    assert [type(one) for one in said] == [Subscribe, Publish]
    greeting = cord.heard[0]
    assert isinstance(greeting, Connect)
    assert greeting.will is not None
    assert (greeting.will.topic, greeting.will.qos, greeting.will.retain) == (WHO.topic(Channel.STATUS), 1, True)
    assert Sign.NO_LINE not in cord.device.signs


def test_a_pull_goes_out_at_once_and_leaves_flash_with_its_puback(cord: Server) -> None:
    cord.connect()
    cord.act(Stimulus.PRESS)
    assert Sign.CALLING in cord.device.signs
    said = reports(cord.take())
    assert [one.topic for one in said] == [WHO.topic(Channel.ALARM)]
    assert [letter.lane for letter in cord.device.flash.alarms] == [Lane.ALARM]
    cord.device.receive(encode(Puback(said[0].packet_id)), cord.now)
    assert cord.device.flash.alarms == []
    assert len(cord.device.flash.unanswered) == 1, "until a receipt comes"


def test_a_power_cut_takes_what_is_not_in_flash(cord: Server) -> None:
    cord.connect()
    cord.act(Stimulus.PRESS)
    before = reports(cord.take())[0]
    cord.act(Stimulus.POWER, 0)
    assert cord.device.firmware is None
    assert not cord.device.wants_line
    assert cord.device.signs == frozenset()
    assert cord.device.next_deadline is None
    cord.power()
    again = reports(cord.connect())[0]
    assert again.payload == before.payload, "the same report, the same id"
    assert not again.dup, "the client of before is gone"
    cord.act(Stimulus.PRESS)
    assert reports(cord.answer())[0].payload[:30] != before.payload[:30]


def test_the_pause_between_tries_grows_and_has_an_end(cord: Server) -> None:
    pauses = []
    for _ in range(12):
        while not cord.device.wants_line:
            due = cord.device.next_deadline
            assert due is not None
            cord.now = due
            cord.device.advance(cord.now)
        cord.lose()
        due = cord.device.next_deadline
        assert due is not None
        pauses.append(due - cord.now)
    assert pauses[0] <= timedelta(seconds=1)
    assert all(timedelta(seconds=30) <= pause <= timedelta(minutes=1) for pause in pauses[-3:])


def test_readings_of_a_long_outage_make_room_oldest_first() -> None:
    watch = Server(PROFILES[ProfileName.WATCH])
    watch.power()
    watch.connect()
    watch.lose()
    watch.pass_time(timedelta(hours=12))
    kept = watch.device.flash.readings
    assert len(kept) == Firmware.readings_kept
    assert watch.device.flash.dropped > 0
    assert [letter.noted for letter in kept] == sorted(letter.noted for letter in kept)


def test_a_watch_that_is_taken_off_has_no_pulse() -> None:
    watch = Server(PROFILES[ProfileName.WATCH])
    watch.power()
    assert "heart_rate" in watch.firmware.vitals()
    watch.act(Stimulus.WORN, 0)
    assert watch.firmware.vitals() == {}


def told(server: Server, **command: object) -> list[dict[str, str]]:
    """What it replies to one command of the platform."""
    message = Publish(WHO.topic(Channel.COMMAND), json.dumps(command).encode(), 1, packet_id=7)
    server.device.receive(encode(message), server.now)
    return [json.loads(one.payload) for one in server.answer() if isinstance(one, Publish) and one.topic == WHO.topic(Channel.REPLY)]


@pytest.mark.parametrize("name", list(ProfileName))
def test_what_has_a_voice_or_a_screen_says_a_prompt_and_everything_else_refuses_by_name(name: ProfileName) -> None:
    device = Server(PROFILES[name])
    device.power()
    device.connect()
    words = {"zh": "请检查燃气。", "en": "Check the gas."}
    (reply,) = told(device, id="c1", command="prompt", prompt="gas-on", text=words)
    if name in (ProfileName.WATCH, ProfileName.HUB):
        assert reply == {"id": "c1", "result": "done"}
        assert device.device.words == Words(**words)
    else:
        assert reply == {"id": "c1", "error": "this device has no voice and no screen"}
        assert device.device.words is None


def test_a_prompt_without_words_is_refused_and_the_same_one_is_not_said_twice() -> None:
    watch = Server(PROFILES[ProfileName.WATCH])
    watch.power()
    watch.connect()
    assert told(watch, id="c1", command="prompt", prompt="x") == [{"id": "c1", "error": "a prompt without words"}]
    told(watch, id="c2", command="prompt", prompt="x", text={"zh": "关门", "en": "the door"})
    told(watch, id="c3", command="prompt", prompt="y", text={"zh": "服药", "en": "the medicine"})
    assert told(watch, id="c2", command="prompt", prompt="x", text={"zh": "关门", "en": "the door"}) == [{"id": "c2", "result": "done"}]
    assert watch.device.words == Words("服药", "the medicine"), "the old prompt, delivered again, does not come back"
    watch.act(Stimulus.PRESS)
    assert [b'"sos":true' in one.payload for one in reports(watch.answer())] == [True], "a word changes nothing of a call"


def test_a_value_on_the_edge_is_one_event() -> None:
    smoke = Server(PROFILES[ProfileName.SMOKE])
    smoke.power()
    smoke.connect()
    for density in (0.10, 0.16, 0.14, 0.16, 0.12, 0.2):
        smoke.act(Stimulus.SMOKE, density)
    assert len(reports(smoke.answer())) == 1
    smoke.act(Stimulus.SMOKE, 0.05)
    assert [b'"smoke":false' in one.payload for one in reports(smoke.answer())] == [True]


def test_what_ended_while_there_was_no_power_is_told_at_the_start() -> None:
    smoke = Server(PROFILES[ProfileName.SMOKE])
    smoke.power()
    smoke.connect()
    smoke.act(Stimulus.SMOKE, 0.5)
    smoke.answer()
    smoke.act(Stimulus.POWER, 0)
    smoke.act(Stimulus.SMOKE, 0.02)
    smoke.power()
    assert [b'"smoke":false' in one.payload for one in reports(smoke.connect())] == [True]


def test_a_device_that_does_not_know_the_time_says_none_and_dates_what_waits_once_it_does(cord: Server) -> None:
    cord.act(Stimulus.PRESS)
    assert cord.device.flash.alarms[0].at is None
    assert b'"at"' not in reports(cord.connect())[0].payload
    cord.pass_time(timedelta(seconds=2))
    cord.act(Stimulus.PRESS)
    assert b'+08:00"' in reports(cord.answer())[0].payload


def test_an_empty_battery_is_low_first_and_then_the_end(cord: Server) -> None:
    cord.connect()
    cord.act(Stimulus.BATTERY, 15)
    cord.act(Stimulus.BATTERY, 14)
    assert sum(b'"battery_low":true' in one.payload for one in reports(cord.answer())) == 1
    assert Sign.BATTERY_LOW in cord.device.signs
    cord.act(Stimulus.BATTERY, 0)
    assert cord.device.firmware is None


def test_the_same_seed_makes_the_same_device() -> None:
    def life(seed: str) -> list[Packet]:
        server = Server(PROFILES[ProfileName.FALL], seed=seed)
        server.power()
        server.connect()
        server.lose()
        server.pass_time(timedelta(hours=3))
        server.connect()
        return [*server.heard, *server.answer()]

    assert life("a") == life("a")
    assert life("a") != life("b")


@pytest.mark.parametrize("profile", list(PROFILES.values()), ids=lambda profile: profile.name)
def test_each_profile_says_only_what_it_exposes(profile: Profile) -> None:
    assert profile.event in profile.senses
    assert all(sense.prop in profile.exposes for sense in profile.senses)
    assert all(sense.typical >= sense.raise_at > sense.clear_at >= sense.rest for sense in profile.senses)
