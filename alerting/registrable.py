"""What a record must be before it stands in the registry, what it is completed with, and what a change of it undoes."""

from msgspec.structs import replace

from alerting.detection import Index
from alerting.home_state import HomeState
from alerting.refusals import Exists, IllegalTransition
from alerting.terms import Sentence
from devices.home import Device
from devices.topic import ID


def measure_anew(home: HomeState, rule: str) -> None:
    """What waits out a `for` was measured against other numbers."""
    for device in home.devices.values():
        if device.beyond and rule in device.beyond and device.beyond[rule].evidence is not None:
            del device.beyond[rule]


def check_id(id_: str) -> None:
    if not ID.match(id_):
        raise IllegalTransition(
            Sentence("编号须为 1 到 64 位字母、数字、下划线或连字符", f"{id_[:80]!r} is not 1 to 64 of A-Z a-z 0-9 _ -"),
        )


def exists(zh: str, en: str, id_: str) -> Exists:
    return Exists(Sentence(f"{zh} {id_} 已存在", f"{en} {id_} exists already"))


def spent(zh: str, en: str, id_: str) -> Exists:
    """The id stands in the history, and is not given to another."""
    return Exists(Sentence(f"{zh} {id_} 已停用，编号不再使用", f"{en} {id_} exists already, retired; its id is not given again"))


def completed(device: Device, index: Index) -> Device:
    """With what its model says where the record is silent."""
    model = index.models.get(device.model)
    if model is None:
        return device
    return replace(device, vendor=device.vendor or model.vendor, exposes=device.exposes or model.exposes)
