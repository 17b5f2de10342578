"""A store outside that is a real one: VictoriaMetrics and InfluxDB, which die, forget, ask for a password and refuse."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from devices.home import DeviceId, HomeId
from devices.observation import Property
from gateway.outside_stores import VictoriaMetrics
from gateway.store.history import ChartsAway, Question
from gateway.store.standing import path_of, read_refused
from gateway.telemetry.reading import open_charts
from tests.patience import PATIENCE_S
from tests.service import until
from tests.telemetry import HOME, NOON, SECOND, WATCH, Book, following, hurry, meant, outside, reached, readings, said, store_of
from tests.timeseries import Influx, Victoria, served

TLS = Path(__file__).parent / "tls"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    book = Book(tmp_path / "data")
    yield book
    book.close()


@pytest.fixture(params=["victoria", "influx"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Victoria | Influx]:
    made = Victoria(tmp_path / "vm") if request.param == "victoria" else Influx(tmp_path / "influx")
    with served(made):
        yield made


def test_a_real_store_that_dies_in_the_middle_has_each_once(book: Book, server: Victoria | Influx) -> None:
    seq = readings(book, 500)
    with following(outside(book, server.settings()), book) as follower:
        reached(follower, seq)
        server.stop()
        readings(book, 500, begin=500)
        until("it is said", lambda: follower.problem is not None)
        server.start()
        seq = readings(book, 100, begin=1000)
        reached(follower, seq)
        until("each is there, once", lambda: server.rows("heart_rate") == {WATCH: meant(1100)})
        assert follower.followed(book.now).refused == 0


def test_what_victoriametrics_had_said_yes_to_and_forgot_is_sent_again(book: Book, tmp_path: Path) -> None:
    """It answers before its disk has it; killed, it has lost the last seconds."""
    server = Victoria(tmp_path / "vm")
    with served(server):
        with following(outside(book, server.settings()), book) as follower:
            for n in range(10):
                reached(follower, readings(book, 20, begin=20 * n))
            server.kill()
            readings(book, 20, begin=200)
            until("it is said", lambda: follower.problem is not None)
            server.start()
            reached(follower, readings(book, 20, begin=220))
        until("each is there, once", lambda: server.rows("heart_rate") == {WATCH: meant(240)})


def test_a_position_that_was_lost_doubles_nothing_in_a_real_store(book: Book, server: Victoria | Influx) -> None:
    seq = readings(book, 200)
    for _ in range(3):
        with following(outside(book, server.settings()), book) as follower:
            reached(follower, seq)
        path_of(book.data, server.settings().split('"')[3]).unlink()
    until("each is there, once", lambda: server.rows("heart_rate") == {WATCH: meant(200)})


def test_through_influxdb_client_into_victoriametrics(book: Book, tmp_path: Path) -> None:
    server = Victoria(tmp_path / "vm")
    with served(server):
        text = server.settings().replace("victoriametrics", "influxdb2") + 'token = "env:ANJU_TEST_TOKEN"\norg = "any"\nbucket = "any"\n'
        seq = readings(book, 300)
        with following(outside(book, text), book) as follower:
            reached(follower, seq)
        until("each is there, once", lambda: server.rows("heart_rate") == {WATCH: meant(300)})


@pytest.mark.parametrize("kind", ["victoriametrics", "influxdb2"])
def test_a_store_behind_tls_is_trusted_by_its_own_authority_alone(book: Book, tmp_path: Path, kind: str) -> None:
    server = Victoria(tmp_path / "vm", tls=(TLS / "server.pem", TLS / "server.key"))
    with served(server):
        more = 'token = "env:ANJU_TEST_TOKEN"\norg = "any"\nbucket = "any"\n' if kind == "influxdb2" else ""
        seq = readings(book, 10)
        for name, ca, said in (("plain", "", "certificate verify failed"), ("wrong", f"{tmp_path}/none.pem", "cannot read certificates")):
            text = server.settings(name, **({"ca": ca} if ca else {})).replace("victoriametrics", kind) + more
            with following(outside(book, text), book) as follower:
                until("it is said", lambda: follower.problem is not None)
                assert follower.problem is not None
                assert said in follower.problem.en
        text = server.settings("good", ca=str(TLS / "authority.pem")).replace("victoriametrics", kind) + more
        with following(outside(book, text), book) as follower:
            reached(follower, seq)
        until("each is there, once", lambda: server.rows("heart_rate") == {WATCH: meant(10)})


def test_a_store_that_asks_for_a_password_gets_it(book: Book, tmp_path: Path) -> None:
    server = Victoria(tmp_path / "vm", login=("anju", "right"))
    (book.data / "right").write_text("right\n")
    (book.data / "wrong").write_text("wrong\n")
    with served(server):
        seq = readings(book, 10)
        texts = {word: server.settings(word, username="anju", password=f"file:{book.data / word}") for word in ("wrong", "right")}
        question = Question(HomeId(HOME), DeviceId("watch"), Property.HEART_RATE, NOON, NOON + timedelta(hours=1))
        with following(outside(book, texts["wrong"]), book) as follower:
            until("it is said", lambda: follower.problem is not None)
            assert follower.problem is not None
            assert "the token or password is not accepted (401" in follower.problem.en
        charts = open_charts(store_of(texts["wrong"], tmp_path))
        with pytest.raises(ChartsAway, match="401"):
            charts.answer(question)
        charts.close()
        with following(outside(book, texts["right"]), book) as follower:
            reached(follower, seq)
        charts = open_charts(store_of(texts["right"], tmp_path))
        until("the chart has them", lambda: len(charts.answer(question)[0]) == 10)
        charts.close()


def test_influxdb_sets_aside_what_it_finds_ill_typed(book: Book, tmp_path: Path) -> None:
    server = Influx(tmp_path / "influx")
    with served(server):
        server.ask("CREATE RETENTION POLICY short ON anju DURATION 1h REPLICATION 1 DEFAULT")
        server.ask("CREATE RETENTION POLICY long ON anju DURATION INF REPLICATION 1 DEFAULT")
        ill_typed(server)
        for n in range(20):
            seq = book.commit(said("watch", NOON + n * SECOND, heart_rate=n, steps=n))
        with following(outside(book, server.settings()), book) as follower:
            reached(follower, seq)
            assert follower.followed(book.now).refused == 20
        assert server.rows("heart_rate") == {WATCH: meant(20)}
        assert "field type conflict" in read_refused(path_of(book.data, "influx"), 1)[0].reason
        seq = book.say("watch", NOON - timedelta(days=400), heart_rate=1)
        with following(outside(book, server.settings("short", retention_policy="short")), book) as follower:
            reached(follower, seq)
            assert follower.followed(book.now).refused >= 1, "older than an hour"
        with following(outside(book, server.settings("wrong", retention_policy="none")), book) as follower:
            until("it is said", lambda: follower.problem is not None)
            assert follower.problem is not None
            assert "retention policy not found" in follower.problem.en


def ill_typed(server: Influx) -> None:
    """Somebody else's writer was there first."""
    import httpx

    body = f'steps,home={HOME},device=watch value="many" 1795320000000'
    into = {"db": "anju", "precision": "ms"}
    assert httpx.post(f"{server.url}/write", params=into, content=body, trust_env=False, timeout=PATIENCE_S).status_code == 204


