"""How deep a body is nested, against a count by hand; and what strings hide from it."""

import json
from random import Random

import pytest

from tansiq.errors import BadInput, TooLarge
from tansiq.f3548 import codec, wire


def _depth(text: str) -> int:
    """Count by hand, character by character."""
    depth = deepest = 0
    inside = escaped = False
    for character in text:
        if inside:
            inside = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _random_json(random: Random, levels: int) -> object:
    if levels == 0:
        return random.choice(["", "[[", "]]", '"', "\\", '\\"[', "{}}", 1, None])
    below = [_random_json(random, random.randrange(levels)) for _ in range(random.randrange(4))]
    below.append(_random_json(random, levels - 1))
    if random.random() < 0.5:
        return below
    return {f"{'[' * random.randrange(3)}{i}": value for i, value in enumerate(below)}


@pytest.mark.parametrize("seed", range(40))
def test_the_limit_is_kept_to_the_level(seed: int) -> None:
    random = Random(seed)
    print("seed", seed)
    text = json.dumps(_random_json(random, random.randrange(1, 9)))
    depth = _depth(text)
    codec.check_size(text.encode(), bytes_max=10**6, depth_max=depth)
    if text.count("[") + text.count("{") <= depth - 1:
        return
    hidden = _depth(text.replace('"', "").replace("\\", "")) < depth
    try:
        codec.check_size(text.encode(), bytes_max=10**6, depth_max=depth - 1)
    except TooLarge:
        return
    assert hidden, "only brackets in strings may make it look flatter"


@pytest.mark.parametrize("body", [b"[" * 5, b"]" * 5, b"[[]", b"[]]", b'{"a": [', b"}{" * 40])
def test_what_does_not_pair_is_left_to_the_decoder(body: bytes) -> None:
    codec.check_size(body, bytes_max=100, depth_max=6)


def test_what_strings_hide_the_decoder_finds() -> None:
    body = b'{"x":' + b'["]",' * 100_000 + b"1" + b"]" * 100_000 + b"}"
    codec.check_size(body, bytes_max=10**6, depth_max=64)
    with pytest.raises(BadInput):
        codec.decode(body, wire.ErrorResponse, bytes_max=10**6)
