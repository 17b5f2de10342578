"""The ledger of silences and maintenance: who, why, from when until when, and every alert that one of them kept off the ring.

A fold of the journal, in memory and in `views.db`; those that are over are kept for a while, so that somebody can look back.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec.structs import replace

from alerting.facts import AlertClosed, AlertFact, AlertRaised, StepReached
from alerting.registry_facts import SilenceEnded, SilenceSet
from alerting.terms import Actor, AlertId, SilenceId
from devices.home import HomeId

Records = dict[tuple[str, str], msgspec.Struct | None]

KEPT = 1_000
"""Silences that are over."""
MUTED_KEPT = 500
"""Alerts of one silence; all are counted."""


class Muted(msgspec.Struct, frozen=True, array_like=True):
    """`rang_at`: when it came back, and rang; None while it is muted, or where it was closed before."""

    alert: AlertId
    at: datetime
    rang_at: datetime | None = None
    closed_at: datetime | None = None


class Account(msgspec.Struct, frozen=True, array_like=True):
    """Of one silence."""

    silence: SilenceSet
    muted: tuple[Muted, ...] = ()
    count: int = 0
    ended_at: datetime | None = None
    ended_by: Actor | None = None


class Ledger:
    def __init__(self) -> None:
        self.accounts: dict[SilenceId, Account] = {}
        self._of_alert: dict[AlertId, SilenceId] = {}
        """What is muted just now."""

    def apply(self, fact: AlertFact | SilenceSet | SilenceEnded, changed: Records) -> None:
        match fact:
            case SilenceSet():
                self._put(Account(fact), changed)
            case SilenceEnded() if (account := self.accounts.get(fact.silence)) is not None:
                self._put(replace(account, ended_at=fact.at, ended_by=fact.by), changed)
                self._forget(changed)
            case AlertRaised(silenced_by=str(silence)) if (account := self.accounts.get(SilenceId(silence))) is not None:
                muted = (*account.muted, Muted(fact.alert, fact.at))[-MUTED_KEPT:]
                self._put(replace(account, muted=muted, count=account.count + 1), changed)
            case StepReached():
                self._over(fact.alert, changed, rang_at=fact.at)
            case AlertClosed():
                self._over(fact.alert, changed, closed_at=fact.at)
            case _:
                pass

    def load(self, account: Account) -> None:
        """What `views.db` held."""
        self.accounts[account.silence.silence] = account
        for muted in account.muted:
            if muted.rang_at is None and muted.closed_at is None:
                self._of_alert[muted.alert] = account.silence.silence

    def keys(self) -> Iterator[tuple[str, str]]:
        yield from (("ledger", silence) for silence in self.accounts)

    def erase(self, home: HomeId, changed: Records) -> None:
        """Whoever lived there is to be forgotten."""
        for id_ in [id_ for id_, account in self.accounts.items() if account.silence.home == home]:
            del self.accounts[id_]
            changed["ledger", id_] = None

    def _over(self, alert: AlertId, changed: Records, *, rang_at: datetime | None = None, closed_at: datetime | None = None) -> None:
        account = self.accounts.get(self._of_alert.pop(alert, SilenceId("")))
        if account is not None:
            muted = tuple(replace(m, rang_at=rang_at, closed_at=closed_at) if m.alert == alert else m for m in account.muted)
            self._put(replace(account, muted=muted), changed)

    def _put(self, account: Account, changed: Records) -> None:
        self.load(account)
        changed["ledger", account.silence.silence] = account

    def _forget(self, changed: Records) -> None:
        over = [id_ for id_, account in self.accounts.items() if account.ended_at is not None]
        for gone in over[:-KEPT]:
            del self.accounts[gone]
            changed["ledger", gone] = None