def test_a_database_that_is_not_there_is_waited_for(book: Book, tmp_path: Path) -> None:
    server = Influx(tmp_path / "influx")
    with served(server):
        server.ask("DROP DATABASE anju")
        seq = readings(book, 3)
        with following(outside(book, server.settings()), book) as follower:
            until("it is said", lambda: follower.problem is not None)
            assert follower.problem is not None
            assert 'database not found: "anju"' in follower.problem.en
            server.ask("CREATE DATABASE anju")
            reached(follower, seq)


def test_one_absurd_value_blurs_nothing_in_victoriametrics(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would: samples of a series share one exponent there."""
    monkeypatch.setattr(VictoriaMetrics, "forgets_s", 0.0)
    server = Victoria(tmp_path / "vm")
    with served(server):
        readings(book, 5)
        book.say("watch", NOON + 5 * SECOND, heart_rate=1e29)
        seq = readings(book, 5, begin=6)
        with following(outside(book, server.settings()), book) as follower:
            reached(follower, seq)
            assert follower.followed(book.now).refused == 1
        until("all others are there", lambda: server.rows("heart_rate") == {WATCH: meant(5) + meant(5, begin=6)})
    [kept] = read_refused(path_of(book.data, "vm"), 10)
    assert "value=1e+29" in kept.line
