"""Checkpoints, cosignatures, proof files and what a witness is handed."""

import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tansiq.domain.merkle import (
    EMPTY_ROOT,
    PROOF_HASHES_MAX,
    SIZE_MAX,
    Frontier,
    inclusion_proof,
    leaf_hash,
    node_hash,
)
from tansiq.errors import BadInput, BadSignature, ProofFailed, TansiqError, TooLarge
from tansiq.formats.checkpoint import (
    CHECKPOINT_BYTES_MAX,
    PROOF_BYTES_MAX,
    AddCheckpoint,
    Checkpoint,
    LogProof,
    check_cosignature,
    cosign,
    open_checkpoint,
    parse_add_checkpoint,
    parse_checkpoint,
    parse_proof,
    sign_checkpoint,
    verify_proof,
)
from tansiq.formats.signed_note import (
    Signature,
    SignatureType,
    SignedNote,
    parse,
    sign,
    signature_of,
    verifier_key,
    verify,
)

NORTH = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
SOUTH = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
LOG = verifier_key("north/log", NORTH)
WITNESS = verifier_key("south/witness", SOUTH, SignatureType.COSIGNATURE)

# The examples of c2sp.org/tlog-checkpoint, tlog-cosignature and tlog-witness.
PUBLISHED = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""
COSIGNED = f"""{PUBLISHED}
— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""  # noqa: E501 - as published
HANDED = f"""old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

