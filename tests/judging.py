"""A folder for `--judging`: the shipped rules with an escalation in seconds, since a test cannot wait for minutes."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

FLOOR = ("call_for_help", "fire", "gas", "fall")
CALM = {"prompt": ("health", "inactivity", "wandering", "water", "intrusion"), "aware": (), "technical": ("technical",)}


def judging(folder: Path, steps: list[float]) -> Path:
    """Targets `first`, `second`, … are told `steps` seconds after the beginning; then it is quiet for an hour."""
    made = folder / "judging"
    shutil.copytree(ROOT / "config", made, ignore=shutil.ignore_patterns("*.py", "__pycache__", "scenarios"))
    (made / "prompts.toml").unlink()  # its words go to the family, who is no target of these steps
    lines = ["[[policy]]", 'id = "quick"', f"categories = {list(FLOOR)!r}".replace("'", '"'), "rounds = 1", 'repeat_after = "PT1H"']
    for number, after in enumerate(steps):
        target = "desk" if number == 0 else names(len(steps))[number - 1]
        lines += ["[[policy.step]]", f'after = "PT{after:g}S"', f'targets = ["{target}"]']
    for policy, categories in CALM.items():
        lines += ["[[policy]]", f'id = "{policy}"', f"categories = {list(categories)!r}".replace("'", '"'), "rounds = 1"]
        lines += ["[[policy.step]]", 'after = "PT0S"', 'targets = ["desk"]']
    for name in names(len(steps)):
        lines += ["[[target]]", f'name = "{name}"']
    (made / "escalation.toml").write_text("\n".join(lines) + "\n")
    return made


def names(steps: int) -> tuple[str, ...]:
    return tuple(f"target-{number}" for number in range(1, steps))
