"""Puts lines into a store, in one request: taken, or Refusal, or NotNow."""

import gzip
import os
import ssl
from pathlib import Path
from typing import Protocol

import httpx

from gateway.outside_stores import Influx1, Influx2, Store, VictoriaMetrics
from gateway.settings import reveal
from gateway.telemetry.verdict import judge, unreachable

CONNECT_S, ANSWER_S = 5.0, 20.0
LEVEL = 1
"""Of gzip: half of the gain is in the first, and a core is dearer than the wire here."""


class Writer(Protocol):
    def write(self, body: bytes) -> None:
        """Lines with a newline behind each; on the store's disk, as far as that store promises it, when this returns."""
        ...

    def close(self) -> None: ...


def open_writer(store: Store) -> Writer:
    """Connects to nobody yet. ValueError for a secret or a certificate that is not there."""
    return Influx2Client(store) if isinstance(store, Influx2) else LineProtocol(store)


def open_client(store: Store) -> httpx.Client:
    """Of a store, with its way to log in. ValueError as above."""
    auth, headers = None, {}
    match store:
        case Influx2(token=token):
            headers["Authorization"] = f"Token {_secret(token)}"
        case VictoriaMetrics(token=token) if token:
            headers["Authorization"] = f"Bearer {_secret(token)}"
        case Influx1(username=name, password=password) | VictoriaMetrics(username=name, password=password):
            auth = httpx.BasicAuth(name, _secret(password)) if name else None
    timeout = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
    return httpx.Client(base_url=store.url, auth=auth, headers=headers, verify=_trust(store.ca), timeout=timeout, trust_env=False)


class LineProtocol:
    """InfluxDB 1.x and VictoriaMetrics: `POST /write`."""

    def __init__(self, store: Influx1 | VictoriaMetrics) -> None:
        self._client = open_client(store)
        self._query = {"precision": "ms"}
        if isinstance(store, Influx1):
            self._query["db"] = store.database
            if store.retention_policy:
                self._query["rp"] = store.retention_policy

    def write(self, body: bytes) -> None:
        headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}
        try:
            answer = self._client.post("/write", params=self._query, content=gzip.compress(body, LEVEL), headers=headers)
        except httpx.HTTPError as problem:
            raise unreachable(problem) from problem
        judge(answer.status_code, answer.headers, answer.content)

    def close(self) -> None:
        self._client.close()


class Influx2Client:
    """InfluxDB 2 and up, by influxdb-client: synchronous, since its batching mode tells of what it lost by a callback alone."""

    def __init__(self, store: Influx2) -> None:
        _trust(store.ca)  # what is wrong with the file is told of the file, not of a connection
        # A quarter of a second, and 20 MiB, that only those pay who have such a store.
        from influxdb_client.client.influxdb_client import InfluxDBClient  # noqa: PLC0415
        from influxdb_client.client.write_api import SYNCHRONOUS  # noqa: PLC0415

        self._client = InfluxDBClient(
            store.url,
            token=_secret(store.token),
            org=store.org,
            timeout=(int(CONNECT_S * 1000), int(ANSWER_S * 1000)),
            enable_gzip=True,
            ssl_ca_cert=store.ca or None,
        )
        self._api = self._client.write_api(write_options=SYNCHRONOUS)
        self._bucket = store.bucket

    def write(self, body: bytes) -> None:
        from influxdb_client.rest import ApiException  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        try:
            self._api.write(self._bucket, record=body, write_precision="ms")  # type: ignore[arg-type]  # its constants are plain texts
        except ApiException as answer:
            if not answer.status:  # its way to say that no TLS came about
                raise unreachable(ConnectionError(answer.reason)) from answer
            text = answer.body or ""
            headers = {str(name).lower(): str(value) for name, value in (answer.headers or {}).items()}
            judge(answer.status, headers, text if isinstance(text, bytes) else str(text).encode())
        except (HTTPError, OSError) as problem:
            raise unreachable(problem) from problem

    def close(self) -> None:
        self._api.close()  # type: ignore[no-untyped-call]
        self._client.close()  # type: ignore[no-untyped-call]


def _secret(value: str) -> str:
    return reveal(value, Path(), os.environ) if value else ""


def _trust(ca: str) -> ssl.SSLContext:
    """The machine's roots, or those of `ca` alone: who names an authority of its own wants no other."""
    try:
        return ssl.create_default_context(cafile=ca or None)
    except (OSError, ssl.SSLError) as problem:
        raise ValueError(f"ca: cannot read certificates from {ca}: {problem}") from problem
