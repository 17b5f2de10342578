"""Three clients that nobody wrote for this contract, examined as they are: what docs/vendor.md says was found in them is found again."""

from pathlib import Path

import pytest

from simulator.certification.bench import Verdict
from tests.vendor import ROOT, examined_apart, stated

SPEED = 20.0
"""The faults are there at any speed; a heartbeat of 2 s is one of 40 s for the bench."""
FOUND = {
    "found shell": ("loop.toml", {"I-03": "has no id"}),
    "found shell with id": ("loop.toml", {
        "C-03": "no client id", "S-08": "no status online", "S-10": "no will", "A-07": "did not come again",
    }),
    "found node": ("found.toml", {
        "S-08": "no status online", "S-10": "no will", "A-02": "before the alarm", "A-05": "not sent again",
        "A-13": "gone after the loss of power", "C-09": "it did not come back",
    }),
    "found paho": ("found.toml", {
        "S-08": "no status online", "S-10": "no will", "A-02": "before the alarm", "A-05": "not sent again",
        "C-03": "no client id",
    }),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_the_faults_that_it_truly_has_are_found_again(name: str, tmp_path: Path) -> None:
    file, faults = FOUND[name]
    found = examined_apart(name, tmp_path, stated(f"found/{file}"), faults, speed=SPEED, HEARTBEAT_S="2")
    for number, why in faults.items():
        assert (found[number].verdict, why in found[number].reason.en) == (Verdict.FAIL, True), (number, found[number].reason.en)


def test_the_guide_tells_of_each_of_them() -> None:
    told = (ROOT / "docs" / "vendor.md").read_text().partition("## What we found")[2]
    for _, faults in FOUND.values():
        for number in faults:
            assert number in told
