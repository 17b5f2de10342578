"""How many connections one process may hold: the open-file limit, raised as far as the system lets us, said plainly when too low."""

import resource
from contextlib import suppress

SPARE = 200
"""Files besides the connections: the log, the API, the event loop."""
FROM_ONE_ADDRESS = 14_000
"""Linux gives out half of an address's 28,000 ports at once; for one of the other half it searches through all, some milliseconds each."""


class TooFewFiles(Exception):  # noqa: N818 - the system's limit
    """In one line, with the number that would do and what to do."""


def room_for(connections: int) -> None:
    """Raises the soft limit to what is needed or as far as it goes. TooFewFiles where the hard one is lower."""
    wanted = connections + SPARE
    soft = _raised(wanted)
    if soft is not None and soft < wanted:
        raise TooFewFiles(
            f"{connections} connections need {wanted} open files in this process, and the system allows {soft}: "
            f"raise it (ulimit -n {wanted}, or LimitNOFILE in systemd), or give --processes {_shares(connections, soft)} or more"
        )


def processes_for(connections: int, most: int) -> int:
    """The least number of processes that may hold so many, each from an address of its own. TooFewFiles where even `most` may not."""
    soft = _raised(connections + SPARE)
    needed = max(1 if soft is None else _shares(connections, soft), min(-(-connections // FROM_ONE_ADDRESS), most))
    if needed > most:
        each = -(-connections // most) + SPARE
        raise TooFewFiles(
            f"{connections} connections need {each} open files in each of {most} processes, and the system allows {soft}: "
            f"raise it (ulimit -n {each}, or LimitNOFILE in systemd)"
        )
    return needed


def _raised(wanted: int) -> int | None:
    """The soft limit, as near to what is wanted as it goes; None: there is none."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        top = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(top, soft), hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def _shares(connections: int, soft: int) -> int:
    return -(-connections // max(soft - SPARE, 1))
