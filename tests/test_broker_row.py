"""What is acknowledged to a broker, and when: of every history of one connection after another."""

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.mqtt.broker_row import Row, Taken

TOPIC = "anju/v1/330106/home-1/watch-1/report"


def row() -> Row:
    one = Row(lambda: None)
    one.begin()
    return one


def take(one: Row, packet_id: int, payload: bytes = b"", *, dup: bool = False) -> Taken:
    taken = one.take(packet_id, TOPIC, payload or str(packet_id).encode(), dup=dup)
    assert taken is not None
    return taken


def test_a_call_that_is_on_disk_first_is_acknowledged_behind_the_reading_that_came_before_it() -> None:
    one = row()
    reading, call = take(one, 1), take(one, 2)
    call.stored()
    assert one.due() == []
    reading.stored()
    assert one.due() == [1, 2]
    assert one.due() == []


def test_what_was_taken_on_the_line_before_is_not_acknowledged_on_this_one() -> None:
    one = row()
    old = take(one, 1, b"the old message")
    one.begin()
    new = take(one, 1, b"another message under the same number")
    old.stored()
    assert one.due() == []
    new.stored()
    assert one.due() == [1]
    assert one.waiting == 0
    assert one.waiting_bytes == 0


def test_what_is_still_on_its_way_to_disk_is_not_taken_twice_when_the_next_line_brings_it_again() -> None:
    one = row()
    waiting = [take(one, number, f"reading {number}".encode()) for number in (1, 2, 3)]
    waiting[0].stored()
    one.begin()
    assert one.take(8, TOPIC, b"reading 2", dup=True) is None
    assert one.take(9, TOPIC, b"reading 3", dup=True) is None
    again = one.take(7, TOPIC, b"reading 1", dup=True)
    assert again is not None, "whoever is on disk has nothing to wait for: the copy is taken"
    waiting[2].stored()
    assert one.due() == []
    waiting[1].stored()
    assert one.due() == [8, 9]
    again.stored()
    assert one.due() == [7]
    assert one.waiting == 0


def test_of_two_messages_that_say_the_same_each_stands_for_one() -> None:
    one = row()
    first = take(one, 1, b"the same")
    one.begin()
    assert one.take(1, TOPIC, b"the same", dup=True) is None
    second = one.take(2, TOPIC, b"the same", dup=False)
    assert second is not None
    first.stored()
    assert one.due() == [1]


def test_a_second_copy_on_the_same_line_is_dropped_and_the_first_one_acknowledged_once() -> None:
    one = row()
    first = take(one, 7, b"hello")
    assert one.take(7, TOPIC, b"hello", dup=True) is None
    first.stored()
    assert one.due() == [7]


def test_a_copy_that_crossed_its_acknowledgement_is_not_acknowledged_again() -> None:
    """The number may have been given to the next message by the time a second acknowledgement would arrive."""
    one = row()
    take(one, 7, b"hello").stored()
    assert one.due() == [7]
    assert one.take(7, TOPIC, b"hello", dup=True) is None
    following = take(one, 7, b"the next under this number")
    assert one.due() == []
    following.stored()
    assert one.due() == [7]


def test_a_number_used_for_two_messages_at_once_is_acknowledged_when_both_are_on_disk() -> None:
    one = row()
    first, second = take(one, 3, b"one"), take(one, 3, b"two")
    second.stored()
    assert one.due() == []
    first.stored()
    assert one.due() == [3]


def test_what_a_full_disk_leaves_with_the_broker_stands_in_nobodys_way_and_is_owed() -> None:
    one = row()
    reading, call = take(one, 1, b"reading"), take(one, 2, b"call")
    call.stored()
    reading.forgotten()
    assert one.due() == [2]
    assert one.owing
    again = one.take(1, TOPIC, b"reading", dup=True)
    assert again is not None, "delivered again it is taken again"
    one.begin()
    assert not one.owing


