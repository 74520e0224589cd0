"""The page that verifies bundles in a browser: its parts put together into one file.

What kinds of notes there are and how their lines are written comes from ``domain/note.py``, so page
and node cannot drift apart. Its policy admits these very scripts and styles by their hashes, and
nothing from anywhere else.
"""

import base64
from hashlib import sha256
from importlib.resources import files
from typing import Final

import msgspec

from tansiq.domain.merkle import PROOF_HASHES_MAX
from tansiq.domain.note import FORMS, PAYLOAD_BYTES_MAX, TEXT_BYTES_MAX, lines_of
from tansiq.formats import bundle
from tansiq.formats.evidence import TIME_S_MAX
from tansiq.formats.evidence_words import LABELS
from tansiq.formats.findings import NOT_PROVEN
from tansiq.formats.letter import SIGNED_BYTES_MAX
from tansiq.formats.signed_note import NOTE_BYTES_MAX

_SCRIPTS: Final = ("check.js", "notes.js", "show.js")
CHECKS: Final = _SCRIPTS[:2]
"""Those that need no page: they run wherever WebCrypto is."""


def table() -> bytes:
    """Return what the scripts know of notes and limits, as JSON."""
    forms = {
        kind.value: {
            "place": form.place.value,
            "own": [key for key, _ in form.keys],
            "lines": list(lines_of(form)),
        }
        for kind, form in FORMS.items()
    }
    return msgspec.json.encode(
        {
            "forms": forms,
            "labels": {kind.value: label for kind, label in LABELS.items()},
            "spans": [
                kind.value
                for kind, form in FORMS.items()
                if {"start", "end"} <= {key for key, _ in form.keys}
            ],
            "notProven": NOT_PROVEN,
            "timeMax": TIME_S_MAX,
            "textBytes": TEXT_BYTES_MAX,
            "signedBytes": SIGNED_BYTES_MAX,
            "payloadBytes": PAYLOAD_BYTES_MAX,
            "noteBytes": NOTE_BYTES_MAX,
            "bundleBytes": bundle.BUNDLE_BYTES_MAX,
            "agreementBytes": bundle.AGREEMENT_BYTES_MAX,
            "entries": bundle.ENTRIES_MAX,
            "hashes": bundle.HASHES_MAX,
            "anchors": bundle.ANCHORS_MAX,
            "proof": PROOF_HASHES_MAX,
        }
    )


def script(*names: str) -> str:
    """Return scripts of the page with the table before them."""
    parts = [_part(name) for name in names or _SCRIPTS]
    # No text of ours has it, and none may end the element early.
    known = table().decode().replace("</", "<\\/")
    return "\n".join([f"const TABLE = {known};", *parts])


def page() -> bytes:
    """Return the whole page, one file."""
    code, style = script(), _part("style.css")
    policy = (
        f"default-src 'none'; script-src {_hash(code)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    made = _part("page.html").replace("@POLICY@", policy).replace("@STYLE@", style)
    return made.replace("@SCRIPT@", code).encode()


def _part(name: str) -> str:
    return files("tansiq").joinpath("verifier", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"
