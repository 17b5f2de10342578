"""What a count of events over a time allows to say."""

from math import exp, fsum, lgamma, log

GOAL = 0.05


def upper(events: int, exposure: float, confidence: float = 0.95) -> float:
    """The exact one-sided upper bound of a Poisson rate (Garwood 1936): so many events in so much time are that rare at a higher one."""
    low, high = 0.0, 10.0 + 4.0 * events
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(events, middle) > 1 - confidence else (low, middle)
    return high / exposure


def verdict(events: int, exposure: float, goal: float = GOAL) -> str:
    """Reached only where the bound says so."""
    if upper(events, exposure) <= goal:
        return "reached"
    return "seen so far" if events / exposure <= goal else "not reached"


def _at_most(events: int, mean: float) -> float:
    if mean <= 0:
        return 1.0
    # By logarithms: `exp(-mean)` is zero from 746 on.
    return fsum(exp(number * log(mean) - mean - lgamma(number + 1)) for number in range(events + 1))
