"""Cases for the vectors: checkpoints with their cosignatures, and proof files."""

import base64
from collections.abc import Iterator
from functools import partial

from vector_parts import (
    DASH,
    changed,
    cosignature,
    in_runs,
    joined,
    key,
    key_of,
    renamed,
    signature,
    taken,
)

from tansiq.domain import merkle
from tansiq.formats.checkpoint import (
    CHECKPOINT_BYTES_MAX,
    PROOF_BYTES_MAX,
    Checkpoint,
    LogProof,
    open_checkpoint,
    parse_proof,
    sign_checkpoint,
    verify_proof,
)
from tansiq.formats.signed_note import NameOf, Signature, signature_of


def _tree(size: int) -> list[bytes]:
    return [f"entry {n}".encode() for n in range(size)]


def checkpoints() -> list[dict[str, object]]:
    """Return checkpoints of north's log, to be opened with the keys of two witnesses."""
    return [checkpoint_case(what, text, good=good) for what, text, good in _checkpoints()]


def checkpoint_case(what: str, text: str, *, good: bool | None = None) -> dict[str, object]:
    log = key_of("north", NameOf.LOG)
    witnesses = [key_of(party, NameOf.WITNESS) for party in ("south", "west")]
    read = partial(open_checkpoint, text.encode(), log, witnesses)
    case: dict[str, object] = {"what": what, "checkpoint": in_runs(text)}
    case["good"] = taken(what, read, good=good)
    if case["good"]:
        opened = read()
        case["size"] = str(opened.checkpoint.size)
        case["root"] = opened.checkpoint.root.hex()
        case["extensions"] = list(opened.checkpoint.extensions)
        case["cosignatures"] = {
            each.name.partition("/")[0]: str(each.time_s) for each in opened.cosignatures
        }
    return case


_Case = tuple[str, str, bool]


def _checkpoint(size: int = 7) -> Checkpoint:
    return Checkpoint(origin="north/log", size=size, root=_root(_leaves(size)))


def _leaves(size: int) -> list[bytes]:
    return [merkle.leaf_hash(entry) for entry in _tree(size)]


def _root(leaves: list[bytes]) -> bytes:
    """Return the root as RFC 6962 defines it."""
    if len(leaves) == 1:
        return leaves[0]
    left, right = _halves(leaves)
    return merkle.node_hash(_root(left), _root(right))


def _path(index: int, leaves: list[bytes]) -> list[bytes]:
    """Return the hashes of an inclusion proof as RFC 6962 defines it."""
    if len(leaves) == 1:
        return []
    left, right = _halves(leaves)
    if index < len(left):
        return [*_path(index, left), _root(right)]
    return [*_path(index - len(left), right), _root(left)]


