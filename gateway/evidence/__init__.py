"""The timelines of alerts as evidence: chained, anchored by the day, checked by anybody, and what the month's figures are counted from."""
