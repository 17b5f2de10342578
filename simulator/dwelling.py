"""Where people live: rooms on a plan, walls between them, air that is changed, and what hangs where.

A room has a middle on the plan, in metres; a straight line from a device to the hub goes through a wall about every `span_m`. That is
enough for the radio, which knows no furniture.
"""

from enum import StrEnum
from math import dist

import msgspec

from simulator.physics.radio import Wall, level
from simulator.physics.room import Air
from simulator.resident import Room

HEIGHT_M = 2.7


class Walls(StrEnum):
    """What a dwelling's inner walls are made of."""

    LIGHT = "light"
    BRICK = "brick"
    CONCRETE = "concrete"
    STONE = "stone"


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`at`: its middle on the plan, metres."""

    size_m2: float
    at: tuple[float, float]


FLAT = {
    Room.LIVING: Place(18.0, (0.0, 0.0)),
    Room.BEDROOM: Place(12.0, (4.0, 0.0)),
    Room.KITCHEN: Place(8.0, (0.0, 4.0)),
    Room.BATHROOM: Place(5.0, (4.0, 4.0)),
    Room.OUTSIDE: Place(5.0, (-3.0, 0.0)),
}
"""Two rooms of 43 m² in a block, as towns of the eighties built them; `outside` is where one stands at the door."""


class Dwelling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`spread`: how much wider than the flat on the plan: a farmhouse around a court is 3. `air_changes`: an hour, windows shut."""

    walls: Walls = Walls.BRICK
    spread: float = 1.0
    air_changes: float = 0.6
    rooms: dict[Room, Place] = {}
    """What is different from the flat."""

    def place(self, room: Room) -> Place:
        return self.rooms.get(room, FLAT[room])

    def air(self, room: Room) -> Air:
        return Air(self.place(room).size_m2 * HEIGHT_M, self.air_changes)

    def signal(self, room: Room, *, worn: bool = False) -> float:
        """The level at the hub in the living room, dBm on average, of a device in that room; a body in the way takes some."""
        metres = dist(self.place(Room.LIVING).at, self.place(room).at) * self.spread
        walls = round(metres / (3.5 * max(self.spread, 1.0) ** 0.5))
        return level(metres, walls, Wall[self.walls.name]) - (8.0 if worn else 0.0)
