"""Cases for the vectors: signed notes, and public keys that prove nothing."""

import base64
import re
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256, sha512

from vector_parts import DASH, changed, joined, key, key_of, renamed, signature, taken

from tansiq.formats import signed_note
from tansiq.formats.signed_note import NameOf, Signature, SignatureType, VerifierKey

TEXT = "first line\n\nlast line\n"
ORDER = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
Y8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022


def _bytes(data: bytes, name: str) -> dict[str, str]:
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


# Signed notes


def signatures() -> list[dict[str, object]]:
    """Return signed notes, and whose signatures they have if the keys of north and south count."""
    found = []
    for what, given, by in _signed():
        case = signature_case(what, given)
        assert case["by"] == by, (what, case["by"])
        found.append(case)
    return found


def signature_case(what: str, given: str | bytes) -> dict[str, object]:
    data = given if isinstance(given, bytes) else given.encode("utf-8", "surrogatepass")
    by = _signers(data) if taken(what, partial(_signers, data)) else None
    return {"what": what, **_bytes(data, "signed"), "by": by}


def _signers(data: bytes) -> list[str]:
    keys = [key_of("north", NameOf.NOTE), key_of("south", NameOf.NOTE)]
    return [each.name for each in signed_note.verify(signed_note.parse(data), keys)]


_Signed = tuple[str, str | bytes, Sequence[str] | None]


def _signed() -> Iterator[_Signed]:
    north, south, west = signature("north", TEXT), signature("south", TEXT), signature("west", TEXT)
    good = joined(TEXT, north)
    yield "one signature", good, ["north"]
    yield "two of known keys", joined(TEXT, south, north), ["south", "north"]
    yield "one of an unknown key beside", joined(TEXT, west, north), ["north"]
    yield "of an unknown key alone", joined(TEXT, west), None
    yield "none", TEXT + "\n", None
    yield "no empty line", TEXT.replace("\n\n", "\n") + north.line(), None
    yield "the same twice", joined(TEXT, north, north), None
    yield "an unknown one twice", joined(TEXT, north, west, west), None
    yield "a bad one beside a good one", joined(TEXT, north, signature("south", "x\n")), None
    other = changed(signature("south", TEXT), to=b"\0\0\0\0")
    yield "a bad one of another key id beside a good one", joined(TEXT, north, other), ["north"]
    yield "a bad one of another name", joined(TEXT, north, renamed(south, "west")), ["north"]
    yield "another key id", joined(TEXT, changed(north, to=bytes([north.key_id[0] ^ 1]))), None
    yield "another name of the same key", joined(TEXT, renamed(north, "south")), None
    yield "the key id of a cosignature", joined(TEXT, _typed(north)), None
    yield "another text", good.replace("last", "lost"), None
    yield "two names of one key id", joined(TEXT, north, renamed(west, "other"), west), ["north"]
    yield "two key ids of one name", joined(TEXT, north, other_id(north)), ["north"]
    yield "64 signatures", joined(TEXT, *_strangers(63), north), ["north"]
    yield "65 signatures", joined(TEXT, *_strangers(64), north), None
    yield from _spelt(north, good)
    yield from _points(north)
    yield from _named(north)


def _spelt(north: Signature, good: str) -> Iterator[_Signed]:
    line = north.line()
    coded = line.split()[2]
    yield "no last newline", good[:-1], None
    yield "two last newlines", good + "\n", None
    yield "a line behind", good + "behind\n", None
    yield "carriage returns", good.replace("\n", "\r\n"), None
    yield "a carriage return at the end", good[:-1] + "\r\n", None
    yield "an empty line more", TEXT + "\n\n" + line, None
    below = TEXT + "\n"
    yield "an empty text that is signed", joined("\n", signature("north", "\n")), None
    yield "an empty line that is signed too", joined(below, signature("north", below)), None
    yield "no text", "\n" + line, None
    yield "an empty text", "\n\n" + line, None
    yield "a text without a newline", "text" + line, None
    for what, dash in [
        ("an en dash", "\N{EN DASH}"),
        ("a hyphen", "-"),
        ("two hyphens", "--"),
        ("a horizontal bar", "\N{HORIZONTAL BAR}"),
        ("no dash", ""),
        ("two dashes", DASH * 2),
        ("a dash and no space", None),
    ]:
        changed = line.replace(f"{DASH} ", DASH) if dash is None else line.replace(DASH, dash)
        yield what, joined(TEXT, changed), None
    yield "two spaces behind the dash", joined(TEXT, line.replace(DASH, f"{DASH} ")), None
    yield "a space before the dash", joined(TEXT, " " + line), None
    yield "two spaces behind the name", joined(TEXT, line.replace("north ", "north  ")), None
    yield "a space at the end", joined(TEXT, line[:-1] + " \n"), None
    yield "a word at the end", joined(TEXT, line[:-1] + " more\n"), None
    yield "a no-break space", joined(TEXT, line.replace(f"{DASH} ", f"{DASH}\u00a0")), None
    assert re.search(r"[^=]=\Z", coded)
    for what, to in [
        ("Base64 without padding", coded[:-1]),
        ("Base64 with more padding", coded + "="),
        ("Base64 with padding of no need", coded + "===="),
        ("Base64 with stray bits", coded[:-2] + chr(ord(coded[-2]) + 1) + "="),
        ("Base64 with a line break", coded[:20] + "\n" + coded[20:]),
        ("the alphabet of URLs", coded.translate(str.maketrans("+/", "-_"))),
        ("hexadecimal", base64.b64decode(coded).hex()),
        ("a sign that is no Base64", "!" + coded[1:]),
        ("no signature", ""),
        ("key id alone", base64.b64encode(north.key_id).decode()),
        ("three bytes", base64.b64encode(north.key_id[:3]).decode()),
        ("a byte less", base64.b64encode(north.key_id + north.data[:-1]).decode()),
        ("a byte more", base64.b64encode(north.key_id + north.data + b"\0").decode()),
    ]:
        assert to != coded, what
        yield what, joined(TEXT, line.replace(coded, to)), None
    yield (
        "an unknown one of a single byte",
        joined(TEXT, Signature("west", b"abcd", b"e"), north),
        ["north"],
    )
    alone = f"{DASH} west {base64.b64encode(b'abcd').decode()}\n"
    yield "an unknown key id alone", joined(TEXT, alone, north), None
    for what, letter in [
        ("a null character", "\0"),
        ("a tabulator", "\t"),
        ("a carriage return", "\r"),
        ("a delete", "\x7f"),
        ("a next line", "\x85"),
        ("an application command", "\x9f"),
        ("half a surrogate pair", "\ud800"),
    ]:
        spoilt = f"text {letter}\n"
        signed = Signature(
            "north", north.key_id, key("north").sign(spoilt.encode("utf-8", "surrogatepass"))
        )
        yield f"{what} in the text", joined(spoilt, signed), None
    for what, letter in [("a byte order mark", "\ufeff"), ("a line separator", "\u2028")]:
        yield (
            f"{what} in the text",
            joined(f"{letter}\n", signature("north", f"{letter}\n")),
            ["north"],
        )
    yield "not UTF-8", b"\xff" + good.encode(), None
    yield "overlong UTF-8", b"\xc0\xaf" + good.encode(), None


