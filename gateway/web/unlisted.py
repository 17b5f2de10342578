"""What the registry holds and no list shows: the home that the service calls from itself."""

from alerting.registry_facts import (
    AreaRegistered,
    AreaRetired,
    CredentialIssued,
    DeviceDiscovered,
    DeviceRegistered,
    DeviceRetired,
    HomeRegistered,
    HomeRetired,
    RegistryFact,
)
from devices.home import SYNTHETIC_AREA, SYNTHETIC_HOME


def unlisted(fact: RegistryFact) -> bool:
    match fact:
        case AreaRegistered(area=area):
            return area.id == SYNTHETIC_AREA
        case AreaRetired(area=area_id):
            return area_id == SYNTHETIC_AREA
        case HomeRegistered(home=home):
            return home.id == SYNTHETIC_HOME
        case DeviceRegistered(device=device) | DeviceDiscovered(device=device):
            return device.home == SYNTHETIC_HOME
        case CredentialIssued(credential=credential):
            return credential.home == SYNTHETIC_HOME
        case HomeRetired(home=home_id) | DeviceRetired(home=home_id):
            return home_id == SYNTHETIC_HOME
        case _:
            return False
