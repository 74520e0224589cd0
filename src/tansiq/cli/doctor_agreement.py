"""What ``tansiq doctor`` says of the agreement as such: signed, in time, and acted on."""

from datetime import timedelta
from typing import Final

from tansiq.cli.checks import Check, Checks, Verdict
from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement
from tansiq.domain.time import zulu
from tansiq.errors import BadInput, StoreError, TansiqError
from tansiq.peers.joining import check_as_met, known_peers
from tansiq.peers.signatures import examine, papers_of, read_papers
from tansiq.peers.succession import chain_to, next_version, served_version
from tansiq.settings import Settings

_SOON: Final = timedelta(days=7)


def rules(settings: Settings, agreement: Agreement, clock: Clock) -> Checks:
    """Look whether the agreement holds now, who signed it, and who is struck off."""
    yield from _expiry(agreement, clock)
    if agreement.struck:
        finding = f"version {agreement.version} strikes off {', '.join(sorted(agreement.struck))}"
        off = settings.party in agreement.struck
        remedy = "nothing new is planned here until a later version takes us back"
        yield Check("struck", Verdict.WARN if off else Verdict.OK, finding, remedy if off else "")
    present = agreement
    try:
        served = served_version(settings)
    except StoreError:  # Told where the store is looked at.
        served = None
    if served is not None and served.agreement.digest != agreement.digest:
        present = served.agreement
        yield _exchanged(settings, agreement, present)
    yield from _next(settings, present)
    yield from _signed(settings, agreement)
    try:
        check_as_met(agreement, known_peers(settings.data))
    except BadInput as error:
        yield Check("peers", Verdict.FAIL, str(error), "do not serve before that is clear")


def _expiry(agreement: Agreement, clock: Clock) -> Checks:
    if agreement.valid_until is None:
        return
    now, until = clock.now(), zulu(agreement.valid_until)
    if not agreement.valid_at(now):
        yield Check("validity", Verdict.FAIL, f"ended at {until}", "sign another version")
    elif not agreement.valid_at(now + _SOON):
        yield Check("validity", Verdict.WARN, f"ends at {until}", "sign another version in time")
    else:
        yield Check("validity", Verdict.OK, f"until {until}")


def _exchanged(settings: Settings, here: Agreement, served: Agreement) -> Check:
    """Tell that the file is another than the node last served under."""
    finding = (
        f"{settings.agreement.name} is version {here.version} ({here.digest[:12]}), and the node "
        f"serves, or last served, under version {served.version} ({served.digest[:12]})"
    )
    remedy = f"tansiq agreement adopt --data {settings.data} {settings.agreement}"
    return Check("served version", Verdict.WARN, finding, remedy)


def _next(settings: Settings, agreement: Agreement) -> Checks:
    """Look at the version that the node is to go over to."""
    try:
        target = next_version(settings)
        if target is None:
            return
        chain = chain_to(settings, agreement, target)
    except TansiqError as error:
        remedy = f"tansiq agreement adopt --data {settings.data} with what is missing, or --cancel"
        yield Check("next version", Verdict.FAIL, str(error), remedy)
        return
    finding = f"goes over to version {chain[-1].agreement.version} once nothing is in the way"
    remedy = "GET /api/v1/status of the running node says what is"
    yield Check("next version", Verdict.WARN, finding, remedy)


def _signed(settings: Settings, agreement: Agreement) -> Checks:
    """Signatures are for people to ask for: a node serves without them, and says so."""
    remedy = f"tansiq agreement sign --data {settings.data}"
    try:
        found = examine(read_papers([settings.agreement, *papers_of(settings.data)]))
    except BadInput as error:
        yield Check("signatures", Verdict.WARN, str(error), "move that file away")
        return
    (here,) = (each for each in found if each.agreement.digest == agreement.digest)
    for bad in here.bad:
        yield Check("signatures", Verdict.WARN, bad, "ask for it again")
    if here.force.in_force:
        yield Check("signatures", Verdict.OK, f"in force: {', '.join(here.force.signed)}")
    elif not here.force.signed:
        # As before there were signatures: whoever wants none goes by the digest alone.
        yield Check("signatures", Verdict.OK, f"nobody has signed yet; {remedy}")
    elif settings.party in here.force.signed:
        remedy = f"put the others' signatures into {settings.data / 'signatures'}"
        yield Check("signatures", Verdict.WARN, "; ".join(here.force.reasons), remedy)
    else:
        yield Check("signatures", Verdict.WARN, "; ".join(here.force.reasons), remedy)
