"""Whole numbers of messages: as large as the interface says, no larger than a store can keep."""

import msgspec
import pytest

from tansiq.errors import BadInput
from tansiq.f3548 import codec, wire

LEAST, MOST = -(2**31), 2**31 - 1


def state(index: int) -> bytes:
    return msgspec.json.encode({"subscription_id": "x", "notification_index": 0}).replace(
        b"0", str(index).encode()
    )


@pytest.mark.parametrize("index", [LEAST, 0, MOST])
def test_numbers_of_32_bits_are_read(index: int) -> None:
    read = codec.decode(state(index), wire.SubscriptionState, bytes_max=5_000)
    assert read.notification_index == index


@pytest.mark.parametrize("index", [LEAST - 1, MOST + 1, 2**63, 2**64, 10**400])
def test_larger_ones_are_refused_with_their_field(index: int) -> None:
    with pytest.raises(BadInput) as caught:
        codec.decode(state(index), wire.SubscriptionState, bytes_max=5_000)
    assert caught.value.field == "notification_index"
