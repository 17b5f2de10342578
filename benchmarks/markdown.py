"""How figures are written: tables of Markdown, and one figure of several runs."""

from collections.abc import Iterable, Sequence

from benchmarks.statistics import median


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column to the left, the others to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def figure(values: Iterable[float], digits: int = 0) -> str:
    """The median, with the smallest and the largest behind it where they are more than a tenth apart."""
    given = list(values)
    if not given:
        return "-"
    middle, low, high = median(given), min(given), max(given)
    text = f"{middle:,.{digits}f}"
    return text if high - low <= 0.1 * middle else f"{text} ({low:,.{digits}f}-{high:,.{digits}f})"
