"""Every error that Tansiq raises on purpose, in one tree.

    TansiqError
    ├── CallerError            the caller's mistake: say which field, and the remedy
    │   ├── BadInput             malformed or out of range            (400)
    │   │   ├── InvalidVolume      a volume that cannot exist
    │   │   └── TooLarge           above a stated limit
    │   ├── Unauthenticated      no token, or not a good one          (401)
    │   ├── KeyReused            an Idempotency-Key with another request (422)
    │   ├── Forbidden            not yours, or scope missing          (403)
    │   ├── TooMany              beyond a caller's share              (429)
    │   ├── BadSignature         not signed by whom it should be      (403)
    │   ├── ProofFailed          a Merkle proof that does not prove   (422)
    │   └── NotFound             no such entity                       (404)
    ├── StateConflict          the request was right, the state is not (409)
    │   ├── MissingOVNs          the key lacks OVNs of relevant entities
    │   ├── StaleOVN             the OVN or version given is not the current one
    │   ├── WrongState           the transition is not in the state table
    │   ├── UssDown              the supplier is marked Down in the register (412)
    │   ├── NoTelemetry          nobody has reported where the aircraft is (412)
    │   ├── InDoubt              whether the first attempt took effect is not known
    │   ├── SizeConflict         a log's proof does not start from the size we hold
    │   └── LogForked            a log signed two histories; both are kept
    ├── PeerError              the other side's mistake, or its silence
    │   ├── PeerUnreachable      no answer; the fate of the request is not known
    │   │   └── NeverSent          no connection, or no token: it never left us
    │   ├── PeerRefused          a definite no
    │   └── PeerMalformed        an answer that is not what the standard says
    ├── AgreementMismatch      the two sides do not hold the same agreement
    ├── Busy                   a stated number of clients is being served (503)
    ├── NoDesk                 no worker holds the node's desk just now (503)
    ├── TimedOut               not done in time, and nothing of it was kept (503)
    └── StoreError             our fault: the store cannot be read or written (503)
        ├── RecordDamaged        the record is not what its head says
        └── RecordRolledBack     others hold a later or another state of our record

Each carries a stable ``code``, a sentence, and where it applies the ``field`` it is about.
Sentences advise: they name the field, the value, and what would be accepted.
``http/problems.py`` alone turns them into responses, and ``cli/main.py`` into exit codes.
"""

from collections.abc import Sequence


class TansiqError(Exception):
    """The root. ``code`` is stable, for machines; the sentence is for people."""

    code = "error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class CallerError(TansiqError):
    code = "caller-error"


class BadInput(CallerError):
    code = "bad-input"


class InvalidVolume(BadInput):
    code = "invalid-volume"


class TooLarge(BadInput):
    code = "too-large"


class Unauthenticated(CallerError):
    code = "unauthenticated"


class KeyReused(CallerError):
    code = "idempotency-key-reused"


class Forbidden(CallerError):
    code = "forbidden"


class NotFound(CallerError):
    code = "not-found"


class TooMany(CallerError):
    """One caller holds, or asks for, as much as a stated limit allows each of them.

    ``pause_s`` is after how long it may ask again, where that is known.
    """

    code = "too-many"
    pause_s: int | None = None

    def __init__(
        self, message: str, *, field: str | None = None, pause_s: int | None = None
    ) -> None:
        super().__init__(message, field=field)
        self.pause_s = pause_s


class BadSignature(CallerError):
    """A signed text without a good signature of a known key, or with a bad one."""

    code = "bad-signature"


class ProofFailed(CallerError):
    """An inclusion or consistency proof that does not lead to the root it should."""

    code = "proof-failed"


class StateConflict(TansiqError):
    code = "state-conflict"


class MissingOVNs(StateConflict):
    """The key does not prove knowledge of these entities.

    ``missing_intents`` and ``missing_constraints`` hold ids, in ascending order.
    """

    code = "missing-ovns"

    def __init__(
        self, message: str, *, missing_intents: Sequence[str], missing_constraints: Sequence[str]
    ) -> None:
        super().__init__(message, field="key")
        self.missing_intents = tuple(missing_intents)
        self.missing_constraints = tuple(missing_constraints)


class StaleOVN(StateConflict):
    code = "stale-ovn"


class WrongState(StateConflict):
    code = "wrong-state"


class InDoubt(StateConflict):
    code = "in-doubt"


class SizeConflict(StateConflict):
    """A new checkpoint must be proven from the last one that we cosigned; ``size`` is its size."""

    code = "size-conflict"

    def __init__(self, message: str, *, size: int) -> None:
        super().__init__(message, field="old")
        self.size = size


class LogForked(StateConflict):
    """A log has signed two roots for one size. Both signed checkpoints are kept as evidence."""

    code = "log-forked"


class UssDown(StateConflict):
    """A supplier that the arbiter has marked Down may not do this until it is marked Normal."""

    code = "uss-down"


class NoTelemetry(StateConflict):
    """The intent is in a state that shares positions, and none was reported."""

    code = "no-telemetry"


class PeerError(TansiqError):
    code = "peer-error"


class PeerUnreachable(PeerError):
    code = "peer-unreachable"


class NeverSent(PeerUnreachable):
    """No connection came about, or no token was to be had: of this silence the fate is known."""

    code = "never-sent"


class PeerRefused(PeerError):
    """A definite refusal; ``status`` is the HTTP status it came with."""

    code = "peer-refused"

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class PeerMalformed(PeerError):
    code = "peer-malformed"


class AgreementMismatch(TansiqError):
    code = "agreement-mismatch"


class NoDesk(TansiqError):
    """What only the worker that holds the desk can do, while none does."""

    code = "no-desk"


class Busy(TansiqError):
    code = "busy"


class TimedOut(TansiqError):
    """A request took longer than it may; what it was about to write was taken back."""

    code = "timed-out"


class StoreError(TansiqError):
    code = "store-error"


class RecordDamaged(StoreError):
    """What is stored of the record does not hash to its head."""

    code = "record-damaged"


class RecordRolledBack(StoreError):
    """A peer holds a checkpoint that we signed and that our record does not lead to."""

    code = "record-rolled-back"
