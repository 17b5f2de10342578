"""The catalogue of models, linted as one."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from devices.catalog import NEEDS, Catalog, Kind, Model, Models, lint
from devices.home import Device, DeviceId, HomeId, ModelId
from devices.observation import Property

MODELS = msgspec.toml.decode((Path(__file__).parents[1] / "config" / "models.toml").read_bytes(), type=Models).model
SOUND = Model(
    ModelId("m-1"), "Vendor", "名称", "Name", Kind.PENDANT, (Property.SOS, Property.BATTERY, Property.BATTERY_LOW),
    heartbeat=timedelta(hours=1),
)  # fmt: skip


def test_the_shipped_catalogue_is_sound() -> None:
    assert lint(MODELS) == []


def test_the_shipped_catalogue_has_a_model_of_every_kind_a_home_is_fitted_with() -> None:
    assert {m.kind for m in MODELS} >= set(Kind) - {Kind.OTHER}
    assert {m.id for m in MODELS} >= {f"anju-{kind}-1" for kind in (
        "cord", "pendant", "smoke", "co", "gas", "water", "door", "motion", "bed", "fall", "watch", "meter", "hub",
    )}  # fmt: skip


def test_every_kind_says_what_it_must_expose() -> None:
    assert set(NEEDS) == set(Kind)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"id": "m 1"}, "m 1: an id is 1 to 64 of A-Z a-z 0-9 _ -"),
        ({"vendor": ""}, "m-1: vendor is empty or has spaces around it"),
        ({"name": " 名称"}, "m-1: name is empty or has spaces around it"),
        ({"name_en": "名称"}, "m-1: name_en is not English"),
        ({"dialect": "knx"}, "m-1: no dialect is called knx"),
        ({"exposes": (Property.TEST,)}, "m-1: a pendant exposes sos"),
        ({"exposes": (Property.SOS, Property.SOS)}, "m-1: exposes sos twice"),
        ({"exposes": (Property.SOS, Property.BATTERY)}, "m-1: what runs on a battery says battery_low"),
        ({"heartbeat": None}, "m-1: a pendant needs a heartbeat, or nobody notices that it is dead"),
        ({"heartbeat": timedelta(seconds=5)}, "m-1: a heartbeat lies between a minute and a week"),
    ],
)
def test_a_faulty_record_is_told_in_a_sentence(change: dict[str, object], sentence: str) -> None:
    assert lint([SOUND]) == []
    assert lint([msgspec.structs.replace(SOUND, **change)]) == [sentence]


def test_a_model_listed_twice_is_told() -> None:
    assert lint([SOUND, SOUND]) == ["m-1: listed 2 times"]


def test_a_known_model_gives_its_record_and_an_unknown_one_promises_nothing() -> None:
    catalog = Catalog(MODELS)
    assert catalog.get(ModelId("anju-hub-1")).heartbeat == timedelta(minutes=10)
    assert ModelId("anju-hub-1") in catalog
    assert tuple(catalog) == MODELS
    unknown = catalog.get(ModelId("x-9"))
    assert (unknown.kind, unknown.exposes, unknown.heartbeat, unknown.name) == (Kind.OTHER, (), None, "x-9")


def test_a_device_exposes_what_it_lists_or_what_its_model_does() -> None:
    catalog = Catalog([SOUND])
    device = Device(DeviceId("d"), HomeId("h"), SOUND.id)
    assert catalog.exposes(device) == SOUND.exposes
    assert catalog.exposes(msgspec.structs.replace(device, exposes=(Property.SOS,))) == (Property.SOS,)
    assert catalog.heartbeat(device) == timedelta(hours=1)


def test_a_native_device_of_an_unknown_model_is_not_said_to_be_silent() -> None:
    assert Catalog().heartbeat(Device(DeviceId("d"), HomeId("h"), ModelId("x"), exposes=(Property.SMOKE,))) is None
