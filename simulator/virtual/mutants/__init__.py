"""Virtual devices with one fault each. Written from the outer contract and from trackers of real firmware, before the clauses were read."""

from simulator.virtual.mutants import answers, identity, line, of_itself, outbox, senses
from simulator.virtual.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *line.MUTANTS, *outbox.MUTANTS, *identity.MUTANTS, *answers.MUTANTS, *senses.MUTANTS, *of_itself.MUTANTS,
)  # fmt: skip
