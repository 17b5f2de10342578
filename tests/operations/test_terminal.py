"""What a command does where standard output is not what it hoped for: no traceback, one plain line or none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.terminal import READER_GONE
from tests.patience import STORY_S

ROOT = Path(__file__).parents[2]
COMMANDS = (["gateway", "--help"], ["gateway", "rules", "check"], ["simulator", "simulate", "--help"], ["simulator", "certify", "--help"])


def said(words: list[str], out: int, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, env=os.environ | environment, stdout=out, stderr=subprocess.PIPE, text=True,
        timeout=STORY_S, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_read_enough_ends_a_command_quietly(words: list[str], unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = said(words, writer, PYTHONUNBUFFERED=unbuffered)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (READER_GONE, "")


@pytest.mark.parametrize("words", COMMANDS)
def test_an_output_that_is_full_is_told_in_one_line(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = said(words, full.fileno())
    assert (done.returncode, done.stderr) == (1, "anju: standard output: No space left on device\n")


def test_an_output_that_knows_no_chinese_is_given_the_numbers_of_the_signs() -> None:
    done = said(["gateway", "--help"], subprocess.PIPE, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert r"\u5b89\u5c45" in done.stdout
