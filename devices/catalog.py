"""Every device model as one record: vendor, name, what it exposes, how often it must be heard. No class per device."""

from datetime import timedelta
from enum import StrEnum

import msgspec

from devices.home import ModelId
from devices.observation import Property


class Kind(StrEnum):
    PULL_CORD = "pull_cord"
    PENDANT = "pendant"
    SMOKE = "smoke"
    CO = "co"
    GAS = "gas"
    WATER = "water"
    DOOR = "door"
    MOTION = "motion"
    FALL = "fall"
    WATCH = "watch"
    BED = "bed"
    METER = "meter"
    HUB = "hub"
    OTHER = "other"


class Model(msgspec.Struct, frozen=True):
    """`heartbeat`: the longest a sound device of this model stays quiet; None where the model promises nothing."""

    id: ModelId
    vendor: str
    name: str
    name_en: str
    kind: Kind
    exposes: tuple[Property, ...]
    dialect: str = "anju"
    heartbeat: timedelta | None = None
