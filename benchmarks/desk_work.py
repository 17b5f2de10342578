"""A busy office, over HTTP: reports of the month one after the other, a thousand homes entered, twenty people who log in at once.

`python -m benchmarks.desk_work PORT TOKEN USERNAME PASSWORD AREA`; begins again every `ROUND_S` with other homes, until it is ended.
"""

import sys
import threading
from collections.abc import Callable
from time import monotonic, sleep, strftime, time_ns

import httpx

ROUND_S = 20.0
HOMES = 1000
LOG_INS = 20
UNDER_WAY = 8
"""Homes entered at a time."""


def main() -> None:
    port, token, username, password, area = sys.argv[1:]
    base = f"http://127.0.0.1:{port}/api/v1"
    limits = httpx.Limits(max_connections=LOG_INS + UNDER_WAY + 4)
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=120, limits=limits) as client:

        def report() -> None:
            client.get("/reports/answering", params={"month": strftime("%Y-%m")}).raise_for_status()

        def enter() -> None:
            began = time_ns()

            def some(first: int) -> None:
                for number in range(first, HOMES, UNDER_WAY):
                    home = f"office-{began}-{number}"
                    client.post("/homes", json={"id": home, "area": area, "name": home}).raise_for_status()

            together(some, UNDER_WAY)

        def log_in(_: int) -> None:
            client.post("/session", json={"username": username, "password": password}).raise_for_status()

        report()
        print("ready", flush=True)
        threading.Thread(target=lambda: again(report, 0.5), daemon=True).start()
        threading.Thread(target=lambda: again(enter, ROUND_S), daemon=True).start()
        again(lambda: together(log_in, LOG_INS), ROUND_S)


def together(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def again(work: Callable[[], None], every_s: float) -> None:
    while True:
        began = monotonic()
        work()
        sleep(max(every_s - (monotonic() - began), 0.0))


if __name__ == "__main__":
    main()
