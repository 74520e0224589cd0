"""Six words and digit groups: the same on both sides, different for the smallest difference."""

import hashlib
import re

from hypothesis import given
from hypothesis import strategies as st

from tansiq.formats.spoken import common_hash, digit_groups, six_words, word_list

LIST_SHA256 = "40a47bbfbf58d79d80e491af5b64b8e625bed27783f829e0d26084c07f944236"


_TAKEN = """
one two three four five six seven eight nine zero north south east west left right
yes stop climb descend hold cancel confirm agree approve deny reject abort alarm alert
attack target weapon bomb fire crash danger emergency mayday
"""


def test_the_list_is_2048_short_words_that_stay_as_they_are() -> None:
    """Another list would make two versions show different words for the same two nodes."""
    words = word_list()
    assert len(set(words)) == 2_048
    assert list(words) == sorted(words)
    assert all(re.fullmatch("[a-z]{3,8}", word) for word in words)
    assert hashlib.sha256(("\n".join(words) + "\n").encode()).hexdigest() == LIST_SHA256


def test_no_word_means_something_else_on_a_line_between_desks() -> None:
    """Not numbers, directions, answers, orders, alarms or weapons."""
    assert not {*word_list()} & {*re.findall("[a-z]+", _TAKEN)}


def test_the_first_66_bits_are_what_is_said() -> None:
    words = word_list()
    assert six_words(bytes(32)) == (words[0],) * 6
    assert six_words(b"\xff" * 32) == (words[-1],) * 6
    one = (1 << 190).to_bytes(32, "big")  # The 66th bit.
    assert six_words(one) == (*(words[0],) * 5, words[1])
    assert digit_groups(one) == ("0000", "0000", "0000", "0000", "0001")
    unseen = (1 << 189).to_bytes(32, "big")
    assert six_words(unseen) == six_words(bytes(32))
    assert digit_groups(b"\xff" * 32) == ("7378", "6976", "2948", "3820", "6463")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_words_and_digits_say_the_same(a: bytes, b: bytes) -> None:
    assert (six_words(a) == six_words(b)) is (digit_groups(a) == digit_groups(b))
    index = {word: n for n, word in enumerate(word_list())}
    value = 0
    for word in six_words(a):
        value = value << 11 | index[word]
    assert f"{value:020}" == "".join(digit_groups(a))


def test_digits_are_those_of_the_language() -> None:
    digest = hashlib.sha256(b"x").digest()
    plain = digit_groups(digest)
    assert digit_groups(digest, "de") == plain
    for language in ("ar", "fa-AF", "ur", "hi", "bn", "my"):
        groups = digit_groups(digest, language)
        assert groups != plain
        assert tuple(str(int(group)).zfill(4) for group in groups) == plain


@given(st.lists(st.binary(max_size=40), min_size=2, max_size=3, unique=True))
def test_both_sides_hash_the_same(identities: list[bytes]) -> None:
    assert common_hash(identities) == common_hash(identities[::-1])
    for n in range(len(identities)):
        other = [*identities]
        other[n] += b"\0"
        assert common_hash(other) != common_hash(identities)


def test_no_byte_passes_from_one_side_to_the_other() -> None:
    assert common_hash([b"ab", b"c"]) != common_hash([b"a", b"bc"])