{COSIGNED}"""


def checkpoint(count: int = 5) -> Checkpoint:
    tree = Frontier()
    for number in range(count):
        tree = tree.append(leaf_hash(entry(number)))
    return Checkpoint(origin="north/log", size=count, root=tree.root())


def entry(number: int) -> bytes:
    return b"entry %d" % number


def read(level: int, index: int) -> bytes:
    if level == 0:
        return leaf_hash(entry(index))
    return node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))


def cosigned(of: Checkpoint, time_s: int = 1_700_000_000) -> bytes:
    line = cosign(of.text(), name="south/witness", key=SOUTH, time_s=time_s).line()
    return sign_checkpoint(of, NORTH) + line.encode()


def proof(index: int = 3, count: int = 5) -> LogProof:
    return LogProof(
        index=index,
        hashes=inclusion_proof(index, count, read),
        checkpoint=cosigned(checkpoint(count)),
    )


def test_published_examples_are_read_and_written_back() -> None:
    note = parse(COSIGNED.encode())
    found = parse_checkpoint(note.text)
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20852163)
    assert found.text() == PUBLISHED
    assert note.encode().decode() == COSIGNED
    stamp = note.signatures[1].data
    assert (int.from_bytes(stamp[:8]), len(stamp)) == (1679315147, 72)
    handed = parse_add_checkpoint(HANDED.encode())
    assert (handed.old_size, len(handed.hashes)) == (20852014, 4)
    assert handed.encode().decode() == HANDED


def test_what_a_cosignature_signs_is_the_published_text() -> None:
    line = cosign(PUBLISHED, name="w", key=SOUTH, time_s=1679315147)
    told = f"cosignature/v1\ntime 1679315147\n{PUBLISHED}"
    SOUTH.public_key().verify(line.data[8:], told.encode())


def test_a_checkpoint_is_opened_with_its_cosignatures() -> None:
    opened = open_checkpoint(cosigned(checkpoint()), LOG, [WITNESS])
    assert opened.checkpoint == checkpoint()
    assert [(each.name, each.time_s) for each in opened.cosignatures] == [
        ("south/witness", 1_700_000_000)
    ]
    assert open_checkpoint(cosigned(checkpoint()), LOG).cosignatures == ()


def test_extension_lines_are_signed_and_kept() -> None:
    extended = Checkpoint(origin="north/log", size=0, root=EMPTY_ROOT, extensions=("more",))
    assert open_checkpoint(sign_checkpoint(extended, NORTH), LOG).checkpoint == extended


def test_a_cosignature_alone_is_not_the_logs_word() -> None:
    line = cosign(checkpoint().text(), name="south/witness", key=SOUTH, time_s=1)
    with pytest.raises(BadSignature, match="not signed by north/log"):
        open_checkpoint(f"{checkpoint().text()}\n{line.line()}".encode(), LOG, [WITNESS])


def test_a_checkpoint_of_another_origin_is_not_taken() -> None:
    other = Checkpoint(origin="east/log", size=0, root=EMPTY_ROOT)
    with pytest.raises(BadInput, match="east/log"):
        open_checkpoint(sign(other.text(), name="north/log", key=NORTH), LOG)
    with pytest.raises(BadSignature):
        open_checkpoint(sign_checkpoint(other, NORTH), LOG)


def relabelled(text: str, data: bytes) -> bytes:
    """Write a signature of the log's key under the log's name, whatever it was made for."""
    return SignedNote(text, (Signature(LOG.name, LOG.key_id, data),)).encode()


@pytest.mark.parametrize(
    "text",
    [
        f"tansiq/notice@v1\n5\n{base64.b64encode(bytes(32)).decode()}\n",
        f"tansiq/bundle@v1\n5\n{base64.b64encode(bytes(32)).decode()}\n",
    ],
)
def test_what_the_key_signed_for_another_use_is_no_checkpoint(text: str) -> None:
    """Names are not signed: it is the first line that keeps a note from being a checkpoint."""
    made = signature_of(text, name="north", key=NORTH)
    with pytest.raises(BadInput, match="not of north/log"):
        open_checkpoint(relabelled(text, made.data), LOG)


def test_what_the_key_cosigned_is_no_checkpoint() -> None:
    made = cosign(checkpoint().text(), name="north/witness", key=NORTH, time_s=5)
    text = f"cosignature/v1\ntime 5\n{checkpoint().text()}"
    verify(parse(relabelled(text, made.data[8:])), [LOG])  # So far it holds.
    with pytest.raises(BadInput):
        open_checkpoint(relabelled(text, made.data[8:]), LOG)


def test_cosignatures_are_checked_one_by_one() -> None:
    text = checkpoint().text()
    given = cosign(text, name="south/witness", key=SOUTH, time_s=77)
    assert check_cosignature(text, given, WITNESS).time_s == 77
    with pytest.raises(BadSignature):
        check_cosignature(text, cosign(text, name="south/witness", key=NORTH, time_s=77), WITNESS)
    with pytest.raises(BadSignature):
        check_cosignature(checkpoint(4).text(), given, WITNESS)
    with pytest.raises(BadSignature, match="not a cosignature"):
        check_cosignature(text, given, verifier_key("south/witness", SOUTH))


ROOT_LINE = base64.b64encode(checkpoint().root).decode()
MALFORMED = {
    "no lines": "\n",
    "no newline": f"north/log\n5\n{ROOT_LINE}",
    "two lines": "north/log\n5\n",
    "no origin": f"\n5\n{ROOT_LINE}\n",
    "leading zero": f"north/log\n05\n{ROOT_LINE}\n",
    "sign": f"north/log\n+5\n{ROOT_LINE}\n",
    "minus": f"north/log\n-5\n{ROOT_LINE}\n",
    "space": f"north/log\n 5\n{ROOT_LINE}\n",
    "other digits": f"north/log\n٥\n{ROOT_LINE}\n",
    "underscore": f"north/log\n1_0\n{ROOT_LINE}\n",
    "hexadecimal": f"north/log\n0x5\n{ROOT_LINE}\n",
    "no size": f"north/log\n\n{ROOT_LINE}\n",
    "size above the limit": f"north/log\n{SIZE_MAX + 1}\n{ROOT_LINE}\n",
    "size of 40 digits": f"north/log\n{'9' * 40}\n{ROOT_LINE}\n",
    "short root": f"north/log\n5\n{ROOT_LINE[:40]}\n",
    "long root": f"north/log\n5\nAAAA{ROOT_LINE}\n",
    "root not canonical": f"north/log\n5\n{ROOT_LINE.rstrip('=')}\n",
    "root with entries of an empty log": f"north/log\n0\n{ROOT_LINE}\n",
    "empty extension": f"north/log\n5\n{ROOT_LINE}\n\nmore\n",
    "empty line at the end": f"north/log\n5\n{ROOT_LINE}\n\n",
    "carriage returns": f"north/log\r\n5\r\n{ROOT_LINE}\r\n",
}


@pytest.mark.parametrize("specimen", MALFORMED)
def test_malformed_checkpoints_are_refused(specimen: str) -> None:
    with pytest.raises(BadInput):
        parse_checkpoint(MALFORMED[specimen])


@pytest.mark.parametrize(
    "values",
    [
        {"origin": ""},
        {"origin": "a\nb"},
        {"size": -1},
        {"size": SIZE_MAX + 1},
        {"root": b""},
        {"size": 0, "root": bytes(32)},
        {"extensions": ("",)},
    ],
)
def test_checkpoints_that_cannot_be(values: dict[str, object]) -> None:
    good: dict[str, object] = {"origin": "north/log", "size": 5, "root": bytes(32)}
    with pytest.raises(BadInput):
        Checkpoint(**(good | values))  # type: ignore[arg-type]


def test_the_largest_size_is_read() -> None:
    assert parse_checkpoint(f"north/log\n{SIZE_MAX}\n{ROOT_LINE}\n").size == SIZE_MAX


# Proof files


@pytest.mark.parametrize("extra", [None, b"anything \x00 at all"])
def test_a_proof_is_read_back_and_holds(extra: bytes | None) -> None:
    made = LogProof(index=3, hashes=proof().hashes, checkpoint=proof().checkpoint, extra=extra)
    found = parse_proof(made.encode())
    assert found == made
    assert found.encode() == made.encode()
    opened = verify_proof(found, entry(3), LOG, [WITNESS])
    assert opened.checkpoint.size == 5
    assert [each.name for each in opened.cosignatures] == ["south/witness"]


def test_the_file_is_spelt_as_specified() -> None:
    lines = proof().encode().decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 3"]
    assert lines[2:5] == [base64.b64encode(each).decode() for each in proof().hashes]
    assert lines[5:8] == ["", "north/log", "5"]


def test_the_only_entry_needs_no_hashes() -> None:
    made = proof(0, 1)
    assert parse_proof(made.encode()) == made
    verify_proof(made, entry(0), LOG)


def test_a_proof_of_another_entry_or_place_or_log_fails() -> None:
    with pytest.raises(ProofFailed):
        verify_proof(proof(), entry(2), LOG)
    elsewhere = LogProof(index=2, hashes=proof().hashes, checkpoint=proof().checkpoint)
    with pytest.raises(ProofFailed):
        verify_proof(elsewhere, entry(3), LOG)
    with pytest.raises(BadSignature):
        verify_proof(proof(), entry(3), verifier_key("north/log", SOUTH))


def cosigned_proof(data: bytes) -> None:
    opened = verify_proof(parse_proof(data), entry(3), LOG, [WITNESS])
    # A changed name makes the witness an unknown one, whom nobody counts.
    if not opened.cosignatures:
        raise BadSignature("not cosigned")


def test_no_bit_of_a_proof_file_can_change() -> None:
    data = proof().encode()
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(TansiqError):
            cosigned_proof(bytes(changed))


HEAD = "c2sp.org/tlog-proof@v1\n"
HASH = base64.b64encode(bytes(32)).decode()
BAD_PROOFS = {
    "empty": "",
    "head alone": HEAD,
    "other version": "c2sp.org/tlog-proof@v2\nindex 0\n\nx",
    "no index": f"{HEAD}{HASH}\n\nx",
    "index twice": f"{HEAD}index 0\nindex 0\n\nx",
    "leading zero": f"{HEAD}index 00\n\nx",
    "no number": f"{HEAD}index \n\nx",
    "two spaces": f"{HEAD}index  0\n\nx",
    "index above the limit": f"{HEAD}index {SIZE_MAX + 1}\n\nx",
    "empty extra": f"{HEAD}extra \nindex 0\n\nx",
    "extra not base64": f"{HEAD}extra !\nindex 0\n\nx",
    "extra behind the index": f"{HEAD}index 0\nextra AAAA\n\nx",
    "short hash": f"{HEAD}index 0\nAAAA\n\nx",
    "hash not canonical": f"{HEAD}index 0\n{HASH.rstrip('=')}\n\nx",
    "no checkpoint": f"{HEAD}index 0\n{HASH}\n",
    "too many hashes": HEAD + "index 0\n" + f"{HASH}\n" * (PROOF_HASHES_MAX + 1) + "\nx",
    "not ASCII": f"{HEAD}index ٥\n\nx",
    "carriage returns": f"{HEAD}index 0\n\nx".replace("\n", "\r\n"),
}


@pytest.mark.parametrize("specimen", BAD_PROOFS)
def test_malformed_proofs_are_refused(specimen: str) -> None:
    with pytest.raises(BadInput):
        parse_proof(BAD_PROOFS[specimen].encode())


BAD_BODIES = {
    "empty": "",
    "no old": f"{HASH}\n\nx",
    "old without number": "old\n\nx",
    "leading zero": "old 01\n\nx",
    "negative": "old -1\n\nx",
    "short hash": "old 1\nAAAA\n\nx",
    "too many hashes": "old 1\n" + f"{HASH}\n" * (PROOF_HASHES_MAX + 1) + "\nx",
    "no checkpoint": "old 1\n",
}


@pytest.mark.parametrize("specimen", BAD_BODIES)
def test_malformed_bodies_are_refused(specimen: str) -> None:
    with pytest.raises(BadInput):
        parse_add_checkpoint(BAD_BODIES[specimen].encode())


def test_what_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLarge):
        open_checkpoint(b"x" * (CHECKPOINT_BYTES_MAX + 1), LOG)
    for reads in (parse_proof, parse_add_checkpoint):
        with pytest.raises(TooLarge):
            reads(b"x" * (PROOF_BYTES_MAX + 1))


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode()))
def test_whatever_comes_is_refused_by_an_error_of_ours(data: bytes) -> None:
    for reads in (parse_proof, parse_add_checkpoint, parse):
        with pytest.raises(TansiqError):
            reads(data)
    for head in (b"old 0\n\n", HEAD.encode() + b"index 0\n\n"):
        reads = parse_proof if head.startswith(b"c2sp") else parse_add_checkpoint
        with suppress(TansiqError):
            assert reads(head + data).checkpoint == data
        with pytest.raises(TansiqError):
            open_checkpoint(data, LOG)


def test_a_body_from_nothing_has_no_hashes() -> None:
    made = AddCheckpoint(old_size=0, hashes=(), checkpoint=cosigned(checkpoint()))
    assert parse_add_checkpoint(made.encode()) == made
