"""How wrong usage is told: in one line, exit 2."""

import argparse
from typing import NoReturn


class OneLine(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"anju: {message} ({self.prog} --help tells more)\n")
