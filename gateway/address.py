"""Addresses that this service listens on: whether they are free, and how this machine itself gets there. IPv4, IPv6 or a name."""

import socket

_NEAR = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


def near(host: str) -> str:
    """The same from this machine; what listens everywhere is reached over the loopback."""
    return _NEAR.get(host, host)


def origin(host: str, port: int) -> str:
    """Where this machine finds the HTTP of it, as an address begins."""
    there = near(host)
    return f"http://[{there}]:{port}" if ":" in there else f"http://{there}:{port}"


def take(host: str, port: int) -> None:
    """Listen there for no longer than it takes to know that it can be done; else OSError."""
    family, kind, _, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
