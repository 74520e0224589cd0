"""Signed notes: published vectors, a museum of malformed ones, and keys that prove nothing.

The vectors of the two keys PeterNeumann and EnochRoot, and what is malformed about the first
specimens, are those of golang.org/x/mod/sumdb/note, which the specification describes.
"""

import base64
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from tansiq.errors import BadInput, BadSignature, TansiqError, TooLarge
from tansiq.formats.signed_note import (
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    NameOf,
    Signature,
    SignatureType,
    SignedNote,
    VerifierKey,
    decode_vkey,
    parse,
    sign,
    signature_of,
    verifier_key,
    verify,
)

TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH_VKEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotp"
    "RZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33"
    "WWd1RvMc+QQ=\n"
)
PETER, ENOCH = decode_vkey(PETER_VKEY), decode_vkey(ENOCH_VKEY)
BOTH = f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}".encode()
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


def note(*lines: str, text: str = TEXT) -> bytes:
    return f"{text}\n{''.join(lines)}".encode()


# Vectors


def test_the_published_note_verifies_and_is_signed_the_same() -> None:
    read = parse(note(PETER_LINE))
    assert read.text == TEXT
    assert [each.name for each in verify(read, [PETER])] == ["PeterNeumann"]
    key = Ed25519PrivateKey.from_private_bytes(PETER_SEED)
    assert sign(TEXT, name="PeterNeumann", key=key) == note(PETER_LINE)
    assert verifier_key("PeterNeumann", key) == PETER


def test_keys_are_written_as_they_were_read() -> None:
    for vkey in (PETER_VKEY, ENOCH_VKEY):
        assert decode_vkey(vkey).encode() == vkey


def test_known_keys_count_and_unknown_ones_are_passed_over() -> None:
    read = parse(BOTH)
    assert [each.name for each in verify(read, [PETER])] == ["PeterNeumann"]
    assert [each.name for each in verify(read, [ENOCH, PETER])] == ["PeterNeumann", "EnochRoot"]
    with pytest.raises(BadSignature, match="none by a known key"):
        verify(read, [])
    with pytest.raises(BadSignature, match="none by a known key"):
        verify(read, [verifier_key("PeterNeumann", KEY)])
    assert read.encode() == BOTH


def test_a_bad_signature_of_a_known_key_fails_the_note_whoever_else_signed() -> None:
    spoilt = ENOCH_LINE.replace("zmZa0", "zmZa1")
    read = parse(note(PETER_LINE, spoilt))
    verify(read, [PETER])
    with pytest.raises(BadSignature, match="EnochRoot"):
        verify(read, [PETER, ENOCH])


def test_a_key_under_another_name_or_id_is_another_key() -> None:
    renamed = PETER_LINE.replace("PeterNeumann", "CarmenSandiego")
    other_id = PETER_LINE.replace("x08g", "xxxx")
    for line in (renamed, other_id):
        with pytest.raises(BadSignature, match="none by a known key"):
            verify(parse(note(line)), [PETER])


def test_every_part_of_a_key_counts() -> None:
    """Of all its substrings and all its neighbours, only the vkey itself is one."""
    size = len(PETER_VKEY)
    parts = [PETER_VKEY[i:j] for i in range(size) for j in range(i + 1, size + 1)]
    changed = [
        PETER_VKEY[:i] + chr(ord(PETER_VKEY[i]) + 1) + PETER_VKEY[i + 1 :] for i in range(size)
    ]
    for text in {*parts, *changed} - {PETER_VKEY}:
        with pytest.raises(BadInput):
            decode_vkey(text)


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER_VKEY.replace("c74f20a3", "C74F20A3"),
        "",
        "++",
    ],
    ids=["long key", "unknown type", "upper case", "empty", "nothing between"],
)
def test_other_keys_are_refused(vkey: str) -> None:
    with pytest.raises(BadInput):
        decode_vkey(vkey)


# The museum

