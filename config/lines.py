"""Where in a TOML file each key stands. The standard library's reader forgets it, and a mistake without a line is searched for."""

import tomllib
from collections import defaultdict


def lines_of(text: str) -> dict[str, int]:
    """The line, from 1, of every key of a sound TOML text: `http.port`, `rule[2].title.zh`. What one statement holds stands at its line."""
    found: dict[str, int] = {}
    counts: dict[str, int] = defaultdict(int)
    table = ""
    statement: list[str] = []
    begun = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not statement and (not line.strip() or line.lstrip().startswith("#")):
            continue
        if not statement:
            begun = number
        statement.append(line)
        try:
            read = tomllib.loads("\n".join(statement))
        except tomllib.TOMLDecodeError:
            continue  # a value that goes on over the next line
        statement.clear()
        if line.lstrip().startswith("[") and begun == number:
            table = _opened(read, counts)
            found.setdefault(table, begun)
        else:
            _note(read, table, begun, found)
    return found


def place(lines: dict[str, int], key: str) -> int:
    """The line of a key, or of the nearest thing around it that has one; 0 when nothing has."""
    while key:
        if key in lines:
            return lines[key]
        cut = max(key.rfind("."), key.rfind("["))
        key = key[:cut] if cut > 0 else ""
    return 0


def _opened(header: object, counts: dict[str, int]) -> str:
    """The path of the table that a header begins; an array of tables goes on to its next, the inner ones count anew."""
    path = ""
    while isinstance(header, dict) and header:
        name, header = next(iter(header.items()))
        path = f"{path}.{name}" if path else str(name)
        if isinstance(header, list):
            for inner in [p for p in counts if p.startswith(f"{path}[")]:
                del counts[inner]
            counts[path] += 1
            return f"{path}[{counts[path] - 1}]"
        if path in counts:
            path = f"{path}[{counts[path] - 1}]"
    return path


def _note(value: object, at: str, line: int, found: dict[str, int]) -> None:
    if at:
        found.setdefault(at, line)
    if isinstance(value, dict):
        for key, inner in value.items():
            _note(inner, f"{at}.{key}" if at else str(key), line, found)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _note(inner, f"{at}[{index}]", line, found)
