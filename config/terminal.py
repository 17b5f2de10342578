"""Standard output, as every command uses it: what it cannot show stands there as its number, and an end of it is no accident of ours."""

import io
import os
import sys

READER_GONE = 141
"""As a shell tells of a program that SIGPIPE ended."""


class Unsaid(Exception):  # noqa: N818 - it is what became of the words
    """Standard output takes no more."""

    def __init__(self, problem: OSError) -> None:
        super().__init__(f"standard output: {problem.strerror}")
        self.reader_gone = isinstance(problem, BrokenPipeError)


class _Output(io.TextIOWrapper):
    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as problem:
            raise Unsaid(problem) from problem

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as problem:
            raise Unsaid(problem) from problem


def readable() -> None:
    """From here on standard output raises Unsaid, and a terminal that knows no Chinese is given the number of the sign."""
    out = sys.stdout
    if type(out) is io.TextIOWrapper:  # else it is somebody else's, who captures what is said
        line, through, encoding = out.line_buffering, out.write_through, out.encoding
        sys.stdout = _Output(out.detach(), encoding, "backslashreplace", line_buffering=line, write_through=through)


def ended(unsaid: Unsaid) -> int:
    """The exit status: 141 where the reader went away (`| head`), else 1 and why, in one line. Nothing more is written there."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if unsaid.reader_gone:
        return READER_GONE
    print(f"anju: {unsaid}", file=sys.stderr)  # noqa: T201 - the one plain line
    return 1