def _halves(leaves: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return leaves[:middle], leaves[middle:]


def log_signed(text: str, *more: Signature | str) -> str:
    return joined(text, signature("north", text, NameOf.LOG), *more)


def _checkpoints() -> Iterator[_Case]:
    plain = _checkpoint()
    text = plain.text()
    assert log_signed(text) == sign_checkpoint(plain, key("north")).decode()
    yield "a checkpoint", log_signed(text), True
    south, west = cosignature("south", text), cosignature("west", text, 0)
    yield "cosigned", log_signed(text, south), True
    yield "cosigned by two, one in 1970", log_signed(text, west, south), True
    yield "the cosignature first", joined(text, south, signature("north", text, NameOf.LOG)), True
    yield (
        "cosigned at the last second",
        log_signed(text, cosignature("south", text, 2**63 - 1)),
        True,
    )
    late = changed(south, start=4, to=(2**63).to_bytes(8))
    yield "cosigned beyond the last second", log_signed(text, late), False
    beyond = f"cosignature/v1\ntime {2**63}\n{text}"
    signed_late = changed(late, start=12, to=key("south").sign(beyond.encode()))
    yield "cosigned beyond the last second, and it holds", log_signed(text, signed_late), False
    others = text.replace("north", "south")
    renamed_log = signature_of(others, name="south/log", key=key("north"))
    yield "another log, signed by this one's key", joined(others, renamed_log), False
    yield (
        "cosigned at another second",
        log_signed(text, changed(south, start=11, to=b"\x41")),
        False,
    )
    yield (
        "a cosignature of another checkpoint",
        log_signed(text, cosignature("south", "x\n")),
        False,
    )
    yield "a cosignature without time", log_signed(text, _short(south)), False
    yield (
        "a byte behind a cosignature",
        log_signed(text, Signature(south.name, south.key_id, south.data + b"\0")),
        False,
    )
    plainly = signature_of(text, name="south/witness", key=key("south"))
    yield "a plain signature of a witness's name", log_signed(text, plainly), True
    yield (
        "the same under the key id of a cosignature",
        log_signed(text, _typed_as(plainly, south)),
        False,
    )
    yield (
        "a stranger's cosignature",
        log_signed(text, renamed(cosignature("east", text), "east/witness")),
        True,
    )
    yield "cosigned twice", log_signed(text, south, cosignature("south", text, 1)), False
    yield "cosigned alone", joined(text, south), False
    yield "the log's own cosignature alone", joined(text, cosignature("north", text)), False
    yield "signed as a note", joined(text, signature("north", text)), False
    yield (
        "signed by another key",
        joined(text, renamed(signature("south", text), "north/log")),
        False,
    )
    yield "a bad signature of the log", log_signed(text).replace("\n7\n", "\n8\n"), False
    yield from _bodies()
    yield from _long(text)


def _bodies() -> Iterator[_Case]:
    empty = base64.b64encode(merkle.EMPTY_ROOT).decode()
    root = base64.b64encode(_root(_leaves(7))).decode()
    stray = root[:-2] + chr(ord(root[-2]) + 1) + "="
    for what, lines, good in [
        ("an empty log", ["north/log", "0", empty], True),
        ("an empty log of another root", ["north/log", "0", root], False),
        ("a full log of the empty root", ["north/log", "7", empty], True),
        ("one extension line", ["north/log", "7", root, "more"], True),
        ("three extension lines", ["north/log", "7", root, "a b", "\N{HELICOPTER}", "7"], True),
        ("an extension line of a space", ["north/log", "7", root, " "], True),
        ("an extension line like a signature", ["north/log", "7", root, f"{DASH} a b"], True),
        ("an empty extension line", ["north/log", "7", root, "", "more"], False),
        ("another log", ["south/log", "7", root], False),
        ("a party for a log", ["north", "7", root], False),
        ("a note", ["tansiq/check@v1", "7", root], False),
        ("no root", ["north/log", "7"], False),
        ("no size", ["north/log", root], False),
        ("the origin alone", ["north/log"], False),
        ("a leading zero", ["north/log", "07", root], False),
        ("two zeros", ["north/log", "00", empty], False),
        ("a sign", ["north/log", "+7", root], False),
        ("a size below zero", ["north/log", "-7", root], False),
        ("minus zero", ["north/log", "-0", empty], False),
        ("a space before the size", ["north/log", " 7", root], False),
        ("a space behind the size", ["north/log", "7 ", root], False),
        ("hexadecimal", ["north/log", "0x7", root], False),
        ("a size in other digits", ["north/log", "\u0667", root], False),
        ("no figure", ["north/log", "seven", root], False),
        ("the largest that a note's head takes", ["north/log", str(10**15), root], True),
        ("the largest size", ["north/log", str(2**63 - 1), root], True),
        ("a larger one", ["north/log", str(2**63), root], False),
        ("20 digits", ["north/log", "1" * 20, root], False),
        ("31 bytes", ["north/log", "7", base64.b64encode(bytes(31)).decode()], False),
        ("33 bytes", ["north/log", "7", base64.b64encode(bytes(33)).decode()], False),
        ("a root with stray bits", ["north/log", "7", stray], False),
        ("a root without padding", ["north/log", "7", root[:-1]], False),
        ("a root in hexadecimal", ["north/log", "7", _root(_leaves(7)).hex()], False),
        ("a space behind the root", ["north/log", "7", root + " "], False),
    ]:
        yield what, log_signed("\n".join([*lines, ""])), good


def _long(text: str) -> Iterator[_Case]:
    for what, more, good in [("the longest", 0, True), ("a byte more", 1, False)]:
        fill = CHECKPOINT_BYTES_MAX - len(log_signed(text).encode()) + more
        yield what, log_signed(text + "x" * (fill - 1) + "\n"), good


def _short(given: Signature) -> Signature:
    return Signature(given.name, given.key_id, given.data[8:])


def _typed_as(given: Signature, other: Signature) -> Signature:
    return Signature(given.name, other.key_id, given.data)


# Proof files


def proofs() -> list[dict[str, object]]:
    """Return proof files of an entry of north's log; what is proven is entry 3 of 7."""
    return [proof_case(what, text, good=good) for what, text, good in _proofs()]


def proof_case(what: str, text: str, *, good: bool | None = None) -> dict[str, object]:
    entry = _tree(7)[3]
    good = taken(what, partial(_verify, text.encode(), entry), good=good)
    return {"what": what, "proof": in_runs(text), "entry": entry.decode(), "good": good}


def _verify(data: bytes, entry: bytes) -> object:
    witnesses = [key_of(party, NameOf.WITNESS) for party in ("south", "west")]
    return verify_proof(parse_proof(data), entry, key_of("north", NameOf.LOG), witnesses)


def _proofs() -> Iterator[_Case]:
    leaves = _leaves(7)
    text = _checkpoint().text()
    signed = log_signed(text, cosignature("south", text))
    hashes = tuple(_path(3, leaves))
    good = LogProof(index=3, hashes=hashes, checkpoint=signed.encode()).encode().decode()
    first = base64.b64encode(hashes[0]).decode()
    yield "a proof", good, True
    for what, extra, fits in [
        ("something extra", "extra eA==", True),
        ("an empty extra", "extra ", False),
        ("an extra that is no Base64", "extra x", False),
        ("an extra in a second spelling", "extra eB==", False),
        ("no extra behind the word", "extra", False),
        ("two extras", "extra eA==\nextra eA==", False),
        ("a line more", "more eA==", False),
    ]:
        yield what, good.replace("index", f"{extra}\nindex"), fits
    for what, old, new in [
        ("another place", "index 3", "index 2"),
        ("a place beyond the tree", "index 3", "index 7"),
        ("a place far beyond it", "index 3", f"index {2**63 - 1}"),
        ("no place", "index 3\n", ""),
        ("a leading zero", "index 3", "index 03"),
        ("two spaces", "index 3", "index  3"),
        ("a capital", "index 3", "Index 3"),
        ("extra behind the index", "index 3\n", "index 3\nextra eA==\n"),
        ("another version", "@v1", "@v2"),
        ("another beginning", "c2sp.org/", ""),
        ("no beginning", "c2sp.org/tlog-proof@v1\n", ""),
        ("a hash less", first + "\n", ""),
        ("a hash twice", first, f"{first}\n{first}"),
        ("a hash in a second spelling", first, first[:-2] + chr(ord(first[-2]) + 1) + "="),
        ("a short hash", first, base64.b64encode(bytes(31)).decode()),
        ("an empty line before the hashes", first, "\n" + first),
        ("no empty line", "\n\nnorth", "\nnorth"),
        ("two empty lines", "\n\nnorth", "\n\n\nnorth"),
        ("carriage returns", "\n", "\r\n"),
        ("another checkpoint", "\n7\n", "\n8\n"),
        ("a letter that is not ASCII", "index", "\u0131ndex"),
    ]:
        changed = good.replace(old, new)
        assert changed != good, what
        yield what, changed, False
    yield "64 hashes", good.replace(first, "\n".join([first] * 62)), False
    yield (
        "a checkpoint of a stranger",
        LogProof(index=3, hashes=hashes, checkpoint=joined(text, signature("south", text)).encode())
        .encode()
        .decode(),
        False,
    )
    room = PROOF_BYTES_MAX - len(good.encode()) - len("extra \n")
    room -= room % 4
    yield "a long extra", good.replace("index", f"extra {'eeee' * (room // 4)}\nindex"), True
    yield "a longer one", good.replace("index", f"extra {'eeee' * (room // 4 + 1)}\nindex"), False


# How a log grows


def growth() -> list[dict[str, object]]:
    """Return consistency proofs between two sizes of a log; hashes of any kind beside good ones."""
    found = []
    for what, sizes, roots, proof, good in _growth():
        check = partial(
            merkle.verify_consistency, sizes[0], roots[0], sizes[1], roots[1], proof=proof
        )
        taken(what, check, good=good)
        found.append(
            {
                "what": what,
                "sizes": sizes,
                "roots": [base64.b64encode(each).decode() for each in roots],
                "proof": [base64.b64encode(each).decode() for each in proof],
                "good": good,
            }
        )
    return found


_Growth = tuple[str, tuple[int, int], tuple[bytes, bytes], list[bytes], bool]


def _growth() -> Iterator[_Growth]:
    seven = _leaves(7)
    whole = _root(seven)
    for old in range(1, 8):
        root = _root(seven[:old])
        proof = _grown(old, seven)
        yield f"from {old} to 7", (old, 7), (root, whole), proof, True
        yield f"from {old} of another root", (old, 7), (whole[::-1], whole), proof, False
        yield f"from {old} to another root", (old, 7), (root, whole[::-1]), proof, False
        yield f"from {old}, a hash more", (old, 7), (root, whole), [*proof, whole], False
        if proof:
            yield f"from {old}, a hash less", (old, 7), (root, whole), proof[:-1], False
    yield "from nothing", (0, 7), (merkle.EMPTY_ROOT, whole), [], False
    yield "from nothing to nothing", (0, 0), (merkle.EMPTY_ROOT, merkle.EMPTY_ROOT), [], False
    one, two = seven[:2]
    shrunk = merkle.node_hash(one, two)
    yield "from 3 to 2, and it comes out", (3, 2), (one, shrunk), [one, two], False
    short = two[:31]
    yield (
        "a hash of 31 bytes, and it comes out",
        (1, 2),
        (one, merkle.node_hash(one, short)),
        [short],
        False,
    )


def _grown(old: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """Return the hashes of a consistency proof as RFC 6962 defines it."""
    if old == len(leaves):
        return [] if whole else [_root(leaves)]
    left, right = _halves(leaves)
    if old <= len(left):
        return [*_grown(old, left, whole=whole), _root(right)]
    return [*_grown(old - len(left), right, whole=False), _root(left)]
