"""Versions of the rules: what the files say, what a person has put live, and which of them holds.

Until a person puts a version live the rules are those of the files, and follow them at each start. From then on they change by people
alone, and the files only say everything else: escalation, dispositions, models, channels. A file that was edited is then one more
version that somebody may put live.
"""

import hashlib
from datetime import datetime

import msgspec
from msgspec.structs import replace

from alerting.assembly import problems_of
from alerting.commands import ActivateRules
from alerting.facts import RulesActivated
from alerting.refusals import IllegalTransition
from alerting.rules import Rule, Ruleset
from alerting.terms import Actor, Sentence


def versioned(ruleset: Ruleset) -> Ruleset:
    """Under the version that its content has, as `alerting.assembly.assemble` gives it."""
    digest = hashlib.blake2b(msgspec.msgpack.encode(replace(ruleset, version="")), digest_size=6).hexdigest()
    return replace(ruleset, version=digest)


def rules_version(rules: tuple[Rule, ...]) -> str:
    """What the rules alone are called, whatever escalation and channels stand beside them."""
    return "r" + hashlib.blake2b(msgspec.msgpack.encode(rules), digest_size=6).hexdigest()


def with_rules(held: Ruleset, rules: tuple[Rule, ...]) -> Ruleset:
    """The ruleset with other rules, under the version that it then has."""
    return versioned(replace(held, rules=rules))


def settled(files: Ruleset, held: Ruleset, *, chosen: bool) -> tuple[Ruleset, tuple[str, ...]]:
    """What holds after a start. `chosen`: a person has put the rules live that are `held`.

    With problems, one line each, the files do not fit the rules that were put live: all that was held goes on.
    """
    if not chosen:
        return files, ()
    wanted = with_rules(files, held.rules)
    problems = problems_of(wanted)
    return (held, problems) if problems else (wanted, ())


def activated(command: ActivateRules, by: Actor, held: Ruleset, now: datetime) -> RulesActivated:
    """The fact that a command becomes; IllegalTransition, with every problem, where these rules may not be."""
    if not command.reason.strip():
        raise IllegalTransition(Sentence("启用规则需要说明理由", "putting rules live needs a reason"))
    wanted = with_rules(held, command.rules)
    if wanted.version == held.version:
        raise IllegalTransition(Sentence("这一版规则已在使用", "these rules are live already"))
    if problems := problems_of(wanted):
        told = "; ".join(problems)
        raise IllegalTransition(Sentence(f"这一版规则不能使用：{told}", f"these rules cannot be used: {told}"))
    return RulesActivated(now, by, rules_version(command.rules), command.reason.strip(), command.backtest, wanted)
