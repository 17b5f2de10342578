"""Topic filters: what they match, whether two meet, and two indexes that find one by the other without looking at all of them."""

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
Place = tuple[str, str]
"""(area, home) of a topic of the grammar; of a filter, `+` where it leaves them open. Few sessions share one."""


def matches(topic_filter: str, topic: str) -> bool:
    """Character by character, level by level; a wildcard in the first level does not match `$` topics [MQTT-4.7.2-1]."""
    if topic_filter == topic:
        return True
    if "#" not in topic_filter and "+" not in topic_filter:
        return False
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index == len(levels) or level not in {"+", levels[index]}:
            return index == len(levels) and wanted[index:] == ["#"]
    return len(wanted) == len(levels)


def meet(one: str, other: str) -> bool:
    """Whether there is a topic that both filters match."""
    left, right = one.split("/"), other.split("/")
    for index in range(max(len(left), len(right))):
        a = left[index] if index < len(left) else ""
        b = right[index] if index < len(right) else ""
        if a == "#" or b == "#":
            return True
        if index >= len(left) or index >= len(right) or (a != b and "+" not in {a, b}):
            return False
    return True


def place(text: str) -> Place:
    """Of a topic or a filter."""
    levels = text.split("/", 4)
    if len(levels) < 4 or "#" in levels:
        levels = (levels[: levels.index("#")] if "#" in levels else levels) + ["+"] * 4
    return levels[2], levels[3]


class Interests(Generic[T]):
    """Who may want a topic, by their filters. `find` is generous: what it gives is to be matched."""

    def __init__(self) -> None:
        self._at: dict[Place, dict[T, tuple[str, ...]]] = {}

    def __bool__(self) -> bool:
        return bool(self._at)

    def add(self, topic_filter: str, who: T) -> None:
        there = self._at.setdefault(place(topic_filter), {})
        filters = there.get(who, ())
        if topic_filter not in filters:
            there[who] = (*filters, topic_filter)

    def discard(self, topic_filter: str, who: T) -> None:
        where = place(topic_filter)
        there = self._at.get(where, {})
        left = tuple(text for text in there.get(who, ()) if text != topic_filter)
        if left:
            there[who] = left
        elif there.pop(who, None) is not None and not there:
            del self._at[where]

    def find(self, topic: str) -> list[T]:
        """Each of them once."""
        area, home = place(topic)
        found = [there for where in ((area, home), (area, "+"), ("+", home), ("+", "+")) if (there := self._at.get(where))]
        return list(found[0]) if len(found) == 1 else list(dict.fromkeys(who for there in found for who in there))


class Shelf(Generic[T]):
    """Values by topic, found by filter."""

    def __init__(self) -> None:
        self._at: dict[Place, dict[str, T]] = {}

    def get(self, topic: str) -> T | None:
        return self._at.get(place(topic), {}).get(topic)

    def put(self, topic: str, value: T) -> None:
        self._at.setdefault(place(topic), {})[topic] = value

    def remove(self, topic: str) -> None:
        where = place(topic)
        there = self._at.get(where, {})
        if there.pop(topic, None) is not None and not there:
            del self._at[where]

    def beside(self, topic: str) -> int:
        """How many topics its home has here."""
        return len(self._at.get(place(topic), {}))

    def topics(self) -> Iterator[str]:
        return (topic for there in self._at.values() for topic in there)

    def matching(self, topic_filter: str) -> list[str]:
        """The topics that it matches."""
        area, home = place(topic_filter)
        if "+" not in {area, home}:
            return [topic for topic in self._at.get((area, home), {}) if matches(topic_filter, topic)]
        return [
            topic
            for where, there in self._at.items()
            if area in {"+", where[0]} and home in {"+", where[1]}
            for topic in there
            if matches(topic_filter, topic)
        ]