LONG = base64.b64encode(b"abcd" + bytes(3_000)).decode()
MALFORMED: dict[str, bytes | Callable[[], bytes]] = {
    "no signature": TEXT.encode(),
    "no signature line": note(),
    "no newline at the end": note(PETER_LINE[:-1]),
    "control character": note(PETER_LINE, text="\x01" + TEXT),
    "carriage return": note(PETER_LINE, text=TEXT.replace("\n", "\r\n")),
    "tabulator": note(PETER_LINE, text="\t" + TEXT),
    "delete": note(PETER_LINE, text="\x7f" + TEXT),
    "control sequence of a terminal": note(PETER_LINE, text="\x9b31m" + TEXT),
    "not UTF-8": b"\xff" + note(PETER_LINE),
    "overlong UTF-8": b"\xc0\xaf" + note(PETER_LINE),
    "half a surrogate pair": b"\xed\xa0\x80" + note(PETER_LINE),
    "name with a space": note("— Bad Name" + PETER_LINE[14:]),
    "name with a no-break space": note("— Bad\u00a0Name" + PETER_LINE[14:]),
    "name with an ideographic space": note("— Bad\u3000Name" + PETER_LINE[14:]),
    "name with a plus": note("— Bad+Name" + PETER_LINE[14:]),
    "no name": note("— " + PETER_LINE[14:]),
    "name too long": note(f"— {'n' * 256} {LONG}\n"),
    "line after the signatures": note(PETER_LINE, "Unexpected line.\n"),
    "line between the signatures": note(PETER_LINE, "Unexpected line.\n", ENOCH_LINE),
    "empty line after the signatures": note(PETER_LINE, "\n"),
    "hyphen for the dash": note("- " + PETER_LINE[2:]),
    "en dash for the dash": note("– " + PETER_LINE[2:]),
    "no space after the dash": note("—" + PETER_LINE[2:]),
    "two spaces": note(PETER_LINE.replace("n x", "n  x")),
    "space at the end": note(PETER_LINE[:-1] + " \n"),
    "no padding": note(PETER_LINE.replace("=", "")),
    "too much padding": note(PETER_LINE.replace("=", "==")),
    "stray bits": note(PETER_LINE.replace("AM=", "AN=")),
    "alphabet of URLs": note(PETER_LINE.replace("/", "_")),
    "not base64": note("— PeterNeumann !!!!\n"),
    "key id alone": note("— PeterNeumann x08gow==\n"),
    "shorter than a key id": note("— PeterNeumann x08g\n"),
    "no base64": note("— PeterNeumann \n"),
    "the same signature twice": note(PETER_LINE, PETER_LINE),
    "two signatures of one key": note(PETER_LINE, PETER_LINE.replace("ZJkuB", "ZJkuC")),
    "empty text": note(PETER_LINE, text="\n"),
    "no text": ("\n" + PETER_LINE).encode(),
    "empty line at the end of the text": note(PETER_LINE, text=TEXT + "\n"),
    "nothing": b"",
    "newlines": b"\n\n\n",
    "too many signatures": lambda: note(
        *(f"— n{i} {LONG[:8]}\n" for i in range(SIGNATURES_MAX + 1))
    ),
    "too long": lambda: note(PETER_LINE, text="a" * NOTE_BYTES_MAX + "\n"),
}


@pytest.mark.parametrize("specimen", MALFORMED, ids=str)
def test_malformed_notes_are_refused(specimen: str) -> None:
    made = MALFORMED[specimen]
    with pytest.raises(TooLarge if specimen == "too long" else BadInput):
        parse(made if isinstance(made, bytes) else made())


def test_limits_are_met_exactly() -> None:
    lines = [f"— n{i} {LONG[:8]}\n" for i in range(SIGNATURES_MAX)]
    assert len(parse(note(*lines)).signatures) == SIGNATURES_MAX
    rest = len(note(PETER_LINE, text="\n"))
    longest = note(PETER_LINE, text="a" * (NOTE_BYTES_MAX - rest) + "\n")
    assert len(longest) == NOTE_BYTES_MAX
    assert parse(longest).encode() == longest


def test_signatures_of_other_schemes_are_kept_as_they_are() -> None:
    """Post-quantum ones are long; empty lines may stand within a text."""
    data = note(PETER_LINE, f"— quantum.example {LONG}\n", text="a\n\n\nb\n")
    assert parse(data).encode() == data


@pytest.mark.parametrize("text", ["", "a", "\n", "a\n\n", "a\r\n", "\x00\n", "\ud800\n"])
def test_what_cannot_be_a_text_is_not_signed(text: str) -> None:
    with pytest.raises(BadInput):
        sign(text, name="north", key=KEY)


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\n", "a\u2028b", "a\x85", "n" * 256, "\ud800"]
)
def test_what_cannot_be_a_name_does_not_sign(name: str) -> None:
    with pytest.raises(BadInput):
        sign(TEXT, name=name, key=KEY)


texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1).map(lambda t: t + "\n")
names = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp"), exclude_characters="+"),
    min_size=1,
    max_size=20,
)


@given(texts, names)
def test_what_is_signed_is_read_and_verified(text: str, name: str) -> None:
    data = sign(text, name=name, key=KEY)
    read = parse(data)
    assert (read.text, read.encode()) == (text, data)
    verify(read, [verifier_key(name, KEY)])


def test_no_bit_of_a_signed_note_can_change() -> None:
    data = sign("a text\n", name="north", key=KEY)
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(TansiqError):
            verify(parse(bytes(changed)), [verifier_key("north", KEY)])


def test_a_signature_under_the_name_of_another_use_is_passed_over() -> None:
    """The same key signs notes, checkpoints, cosignatures, bundles and agreements."""
    keys = {use: verifier_key(use.by("north"), KEY) for use in NameOf}
    assert len({(key.name, key.key_id) for key in keys.values()}) == len(NameOf)
    for use in NameOf:
        read = parse(sign(TEXT, name=use.by("north"), key=KEY))
        for other, key in keys.items():
            if other is use:
                verify(read, [key])
            else:
                with pytest.raises(BadSignature):
                    verify(read, [key])


