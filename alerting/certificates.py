"""Certified models: which are known, which are suspended, how a device stands to them, and what that means when it is registered.

Nothing here touches what a device says: a call raises whatever the standing of whoever calls.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from alerting.commands import AddCertificate, SuspendCertificate
from alerting.refusals import Exists, IllegalTransition, Unknown
from alerting.registry_facts import CertificateAdded, CertificateSuspended
from alerting.rules import Uncertified
from alerting.terms import Actor, Sentence
from devices.certificate import Certified, Standing
from devices.home import ModelId

REASON_LIMIT = 4_000


class Certification(msgspec.Struct, frozen=True, array_like=True):
    """A certificate as the platform has it."""

    certificate: Certified
    added_at: datetime
    added_by: Actor
    suspended_at: datetime | None = None
    suspended_by: Actor | None = None
    reason: str = ""


class Certificates:
    """By id, and by model."""

    def __init__(self, known: dict[str, Certification] | None = None) -> None:
        self.known: dict[str, Certification] = {}
        self._of_model: dict[ModelId, tuple[str, ...]] = {}
        for certification in (known or {}).values():
            self.put(certification)

    # --- reading ---------------------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Certification]:
        return iter(self.known.values())

    def of_model(self, model: ModelId) -> Iterator[Certification]:
        return (self.known[id_] for id_ in self._of_model.get(model, ()))

    def standing(self, model: ModelId, firmware: str) -> Standing:
        """Of a device that reports this firmware; empty: it has reported none, and its model alone counts."""
        mine = list(self.of_model(model))
        if not mine:
            return Standing.NO
        same = [one for one in mine if firmware in ("", one.certificate.firmware)]
        if not same:
            return Standing.OTHER_FIRMWARE
        return Standing.SUSPENDED if all(one.suspended_at for one in same) else Standing.YES

    # --- deciding --------------------------------------------------------------------------------------------------------------

    def decide(self, command: AddCertificate | SuspendCertificate, by: Actor, now: datetime) -> CertificateAdded | CertificateSuspended:
        """The fact that it becomes; Exists, Unknown or IllegalTransition, and nothing, where it may not be."""
        if isinstance(command, AddCertificate):
            id_ = command.certificate.id
            if id_ in self.known:
                raise Exists(Sentence(f"证书 {id_} 已登记", f"the certificate {id_} is known already"))
            return CertificateAdded(now, by, command.certificate)
        known = self.known.get(command.certificate)
        if known is None:
            raise Unknown(Sentence(f"没有证书 {command.certificate[:80]}", f"there is no certificate {command.certificate[:80]}"))
        if known.suspended_at is not None:
            raise IllegalTransition(
                Sentence(f"证书 {command.certificate} 已经暂停", f"the certificate {command.certificate} is suspended already"),
            )
        reason = command.reason.strip()[:REASON_LIMIT]
        if not reason:
            raise IllegalTransition(Sentence("请填写暂停原因", "the reason for the suspension is missing"))
        return CertificateSuspended(now, by, command.certificate, reason)

    def admit(self, model: ModelId, firmware: str, policy: Uncertified) -> None:
        """IllegalTransition for a device that may not be registered."""
        if policy is Uncertified.REFUSED and (why := self.doubt(model, firmware)) is not None:
            raise IllegalTransition(why)

    def doubt(self, model: ModelId, firmware: str) -> Sentence | None:
        """What speaks against a device of this model and firmware; None where it is certified."""
        match self.standing(model, firmware):
            case Standing.NO:
                return Sentence(f"型号 {model} 未通过检验", f"the model {model} is not certified")
            case Standing.OTHER_FIRMWARE:
                return Sentence(f"型号 {model} 的固件 {firmware} 未通过检验", f"firmware {firmware} of the model {model} is not certified")
            case Standing.SUSPENDED:
                return Sentence(f"型号 {model} 的证书已暂停", f"the certificate of the model {model} is suspended")
            case Standing.YES:
                return None

    # --- folding ---------------------------------------------------------------------------------------------------------------

    def apply(self, fact: CertificateAdded | CertificateSuspended) -> Certification | None:
        """The certification that it made or changed; None for a suspension of what is not known."""
        if isinstance(fact, CertificateAdded):
            return self.put(Certification(fact.certificate, fact.at, fact.by))
        known = self.known.get(fact.certificate)
        if known is None:
            return None
        return self.put(msgspec.structs.replace(known, suspended_at=fact.at, suspended_by=fact.by, reason=fact.reason))

    def put(self, certification: Certification) -> Certification:
        id_, model = certification.certificate.id, certification.certificate.model
        if id_ not in self.known:
            self._of_model[model] = (*self._of_model.get(model, ()), id_)
        self.known[id_] = certification
        return certification
