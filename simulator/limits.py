"""How many connections one process may hold: the open-file limit, raised as far as the system lets us, said plainly when too low."""

import resource
from contextlib import suppress

SPARE = 200
"""Files besides the connections: the log, the API, the event loop."""


class TooFewFiles(Exception):  # noqa: N818 - the system's limit
    """In one line, with the number that would do and what to do."""


def room_for(connections: int) -> None:
    """Raises the soft limit to what is needed or as far as it goes. TooFewFiles where the hard one is lower."""
    wanted = connections + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    top = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if top > soft:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (top, hard))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        needed = -(-wanted // max(soft - SPARE, 1))
        raise TooFewFiles(
            f"{connections} connections need {wanted} open files in this process, and the system allows {soft}: "
            f"raise it (ulimit -n {wanted}, or LimitNOFILE in systemd), or give --processes {needed} or more"
        )
