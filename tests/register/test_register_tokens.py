"""Ids and OVNs are well-formed, never repeated, and as random as their source."""

import re
from uuid import UUID

from tansiq.services.register.tokens import Tokens


def test_ids_and_ovns_are_well_formed_and_differ() -> None:
    tokens = Tokens()
    ids = {tokens.new_id() for _ in range(2_000)}
    ovns = {tokens.new_ovn() for _ in range(2_000)}
    assert len(ids) == len(ovns) == 2_000
    assert all(UUID(text).version == 4 and str(UUID(text)) == text for text in ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", text) for text in ovns)


def test_every_bit_comes_from_the_source_once() -> None:
    drawn: list[int] = []

    def counted(count: int) -> bytes:
        drawn.append(count)
        return bytes([len(drawn)]) * count

    tokens = Tokens(counted)
    assert tokens.new_id() == "01010101-0101-4101-8101-010101010101"
    for _ in range(200):
        tokens.new_ovn()
    assert len(drawn) == 2
    assert tokens.new_id().startswith("02")
