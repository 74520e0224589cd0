"""Every single bit of a bundle, of an agreement and of a checkpoint counts.

A changed bit is detected where the bundle cannot be read any more, or is found to be wrong. The
sample has every part: notes of three parties, receipts, an exchange, an own note, anchors, hashes,
withheld payloads. The second half plays a dishonest exporter, who changes a bit and signs again.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from random import Random

import pytest
from evidence_world import agreement_file, sample
from stations import key_of

from tansiq.errors import TansiqError
from tansiq.formats import signed_note
from tansiq.formats.bundle import read_bundle
from tansiq.formats.checkpoint import open_checkpoint
from tansiq.formats.evidence import verify_bundle
from tansiq.formats.signed_note import NameOf, SignatureType, verifier_key

SAMPLED = 8_000
SEED = 20261128


@lru_cache(maxsize=1)
def bundle() -> bytes:
    return sample("north", party="south")


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def detected(data: bytes, agreement: bytes | None = None) -> bool:
    try:
        return not verify_bundle(data, agreement=agreement).verified
    except TansiqError:
        return True


def missed(data: bytes, bits: Iterator[int] | range) -> list[int]:
    return [bit for bit in bits if not detected(flipped(data, bit))]


def test_the_sample_is_good_and_has_every_part() -> None:
    found = verify_bundle(bundle(), agreement=agreement_file())
    assert found.verified, found.findings
    contents = read_bundle(bundle()).contents
    assert contents.anchors
    assert contents.hashes
    assert contents.left_out
    assert {entry.kind for entry in contents.entries} == {"note", "exchange"}
    assert any(entry.got for entry in contents.entries)
    assert {note.kind for note in found.notes} >= {"notice", "receipt", "answer", "stop", "gap"}


def test_a_changed_bit_of_a_bundle_is_detected() -> None:
    whole = len(bundle()) * 8
    bits = sorted(Random(SEED).sample(range(whole), SAMPLED))
    assert missed(bundle(), iter(bits)) == []


@pytest.mark.soak
def test_every_changed_bit_of_a_bundle_is_detected() -> None:
    assert missed(bundle(), range(len(bundle()) * 8)) == []


def test_every_changed_bit_of_an_agreement_is_detected() -> None:
    """One in each byte; all of them with all bits of the bundle, for it is in there."""
    file, random = agreement_file(), Random(SEED)
    assert not detected(bundle(), file)
    bits = [at * 8 + random.randrange(8) for at in range(len(file))]
    assert all(detected(bundle(), flipped(file, bit)) for bit in bits)


def test_every_changed_bit_of_a_checkpoint_is_detected() -> None:
    log = verifier_key(NameOf.LOG.by("north"), key_of("north"))
    witness = verifier_key(NameOf.WITNESS.by("east"), key_of("east"), SignatureType.COSIGNATURE)
    data = read_bundle(bundle()).contents.checkpoint
    good = open_checkpoint(data, log, [witness])
    assert good.cosignatures

    def is_the_same(changed: bytes) -> bool:
        try:
            found = open_checkpoint(changed, log, [witness])
        except TansiqError:
            return False
        return (found.checkpoint, found.cosignatures) == (good.checkpoint, good.cosignatures)

    others = data.rpartition("— south".encode())[0] or data
    assert is_the_same(others)
    assert not any(is_the_same(flipped(others, bit)) for bit in range(len(others) * 8))


# A dishonest exporter


def signed_again(text: str) -> bytes:
    return signed_note.sign(text, name="north/bundle", key=key_of("north"))


def texts_of(value: object) -> Iterator[str]:
    """Yield every text that is proven by somebody else than who exports, or by the tree."""
    document = json.loads(str(value))
    yield document["agreement"]
    yield document["checkpoint"]
    yield from (party["public_key"] for party in document["parties"])
    yield from document["hashes"]
    for anchor in document["anchors"]:
        yield anchor["checkpoint"]
        yield from anchor["proof"]
    for entry in document["entries"]:
        yield entry["text"]
        yield from (entry[key] for key in ("salt", "payload") if key in entry)


def forged(text: str, part: str, bit: int) -> bytes | None:
    """Return the bundle with one bit of a part changed, signed again; None: no text any more."""
    try:
        changed = flipped(part.encode(), bit).decode()
        old, new = (json.dumps(each, ensure_ascii=False) for each in (part, changed))
        return signed_again(text.replace(old, new, 1))
    except (UnicodeDecodeError, TansiqError):
        return None


def test_who_signs_again_after_a_change_is_found_out() -> None:
    """The exporter's own signature is worth nothing for what others signed."""
    random, text = Random(SEED), read_bundle(bundle()).signed.text
    assert not detected(signed_again(text))
    document = text.rstrip("\n").rpartition("\n")[2]
    tried = 0
    for part in texts_of(document):
        for bit in random.sample(range(len(part.encode()) * 8), 24):
            data = forged(text, part, bit)
            if data is not None:
                tried += 1
                assert detected(data), (part, bit)
    assert tried > 800


def test_an_entry_cannot_be_moved_left_out_unseen_or_doubled() -> None:
    text = read_bundle(bundle()).signed.text
    head, _, line = text.rstrip("\n").rpartition("\n")
    document = json.loads(line)
    entries = document["entries"]

    def again(changed: list[object]) -> bytes:
        told = json.dumps(
            document | {"entries": changed}, ensure_ascii=False, separators=(",", ":")
        )
        counted = head.replace(f"entries: {len(entries)}", f"entries: {len(changed)}")
        return signed_again(f"{counted}\n{told}\n")

    assert not detected(again(entries))
    for place in range(len(entries)):
        assert detected(again(entries[:place] + entries[place + 1 :])), place
        assert detected(again([*entries[:place], entries[place], *entries[place:]])), place
        moved = entries[place] | {"index": entries[place]["index"] + 1}
        assert detected(again([*entries[:place], moved, *entries[place + 1 :]])), place
