"""Each promise about an alert names a test, and the test is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_promise_about_an_alert_names_a_test_that_is_there() -> None:
    text = (ROOT / "docs" / "promises.md").read_text()
    table = [line for line in text.splitlines() if line.startswith("|")][2:]
    assert len(table) >= 20
    for line in table:
        [(path, name)] = NAMED.findall(line)
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, f"{path}::{name}"
