"""What people keep in spreadsheets, a line each, as the registry takes it."""

import csv
from pathlib import Path

from gateway.problem import CommandFailed

Row = dict[str, object]

_NUMBERS = ("order", "birth_year")
_YES, _NO = ("true", "yes", "1", "是"), ("false", "no", "0", "否")


def read(file: Path, columns: tuple[str, ...], needed: tuple[str, ...]) -> list[tuple[int, Row]]:
    """Lines of a CSV with a head, as spreadsheets write them (UTF-8, with or without a mark); empty cells are left out."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            head = reader.fieldnames or []
            strange = [name for name in head if name not in columns]
            missing = [name for name in needed if name not in head]
            if strange or missing:
                what = f"no column {missing[0]!r}" if missing else f"a column {strange[0]!r} that is not known"
                raise CommandFailed(f"{file}:1: {what}; columns are {', '.join(columns)}")
            rows: list[tuple[int, Row]] = []
            for cells in reader:
                if None in cells:
                    raise CommandFailed(f"{file}:{reader.line_num}: more cells than the head; a comma within one needs quotes around it")
                row: Row = {name: value.strip() for name, value in cells.items() if name in columns and value and value.strip()}
                if row:
                    rows.append((reader.line_num, typed(row)))
            return rows
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        unread = "is not UTF-8: save it as “CSV UTF-8”" if isinstance(problem, UnicodeDecodeError) else str(problem)
        reason = getattr(problem, "strerror", None) or unread
        raise CommandFailed(f"{file}: {reason}") from problem


def typed(row: Row) -> Row:
    """A cell is text: numbers, yes and no, and hours (`08:00-12:00 14:00-22:00`) as the API has them. What is neither stays as it is."""
    for name, text in row.items():
        if not isinstance(text, str):
            continue
        if name in _NUMBERS and text.isdecimal():
            row[name] = int(text)
        elif name == "vulnerable" and text.lower() in (*_YES, *_NO):
            row[name] = text.lower() in _YES
        elif name == "hours":
            row[name] = text.split()
    return row