def test_a_name_is_not_signed_so_the_first_line_must_tell_the_use() -> None:
    """What the format cannot do: a signature written under another name of its key still holds."""
    told = signature_of(TEXT, name="north", key=KEY)
    log = verifier_key("north/log", KEY)
    verify(SignedNote(TEXT, (Signature("north/log", log.key_id, told.data),)), [log])


def test_a_cosignature_does_not_pass_for_a_signature_nor_the_other_way() -> None:
    plain = verifier_key("north", KEY)
    timed = verifier_key("north", KEY, SignatureType.COSIGNATURE)
    assert plain.key_id != timed.key_id
    signed = signature_of(TEXT, name="north", key=KEY)
    cosigned = signature_of(TEXT, name="north", key=KEY, time_s=1_000)
    assert timed.verify(TEXT, cosigned.data) == 1_000
    assert plain.verify(TEXT, signed.data) is None
    for key, data in ((plain, cosigned.data), (timed, signed.data), (plain, cosigned.data[8:])):
        with pytest.raises(BadSignature):
            key.verify(TEXT, data)
    # Nor does a note that spells out what a cosignature signs.
    told = f"cosignature/v1\ntime 1000\n{TEXT}"
    forged = Signature("north", timed.key_id, cosigned.data[:8] + signed.data)
    with pytest.raises(BadSignature):
        verify(SignedNote(told, (forged,)), [timed])


# Keys and signatures that prove nothing


ORDER = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
Y8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
SMALL = [y.to_bytes(32, "little") for y in (0, 1, P - 1, Y8, P - Y8)]
SMALL += [(int.from_bytes(y, "little") | 1 << 255).to_bytes(32, "little") for y in SMALL]
HIGH = [(P + y).to_bytes(32, "little") for y in range(19)]


def eight_times(point: bytes) -> tuple[int, int] | None:
    """Return 8 P on the curve of Ed25519; None if it is no point of it."""
    d = -121665 * pow(121666, -1, P) % P
    y = int.from_bytes(point, "little") & (2**255 - 1)
    square = (y * y - 1) * pow(d * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P:
        return None
    for _ in range(3):
        k = d * x * x * y * y % P
        x, y = 2 * x * y * pow(1 + k, -1, P) % P, (y * y + x * x) * pow(1 - k, -1, P) % P
    return x, y


def test_the_points_that_are_refused_are_those_of_small_order() -> None:
    assert all(eight_times(point) == (0, 1) for point in SMALL)
    sound = Ed25519PrivateKey.from_private_bytes(b"s" * 32).public_key().public_bytes_raw()
    assert eight_times(sound) not in (None, (0, 1))


@pytest.mark.parametrize("key", [*SMALL, *HIGH], ids=lambda key: key.hex()[:8] + key.hex()[-2:])
def test_keys_that_prove_nothing_are_refused(key: bytes) -> None:
    with pytest.raises(BadInput, match="small order"):
        VerifierKey("north", key)


def test_why_they_are_refused() -> None:
    """Under the key of order one, the library takes one signature for any text."""
    key = Ed25519PublicKey.from_public_bytes(SMALL[1])
    forged = SMALL[1] + bytes(32)
    for text in (b"one", b"another"):
        key.verify(forged, text)


def test_the_same_signature_has_no_second_spelling() -> None:
    """S plus the group's order is S again; whoever names notes by their bytes cares."""
    good = signature_of(TEXT, name="north", key=KEY).data
    s = int.from_bytes(good[32:], "little")
    with pytest.raises(BadSignature, match="canonical"):
        verifier_key("north", KEY).verify(TEXT, good[:32] + (s + ORDER).to_bytes(32, "little"))
    with pytest.raises(BadSignature, match="canonical"):
        verifier_key("north", KEY).verify(TEXT, SMALL[1] + good[32:])
    with pytest.raises(InvalidSignature):  # The library refuses it as well.
        KEY.public_key().verify(good[:32] + (s + ORDER).to_bytes(32, "little"), TEXT.encode())


@pytest.mark.parametrize("size", [0, 7, 8, 63, 65, 71, 73])
def test_signatures_of_another_length_are_refused(size: int) -> None:
    for kind in SignatureType:
        with pytest.raises(BadSignature):
            verifier_key("north", KEY, kind).verify(TEXT, bytes(size))


@pytest.mark.parametrize("time_s", [-1, 2**63])
def test_times_that_no_cosignature_may_have(time_s: int) -> None:
    with pytest.raises(BadInput):
        signature_of(TEXT, name="north", key=KEY, time_s=time_s)
    timed = verifier_key("north", KEY, SignatureType.COSIGNATURE)
    stamp = (time_s % 2**64).to_bytes(8)
    with pytest.raises(BadSignature):
        timed.verify(TEXT, stamp + bytes(64))
