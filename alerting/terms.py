"""The few words that rules and facts share."""

from enum import IntEnum, StrEnum

import msgspec


class Category(StrEnum):
    CALL_FOR_HELP = "call_for_help"
    FIRE = "fire"
    GAS = "gas"
    FALL = "fall"
    HEALTH = "health"
    INACTIVITY = "inactivity"
    WANDERING = "wandering"
    WATER = "water"
    INTRUSION = "intrusion"
    TECHNICAL = "technical"


class Priority(IntEnum):
    """1 life at risk now, 2 prompt, 3 awareness, 4 technical."""

    LIFE = 1
    PROMPT = 2
    AWARE = 3
    TECHNICAL = 4


class Sentence(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One sentence for people, in both languages."""

    zh: str
    en: str
