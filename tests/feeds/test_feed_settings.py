"""``[[feed]]``: what is good is read, what is not is named with the remedy."""

from pathlib import Path

import pytest

from tansiq.errors import BadInput
from tansiq.feed_settings import DATUMS, SCHEMES, FeedKind, FeedSource
from tansiq.settings import read_settings


def read(text: str) -> tuple[FeedSource, ...]:
    return read_settings(Path("/data"), f"party = 'north'\n{text}".encode()).feeds


def entry(**values: object) -> str:
    written = {"name": "roof", "kind": "sbs", "url": "tcp://127.0.0.1:30003"} | values
    lines = [
        f"{key} = {value!r}" if not isinstance(value, bool) else f"{key} = {str(value).lower()}"
        for key, value in written.items()
        if value is not None
    ]
    return "\n".join(["[[feed]]", *lines, ""])


def test_feeds_are_read_in_order_with_their_defaults() -> None:
    feeds = read(
        entry()
        + entry(name="file", kind="aircraft-json", url="file:///run/a%20b.json", interval_s=0.1)
        + entry(name="web", kind="positions", url="https://[::1]:8443/a?b=1", interval_s=3600)
        + entry(name="teams", kind="cot", url="udp://239.2.3.1:6969", interface="192.168.1.5")
        + entry(name="tak", kind="cot", url="tcp://tak.example.org:8088", datum="AMSL")
    )
    assert [feed.name for feed in feeds] == ["roof", "file", "web", "teams", "tak"]
    assert [feed.datum for feed in feeds] == ["FL", "", "", "W84", "AMSL"]
    assert [feed.interval_s for feed in feeds] == [1.0, 0.1, 3600.0, 1.0, 1.0]
    assert feeds[3].interface == "192.168.1.5"
    assert read("") == ()


def test_files_of_tls_start_from_the_data_folder() -> None:
    (feed,) = read(
        entry(
            kind="cot",
            url="tls://tak.example.org:8089",
            authority="tak/ca.pem",
            certificate="/etc/tak/us.pem",
            key="us.key",
            server_name="takserver",
        )
    )
    assert feed.authority == Path("/data/tak/ca.pem")
    assert feed.certificate == Path("/etc/tak/us.pem")
    assert feed.key == Path("/data/us.key")
    assert feed.server_name == "takserver"


def test_every_kind_can_be_reached_somehow_and_every_datum_belongs_to_one() -> None:
    assert set(SCHEMES) == set(FeedKind)
    assert set(DATUMS) <= set(FeedKind)


@pytest.mark.parametrize(
    ("text", "field", "remedy"),
    [
        (entry(name=None), "feed[0].name", "missing"),
        (entry(name="x" * 41), "feed[0].name", "40"),
        (entry() + entry(), "feed[1].name", "choose another"),
        (entry(kind="asterix"), "feed[0].kind", "aircraft-json"),
        (entry(url="tcp://127.0.0.1"), "feed[0].url", "HOST:PORT"),
        (entry(url="tcp://127.0.0.1:0"), "feed[0].url", "no host"),
        (entry(url="tcp://127.0.0.1:65536"), "feed[0].url", "no URL"),
        (entry(url="tcp://127.0.0.1:30003/x"), "feed[0].url", "nothing behind"),
        (entry(url="tcp://:30003"), "feed[0].url", "no host"),
        (entry(url="tcp://[::1:30003"), "feed[0].url", "no URL"),
        (entry(url="udp://127.0.0.1:30003"), "feed[0].url", "tcp:"),
        (entry(url="tcp://user@host:30003"), "feed[0].url", "without a user"),
        (entry(url="tcp://host:30003#x"), "feed[0].url", "without #"),
        (entry(kind="aircraft-json", url="ftp://host/a"), "feed[0].url", "http:"),
        (entry(kind="aircraft-json", url="file:a.json"), "feed[0].url", "whole path"),
        (entry(kind="aircraft-json", url="file://host/a.json"), "feed[0].url", "whole path"),
        (entry(kind="aircraft-json", url="http://"), "feed[0].url", "no host"),
        (entry(kind="cot", url="udp://example.org:6969"), "feed[0].url", "0.0.0.0"),
        (entry(kind="cot", url="udp://[::1]:6969"), "feed[0].url", "0.0.0.0"),
        (entry(interval_s=1), "feed[0].interval_s", "not polled"),
        (
            entry(kind="positions", url="http://h/", interval_s=0.09),
            "feed[0].interval_s",
            "0.1 to 3600",
        ),
        (entry(datum="AGL"), "feed[0].datum", "FL, W84, AMSL"),
        (entry(kind="cot", datum="FL"), "feed[0].datum", "W84, AMSL"),
        (entry(kind="beast", datum="FL"), "feed[0].datum", "leave it out"),
        (entry(interface="127.0.0.1"), "feed[0].interface", "multicast"),
        (
            entry(kind="cot", url="udp://127.0.0.1:6969", interface="127.0.0.1"),
            "feed[0].interface",
            "multicast",
        ),
        (
            entry(kind="cot", url="udp://239.2.3.1:6969", interface="eth0"),
            "feed[0].interface",
            "such as",
        ),
        (entry(kind="cot", url="tls://host"), "feed[0].url", "HOST:PORT"),
        (entry(url="tls://host:30003"), "feed[0].url", "tcp:"),
        (entry(authority="a.pem"), "feed[0].authority", "for tls:"),
        (entry(kind="cot", url="tls://host:1", key="a"), "feed[0].key", "both"),
        (entry(inteval_s=1), "feed[0].inteval_s", "did you mean interval_s"),
        ("feed = 1", "feed", "list"),
        (entry() * 33, "feed", "at most 32"),
    ],
)
def test_what_is_wrong_is_named(text: str, field: str, remedy: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(text)
    assert caught.value.field == field
    assert remedy in caught.value.message
