"""Cases by chance: what the vectors have, changed in a place or two, and what comes of it."""

from collections.abc import Callable, Iterable
from functools import partial
from random import Random

from vector_logs import checkpoint_case, checkpoints, log_signed, proof_case, proofs
from vector_parts import in_whole
from vector_payloads import payload_case, payloads
from vector_signed import signature_case, signatures
from vector_texts import text_case, texts

from tansiq.domain.note import Kind

Case = dict[str, object]
_SIGNS = '0123456789-+.eE aZz:/_\\"{}[],=\n\r\t\0\u00e9\u2028\ufeff\N{EM DASH}\N{HELICOPTER}'
_WORDS = [
    "null",
    "true",
    "-0",
    "0",
    "1e400",
    "1.0",
    "9007199254740993",
    '""',
    "[]",
    "{}",
    "\\ud800",
]
_LONG = 8_000


def by_chance(seeds: Iterable[int]) -> dict[str, list[Case]]:
    """Return as many cases of each group as there are seeds."""
    groups: dict[str, tuple[list[Case], str, Callable[[Case, str], Case]]] = {
        "texts": (texts(), "text", lambda _, text: text_case("by chance", text)),
        "payloads": (payloads(), "payload", _of_payload),
        "signatures": (signatures(), "signed", partial(_only, signature_case)),
        "checkpoints": (checkpoints(), "checkpoint", _of_checkpoint),
        "proofs": (proofs(), "proof", partial(_only, proof_case)),
    }
    seeds = list(seeds)
    found: dict[str, list[Case]] = {}
    for name, (cases, member, made) in groups.items():
        fit = [each for each in cases if member in each]
        short = [each for each in fit if len(in_whole(each[member])) < _LONG]
        good = [each for each in short if each.get("good", each.get("by"))]
        found[name] = []
        for seed in seeds:
            random = Random(f"{name} {seed}")
            # Of what is bad already a change says little.
            case = random.choice(short if random.random() < 0.1 else good)
            found[name].append(made(case, changed_by(random, in_whole(case[member]))))
    return found


def _only(case: Callable[[str, str], Case], _: Case, text: str) -> Case:
    return case("by chance", text)


def _of_checkpoint(_: Case, text: str) -> Case:
    """A changed text that nobody signed shows little: half of them are signed anew."""
    body = text.rpartition("\n\n")[0] + "\n"
    if len(text) % 2 and body != "\n":
        text = log_signed(body)
    return checkpoint_case("by chance", text)


def _of_payload(case: Case, text: str) -> Case:
    lines = case.get("lines")
    assert lines is None or isinstance(lines, dict)
    return payload_case("by chance", Kind(str(case["kind"])), text, None, lines)


def changed_by(random: Random, text: str) -> str:
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        at = random.randrange(len(text) + 1)
        to = at + random.choice([0, 0, 1, 1, 1, random.randrange(12)])
        put = random.choice(
            ["", random.choice(_SIGNS), random.choice(_WORDS), text[at : at + 1] * 2]
        )
        if random.random() < 0.3:  # A piece from somewhere else, or a line.
            lines = text.split("\n")
            put = random.choice(lines) + "\n"
            at = to = sum(len(line) + 1 for line in lines[: random.randrange(len(lines))])
        text = text[:at] + put + text[to:]
    return text
