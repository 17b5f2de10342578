"""Virtual devices with one fault each. Written from the outer contract and from trackers of real firmware, before the clauses were read."""

from simulator.virtual.mutants import line, outbox
from simulator.virtual.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*line.MUTANTS, *outbox.MUTANTS)
