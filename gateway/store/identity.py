"""Which layout a data folder has, and which life of its journal it holds: `format.json`, read before anything else is opened.

A folder from an older Anju is brought up step by step at the start; what a step changes is put aside first. A folder from a newer one is
refused: what this program does not know it could only spoil. A restore begins another life: numbers that were given after the backup
are given again, to other things, and whoever remembers a number from before can tell by `restores`.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from gateway.store.failure import sync_folder

FORMAT = 1
"""1: the folder has this file. 0, without it, is otherwise the same."""

NAME = "format.json"
UNFINISHED = "restore.unfinished"
"""There while a restore is under way; left behind, it was cut short, and the folder holds half of one."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    format: int = 0
    generation: str = ""
    """Of this life of the journal: it changes when the folder is restored, and with nothing else."""
    restores: int = 0
    """How many lives there were before this one."""
    restored_to: int = 0
    """The last number that this life has in common with the one before."""


class FolderRefused(Exception):  # noqa: N818 - a state of the world, not a mistake
    """The folder cannot be used by this program; the sentence says what to do."""


class Step(msgspec.Struct, frozen=True):
    """Brings a folder of format `to - 1` to `to`. `changes` are copied aside before `run`; a step that was cut short runs again."""

    to: int
    changes: tuple[str, ...]
    run: Callable[[Path], None]


def _nothing(_: Path) -> None:
    """The number itself is all that is new."""


STEPS = (Step(1, (), _nothing),)


def read(root: Path) -> Identity:
    """Format 0 where there is no such file. FolderRefused when it cannot be understood."""
    try:
        return msgspec.json.decode((root / NAME).read_bytes(), type=Identity)
    except FileNotFoundError:
        return Identity()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise FolderRefused(f"{root / NAME} cannot be read: {problem}; it is in every backup") from problem


def write(root: Path, identity: Identity) -> None:
    """Whole, or as it was."""
    draft = root / f"{NAME}.new"
    with draft.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(identity)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(root / NAME)
    sync_folder(root)


def settle(root: Path, told: Callable[[str], None], steps: Sequence[Step] = STEPS) -> Identity:
    """Make the folder one of the present format; with the folder's lock held. `told` hears of each step. FolderRefused, OSError."""
    if (root / UNFINISHED).exists():
        raise FolderRefused(f"a restore into {root} was not finished: run it again, with --replace")
    found = read(root)
    newest = steps[-1].to
    if found.format > newest:
        raise FolderRefused(f"{root} is of format {found.format}, written by a newer Anju; this one knows formats up to {newest}")
    if found.format == newest:
        return found
    identity = found if found.generation else msgspec.structs.replace(found, generation=secrets.token_hex(8))
    fresh = not (root / "segments").exists()
    for step in steps:
        if step.to > found.format:
            _upgrade(root, step)
            identity = msgspec.structs.replace(identity, format=step.to)
            _note(root, identity)
            if not fresh:
                told(f"the data folder was brought from format {step.to - 1} to {step.to}")
    return identity


def _upgrade(root: Path, step: Step) -> None:
    aside = root / f"before-format-{step.to}"
    for name in step.changes:
        source, target = root / name, aside / name
        if not source.exists() or target.exists():
            continue  # a copy from an attempt that was cut short is the true one
        draft = target.with_name(target.name + ".new")
        draft.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(source, draft)
        else:
            shutil.copy2(source, draft)
        draft.rename(target)
    step.run(root)


def _note(root: Path, identity: Identity) -> None:
    """A disk without a byte left keeps no service from starting: the next start writes it."""
    try:
        write(root, identity)
    except OSError as problem:
        if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
