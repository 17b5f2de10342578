"""What is wrong with the safety prompts of a ruleset, one line each."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from alerting.bounds import spans
from alerting.caring.prompts import Audience, Prompt, Quiet
from alerting.rules import Ruleset
from alerting.schedule import parse
from devices.topic import ID

MOST_A_DAY = 50
LATEST_DAY = 28
"""Every month has it."""


def prompt_problems(ruleset: Ruleset) -> Iterator[str]:
    file = ruleset.prompts
    try:
        parse((file.quiet_hours,))
    except ValueError as problem:
        yield f"prompts: quiet_{problem}"
    if not 1 <= file.most_a_day <= MOST_A_DAY:
        yield f"prompts: most_a_day is not 1 to {MOST_A_DAY}"
    targets, rules = {target.name for target in ruleset.targets}, {rule.id for rule in ruleset.rules}
    if file.target and file.target not in targets:
        yield f"prompts: there is no target {file.target!r}"
    counted = Counter(prompt.id for prompt in file.prompts)
    yield from (f"prompt {id_!r} is defined {count} times" for id_, count in counted.items() if count > 1)
    if sum(prompt.planned for prompt in file.prompts) > 1:
        yield "prompts: more than one is planned"
    for prompt in file.prompts:
        yield from (f"prompt {prompt.id!r}: {problem}" for problem in _prompt(prompt, rules, target=bool(file.target)))


def _prompt(prompt: Prompt, rules: set[str], *, target: bool) -> Iterator[str]:
    if not ID.match(prompt.id):
        yield "its id is not 1 to 64 of A-Z a-z 0-9 _ -"
    if bool(prompt.rules) + bool(prompt.untested_from) + prompt.planned != 1:
        yield "follows exactly one of rules, untested_from and planned"
    yield from (f"there is no rule {rule!r} for it to follow" for rule in prompt.rules if rule not in rules)
    if not 0 <= prompt.untested_from <= LATEST_DAY:
        yield f"untested_from is not a day of the month, 1 to {LATEST_DAY}"
    if not prompt.to:
        yield "tells nobody: `to` is empty"
    if not target and set(prompt.to) - {Audience.HOME}:
        yield "tells people, and no target says through which channels"
    yield from spans(every=prompt.every)
    if prompt.every < (timedelta(0) if prompt.planned else timedelta(minutes=10)):
        yield "every is under 10 min"
    if prompt.untested_from and prompt.quiet is Quiet.AT_ONCE:
        yield "an untested device is no danger that is told at once"
    for name, words in (("title", prompt.title), ("advice", prompt.advice)):
        if not words.zh.strip() or not words.en.strip():
            yield f"{name} is empty in one of the languages"