def test_what_came_with_qos_0_is_counted_and_acknowledged_to_nobody() -> None:
    one = row()
    taken = take(one, 0, b"heard")
    assert one.waiting == 1
    taken.stored()
    assert one.waiting == 0
    assert one.due() == []


class Broker(RuleBasedStateMachine):
    """A broker with few numbers, that redelivers on the same line as NATS does, in front of a loop that commits in any order."""

    IDS = 2

    def __init__(self) -> None:
        super().__init__()
        self.row = Row(lambda: None)
        self.row.begin()
        self.inflight: dict[int, int] = {}
        """By number, the message that the broker believes is not acknowledged."""
        self.queue: deque[int] = deque()
        self.disk: set[int] = set()
        self.waiting: list[tuple[int, Taken]] = []
        self.wire: deque[int] = deque()
        """Acknowledgements that have left and not arrived."""
        self.messages = 0
        self.freed: set[int] = set()

    def _deliver(self, number: int, message: int, *, dup: bool) -> None:
        taken = self.row.take(number, TOPIC, f"message {message}".encode(), dup=dup)
        if taken is not None:
            self.waiting.append((message, taken))

    @precondition(lambda self: len(self.inflight) < self.IDS)
    @rule()
    def says_something_new(self) -> None:
        number = next(n for n in range(1, self.IDS + 1) if n not in self.inflight)
        self.messages += 1
        self.inflight[number] = self.messages
        self._deliver(number, self.messages, dup=False)

    @precondition(lambda self: self.inflight)
    @rule(data=st.data())
    def loses_patience_and_says_it_again(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.inflight)))
        self._deliver(number, self.inflight[number], dup=True)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def one_is_on_disk(self, data: st.DataObject) -> None:
        message, taken = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        self.disk.add(message)
        taken.stored()
        self.wire.extend(self.row.due())

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def one_is_forgotten(self, data: st.DataObject) -> None:
        _, taken = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        taken.forgotten()
        self.wire.extend(self.row.due())

    @precondition(lambda self: self.wire)
    @rule()
    def an_acknowledgement_arrives(self) -> None:
        message = self.inflight.pop(self.wire.popleft(), None)
        if message is not None:
            assert message in self.disk, f"message {message} was acknowledged and is not on disk"
            self.freed.add(message)

    @rule()
    def the_line_breaks(self) -> None:
        self.wire.clear()
        self.row.begin()
        inflight, self.inflight = self.inflight, {}
        for number, message in zip(range(1, self.IDS + 1), inflight.values(), strict=False):  # other numbers than before
            self.inflight[number] = message
            self._deliver(number, message, dup=True)

    @invariant()
    def what_waits_is_counted(self) -> None:
        assert self.row.waiting == len(self.waiting)

    def teardown(self) -> None:
        """Nothing is stuck: on a fresh line, with a disk that takes everything, all is acknowledged."""
        self.the_line_breaks()
        for message, taken in self.waiting:
            self.disk.add(message)
            taken.stored()
        self.waiting.clear()
        self.wire.extend(self.row.due())
        while self.wire:
            self.an_acknowledgement_arrives()
        assert not self.inflight


Broker.TestCase.settings = settings(max_examples=100, stateful_step_count=100, deadline=None)
TestBroker = Broker.TestCase


@given(st.lists(st.tuples(st.integers(1, 65_535), st.binary(max_size=4)), unique_by=lambda one: one[0], max_size=50), st.randoms())
def test_acknowledgements_leave_in_the_order_in_which_the_messages_came(messages: list[tuple[int, bytes]], order: object) -> None:
    one = row()
    taken = [take(one, packet_id, payload + b".") for packet_id, payload in messages]
    shuffled = list(taken)
    getattr(order, "shuffle")(shuffled)  # noqa: B009 - hypothesis' Random has no common type
    left: list[int] = []
    for each in shuffled:
        each.stored()
        left += one.due()
    assert left == [packet_id for packet_id, _ in messages]
