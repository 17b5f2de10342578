"""`python -m simulator`: how its commands end. 0 good, 1 the thing asked about failed, 2 wrong usage; errors in one plain line.

They are loaded late: it takes seconds on a small machine, and Ctrl-C in these ends in no traceback either.
"""

import sys

from config.terminal import Unsaid, ended, readable


def main(words: list[str] | None = None) -> int:
    readable()
    try:
        from simulator.commands import command

        try:
            return command(sys.argv[1:] if words is None else words)
        finally:
            sys.stdout.flush()  # while what becomes of it can still be told
    except Unsaid as unsaid:
        return ended(unsaid)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
