"""What is planned for homes and what became of it, for the desk to read: the same fold as the engine's, in memory and in `views.db`."""

from collections.abc import Iterator

import msgspec

from alerting.caring.care import NO_CARE, Care
from alerting.caring.family import FamilyLinkMade, FamilyLinkRevoked, Link
from alerting.facts import CareFact
from devices.home import HomeId

Records = dict[tuple[str, str], msgspec.Struct | None]


class CareBook:
    def __init__(self) -> None:
        self._of: dict[HomeId, Care] = {}
        self._links: dict[bytes, HomeId] = {}
        """By the digests of families' links that are not revoked."""

    # --- the fold ------------------------------------------------------------------------------------------------------------

    def apply(self, fact: CareFact, changed: Records) -> None:
        care = self._of[fact.home] = self.of(fact.home).copy()
        care.apply(fact)
        changed["care", fact.home] = care
        if isinstance(fact, FamilyLinkMade | FamilyLinkRevoked):
            self._unlink(fact.home)
            self._link(fact.home)

    def load(self, key: str, body: bytes) -> None:
        self._of[HomeId(key)] = msgspec.msgpack.decode(body, type=Care)
        self._link(HomeId(key))

    def forget(self, home: HomeId, changed: Records) -> None:
        """The home was retired, or its people erased: what was settled in between had words again."""
        if self._of.pop(home, None) is not None:
            changed["care", home] = None
            self._unlink(home)

    def _link(self, home: HomeId) -> None:
        self._links.update((link.digest, home) for link in self.of(home).family.links.values())

    def _unlink(self, home: HomeId) -> None:
        for digest in [digest for digest, of in self._links.items() if of == home]:
            del self._links[digest]

    def keys(self) -> Iterator[tuple[str, str]]:
        yield from (("care", home) for home in self._of)

    # --- reading -------------------------------------------------------------------------------------------------------------

    def of(self, home: HomeId) -> Care:
        return self._of.get(home, NO_CARE)

    def linked(self, digest: bytes) -> tuple[HomeId, Link] | None:
        """Whose a family's link is; None for one that nobody made, or that was revoked."""
        home = self._links.get(digest)
        found = None if home is None else next((one for one in self.of(home).family.links.values() if one.digest == digest), None)
        return None if home is None or found is None else (home, found)

    def homes(self) -> Iterator[tuple[HomeId, Care]]:
        return iter(self._of.items())
