"""The entry of an F3548-21 exchange: one spelling, and nothing from outside makes a line."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.services.exchanges import Said
from tansiq.services.record import exchange_entry

SAID = Said(
    url="https://north.example/dss/v1/operational_intent_references/1",
    method="PUT",
    role="Client",
    source="south",
    asked=1_795_867_200_000_001,
    request=b'{"key": []}',
    answered=1_795_867_201_000_000,
    answer=b"{}",
    code=201,
)


def test_the_text_is_the_specified_one() -> None:
    assert exchange_entry("north", SAID).decode() == (
        "tansiq/exchange@v1\n"
        "role: client\n"
        "peer: north\n"
        "method: PUT\n"
        "url: https://north.example/dss/v1/operational_intent_references/1\n"
        "asked: 2026-11-28T12:00:00.000001Z\n"
        "answered: 2026-11-28T12:00:01.000000Z\n"
        "status: 201\n"
        f"request: {hashlib.sha256(SAID.request).hexdigest()}\n"
        f"response: {hashlib.sha256(b'{}').hexdigest()}\n"
    )


def test_what_was_not_answered_says_nothing_of_an_answer() -> None:
    said = Said(url="u", method="GET", role="Server", source="s", asked=0)
    assert exchange_entry("north", said).decode() == (
        "tansiq/exchange@v1\n"
        "role: server\n"
        "peer: north\n"
        "method: GET\n"
        "url: u\n"
        "asked: 1970-01-01T00:00:00.000000Z\n"
        f"request: {hashlib.sha256(b'').hexdigest()}\n"
    )


@pytest.mark.parametrize("sign", ["\n", "\r", "\x85", "\u2028", "\x00", "\x7f", "\u202e", "\ud800"])
def test_nothing_from_outside_makes_a_line(sign: str) -> None:
    said = Said(url=f"u{sign}status: 200", method="GET", role="Server", source="s", asked=0)
    lines = exchange_entry(f"p{sign}q", said).decode().splitlines()
    assert len(lines) == 7
    assert lines[4].startswith("url: u%")
    assert lines[4].endswith("status: 200")


@given(st.text(), st.text(), st.binary(), st.binary())
def test_any_exchange_has_an_entry_of_ten_lines(
    peer: str, url: str, request: bytes, answer: bytes
) -> None:
    said = Said(
        url=url, method="GET", role="Client", source="", asked=0, request=request, answered=1,
        answer=answer, code=200,
    )  # fmt: skip
    assert len(exchange_entry(peer, said).decode().split("\n")) == 11
