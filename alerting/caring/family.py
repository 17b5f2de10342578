"""What residents let their families see, and the links by which: records, the fold of their facts, and what people may ask. Pure.

A link shows what every resident of the home has consented to, and nothing more: consent is theirs, not the home's. The secret of a link
never comes here; its digest does, and that is what is kept.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

import msgspec

from alerting.refusals import Exists, IllegalTransition, Unknown
from alerting.terms import Actor, Sentence
from devices.home import HomeId, Person, PersonId, Role

LinkId = NewType("LinkId", str)
LONGEST = timedelta(days=366)
LINKS_MOST = 12
"""Of one home, that are not revoked."""
TEXT_LIMIT = 500


class Shows(StrEnum):
    """What may be seen of a home."""

    ALIVE = "alive"
    """When somebody there was last noticed, to the quarter of an hour."""
    ALERTS = "alerts"
    """Whether an alert is open, and whether somebody sees to it; not what it is."""
    VISITS = "visits"
    """Which visits and calls were made in the last thirty days; not by whom, nor what was said."""
    DEVICES = "devices"
    """How many devices there are, are heard, and run low."""


class Consent(msgspec.Struct, frozen=True, array_like=True):
    """The latest word of a resident stands; `shows` empty: taken back. `word`: how it was given."""

    at: datetime
    by: Actor
    shows: tuple[Shows, ...]
    word: str = ""


class Link(msgspec.Struct, frozen=True, array_like=True):
    id: LinkId
    contact: PersonId
    digest: bytes
    until: datetime
    """By the wall clock."""
    at: datetime
    by: Actor


class SetConsent(msgspec.Struct, frozen=True, array_like=True, tag="fam="):
    home: HomeId
    resident: PersonId
    shows: tuple[Shows, ...]
    word: str


class MakeFamilyLink(msgspec.Struct, frozen=True, array_like=True, tag="fam+"):
    home: HomeId
    link: LinkId
    contact: PersonId
    digest: bytes
    days: int


class RevokeFamilyLink(msgspec.Struct, frozen=True, array_like=True, tag="fam-"):
    home: HomeId
    link: LinkId


FamilyCommand = SetConsent | MakeFamilyLink | RevokeFamilyLink


class ConsentSet(msgspec.Struct, frozen=True, array_like=True, tag="f:fam="):
    """What a resident lets the family see from here on."""

    at: datetime
    by: Actor
    home: HomeId
    resident: PersonId
    shows: tuple[Shows, ...]
    word: str


class FamilyLinkMade(msgspec.Struct, frozen=True, array_like=True, tag="f:fam+"):
    at: datetime
    by: Actor
    home: HomeId
    link: Link


class FamilyLinkRevoked(msgspec.Struct, frozen=True, array_like=True, tag="f:fam-"):
    at: datetime
    by: Actor
    home: HomeId
    link: LinkId


FamilyFact = ConsentSet | FamilyLinkMade | FamilyLinkRevoked


class Family(msgspec.Struct, array_like=True):
    consents: dict[PersonId, Consent] = {}
    links: dict[LinkId, Link] = {}
    """Not revoked; those whose time is over are put away by the next one made."""

    def copy(self) -> "Family":
        return Family(dict(self.consents), dict(self.links))

    def apply(self, fact: FamilyFact) -> None:
        match fact:
            case ConsentSet():
                self.consents[fact.resident] = Consent(fact.at, fact.by, fact.shows, fact.word)
            case FamilyLinkMade(link=link):
                self.links = {id_: one for id_, one in self.links.items() if one.until > link.at}
                self.links[link.id] = link
            case FamilyLinkRevoked(link=id_):
                self.links.pop(id_, None)

    def shown(self, people: "list[Person]") -> frozenset[Shows]:
        """What every resident of the home lets be seen; nothing where nobody is registered."""
        given = [frozenset(self.consents[p.id].shows) if p.id in self.consents else frozenset() for p in people if p.role is Role.RESIDENT]
        return frozenset.intersection(*given) if given else frozenset()

    def decide(self, command: FamilyCommand, people: dict[PersonId, Person], by: Actor, now: datetime, wall: datetime) -> FamilyFact:
        """The fact that a command becomes; Unknown, Exists or IllegalTransition, and nothing, where it may not be."""
        match command:
            case SetConsent(resident=resident, shows=shows, word=word):
                person = _person(people, resident)
                if person.role is not Role.RESIDENT:
                    said = f"{person.name} is no resident: consent is the resident's"
                    raise IllegalTransition(Sentence(f"{person.name} 不是住户本人", said))
                if shows and not word.strip():
                    raise IllegalTransition(Sentence("请写明如何取得同意", "say how the consent was given"))
                return ConsentSet(now, by, command.home, resident, tuple(sorted(set(shows))), word.strip()[:TEXT_LIMIT])
            case MakeFamilyLink(link=id_, contact=contact):
                person = _person(people, contact)
                if person.role is Role.RESIDENT:
                    raise IllegalTransition(Sentence(f"{person.name} 是住户本人", f"{person.name} is a resident: a link is for a contact"))
                if not 1 <= command.days <= LONGEST.days:
                    raise IllegalTransition(Sentence(f"有效期为 1 到 {LONGEST.days} 天", f"a link lasts 1 to {LONGEST.days} days"))
                if not self.shown(list(people.values())):
                    raise IllegalTransition(Sentence("住户尚未同意展示任何内容", "the residents have not consented to show anything"))
                if id_ in self.links:
                    raise Exists(Sentence(f"链接 {id_} 已存在", f"link {id_} exists already"))
                if sum(one.until > wall for one in self.links.values()) >= LINKS_MOST:
                    raise IllegalTransition(Sentence(f"每户最多 {LINKS_MOST} 个链接", f"a home has {LINKS_MOST} links at most"))
                link = Link(id_, contact, command.digest, wall + timedelta(days=command.days), wall, by)
                return FamilyLinkMade(now, by, command.home, link)
            case RevokeFamilyLink(link=id_):
                if id_ not in self.links:
                    raise Unknown(Sentence(f"没有链接 {id_[:80]}", f"there is no link {id_[:80]}"))
                return FamilyLinkRevoked(now, by, command.home, id_)


def _person(people: dict[PersonId, Person], id_: PersonId) -> Person:
    person = people.get(id_)
    if person is None:
        raise Unknown(Sentence(f"该住户没有编号为 {id_[:80]} 的人员", f"the home has no person {id_[:80]}"))
    return person
