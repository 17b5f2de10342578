"""Certification: numbered clauses as data, procedures that measure them, an instrumented endpoint, runners and verdicts."""
