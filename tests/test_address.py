"""Where the service listens, and how this machine itself gets there."""

import errno
import socket

import pytest

from gateway.address import near, origin, take

REACHED = [
    ("127.0.0.1", "127.0.0.1", "http://127.0.0.1:8080"),
    ("0.0.0.0", "127.0.0.1", "http://127.0.0.1:8080"),
    ("", "127.0.0.1", "http://127.0.0.1:8080"),
    ("::", "::1", "http://[::1]:8080"),
    ("2001:db8::7", "2001:db8::7", "http://[2001:db8::7]:8080"),
    ("anju.example.org", "anju.example.org", "http://anju.example.org:8080"),
]


@pytest.mark.parametrize(("host", "there", "begins"), REACHED)
def test_what_listens_is_reached_from_its_own_machine(host: str, there: str, begins: str) -> None:
    assert (near(host), origin(host, 8080)) == (there, begins)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "", "localhost"])
def test_an_address_is_free_until_somebody_listens_there(host: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
    take(host, port)
    with socket.create_server(("127.0.0.1", port)):
        if host != "localhost":  # which may be that of IPv6 first
            with pytest.raises(OSError, match="in use") as taken:
                take(host, port)
            assert taken.value.errno == errno.EADDRINUSE


def test_what_is_no_address_is_none() -> None:
    with pytest.raises(OSError, match=r".") as wrong:
        take("256.1.1.1", 8080)
    assert wrong.value.errno != errno.EADDRINUSE
    assert wrong.value.strerror