def _points(north: Signature) -> Iterator[_Signed]:
    """Yield signatures whose point or number has another spelling, or proves nothing."""
    s = int.from_bytes(north.data[32:], "little")

    def with_s(value: int) -> str:
        return joined(TEXT, changed(north, start=36, to=value.to_bytes(32, "little")))

    def with_r(value: int) -> str:
        return joined(TEXT, changed(north, start=4, to=value.to_bytes(32, "little")))

    yield "S and the order of the group", with_s(s + ORDER), None
    yield "S and twice the order", with_s(s + 2 * ORDER), None
    yield "S of zero", with_s(0), None
    yield "R of small order, and it holds", joined(TEXT, _without_nonce()), None
    for y in (0, 1, P - 1, Y8, P - Y8, P, P + 1):
        for sign in (0, 2**255):
            yield f"R of y = {y:x} and sign {sign >> 255}", with_r(y + sign), None


def _without_nonce() -> Signature:
    """Return a signature whose commitment is the neutral point; a library takes it."""
    seed, public = key("north").private_bytes_raw(), key("north").public_key().public_bytes_raw()
    commitment = (1).to_bytes(32, "little")
    challenge = _number(sha512(commitment + public + TEXT.encode()).digest())
    s = challenge * _scalar(seed) % ORDER
    return changed(signature("north", TEXT), start=4, to=commitment + s.to_bytes(32, "little"))


def _by_nobody(text: str, name: str, public: bytes) -> str:
    """Return a note that holds by the neutral point as key, which anybody can sign by."""
    other = key("south")
    s = _scalar(other.private_bytes_raw()) % ORDER
    data = other.public_key().public_bytes_raw() + s.to_bytes(32, "little")
    key_id = sha256(f"{name}\n".encode() + b"\1" + public).digest()[:4]
    return joined(text, Signature(name, key_id, data))


def _scalar(seed: bytes) -> int:
    low = bytearray(sha512(seed).digest()[:32])
    low[0] &= 248
    low[31] = low[31] & 63 | 64
    return _number(bytes(low))


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def other_id(given: Signature) -> Signature:
    return Signature(given.name, b"abcd", given.data)


def _named(north: Signature) -> Iterator[_Signed]:
    """Yield names that a signature of nobody known may have, and may not."""
    stranger = signature("west", TEXT)
    for name, good in [
        ("w", True),
        ("w" * 255, True),
        ("w" * 256, False),
        ("\N{HELICOPTER}" * 255, True),
        ("\N{HELICOPTER}" * 256, False),
        ("w/x:y\N{EM DASH}", True),
        ("w+x", False),
        ("w\u00a0x", False),
        ("w\u2003x", False),
        ("w\u2028x", False),
        ("w\u3000x", False),
        ("w\ufeffx", True),
        ("w\u200bx", True),
        ("", False),
        ("w\tx", False),
        ("w\x85x", False),
    ]:
        line = stranger.line().replace("west", name)
        yield (
            f"a name {name[:9]!a} of {len(name)}",
            joined(TEXT, line, north),
            ["north"] if good else None,
        )


def _typed(given: Signature) -> Signature:
    public = key(given.name).public_key().public_bytes_raw()
    other = VerifierKey(given.name, public, SignatureType.COSIGNATURE)
    return Signature(given.name, other.key_id, given.data)


def _strangers(count: int) -> list[Signature]:
    return [Signature(f"w{n}", b"abcd", b"e") for n in range(count)]


def bad_keys() -> list[dict[str, object]]:
    """Return public keys, and whether anything can be signed by them."""
    found = []
    points = [(f"y = {y:x}", y) for y in (0, 1, P - 1, Y8, P - Y8, P, P + 1, 2**255 - 1)]
    spelt = [(f"{what}, sign {sign}", y | sign << 255) for what, y in points for sign in (0, 1)]
    north = int.from_bytes(key("north").public_key().public_bytes_raw(), "little")
    for what, value in [("a good one", north), *spelt]:
        public = value.to_bytes(32, "little")
        good = taken(what, partial(VerifierKey, "north", public), good=value == north)
        signed = _by_nobody(TEXT, "north", public)
        found.append(
            {"what": what, "public_key": public.hex(), "good": good, "signed_by_nobody": signed}
        )
    return found
