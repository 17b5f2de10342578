"""What a person at a shell is told when a command cannot do its work."""


class CommandFailed(Exception):  # noqa: N818 - it is not a mistake of ours
    """One plain sentence that says what is wrong and what to do about it; the command ends with 1."""
