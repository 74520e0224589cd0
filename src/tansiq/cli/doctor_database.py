"""What ``tansiq doctor`` says of a node's PostgreSQL database. No table of a node is changed."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tansiq.cli.checks import Check, Checks, Verdict
from tansiq.clock import Clock
from tansiq.errors import StoreError
from tansiq.storage.opening import check_library

if TYPE_CHECKING:
    from tansiq.storage.postgres_sight import Sight

_CLOCK_WARN: Final = timedelta(seconds=1)
_COMMIT_SLOW_S: Final = 0.1


def database(url: str, clock: Clock) -> Checks:
    """Look whether a database is one to rely on, and whether it is up to date.

    Raises:
        BadInput: the library for it is not installed.
    """
    check_library()
    try:
        yield from asyncio.run(_looked(url, clock))
    except StoreError as error:
        remedy = "see docs/scale.md; correct the URL, or start the server"
        yield Check("database", Verdict.FAIL, error.message, remedy)


async def _looked(url: str, clock: Clock) -> list[Check]:
    from tansiq.storage.postgres_checks import refusals
    from tansiq.storage.postgres_hosts import several_hosts
    from tansiq.storage.postgres_sight import looked_at

    async with looked_at(url) as sight:
        server = await sight.server()
        checks = [Check("database", Verdict.OK, f"{sight.name}, PostgreSQL {server.version}")]
        wrong = refusals(server)
        checks += [Check("server", Verdict.FAIL, *each) for each in wrong]
        if not wrong:
            said = f"fsync {server.fsync}, synchronous_commit {server.synchronous_commit}"
            checks.append(Check("server", Verdict.OK, said))
        if several_hosts(url):
            checks.append(_failover(await sight.standbys(), server.synchronous_commit))
        checks.append(await _difference(sight, clock))
        applied, left = await sight.migrations()
        if not applied:
            remedy = "`tansiq migrate`, or `tansiq serve`, makes them"
            checks.append(Check("schema", Verdict.WARN, "no tables yet", remedy))
            return checks
        checks.append(_schema(applied, left))
        if left:
            return checks
        problem = await sight.order_problem()
        if problem is not None:
            remedy = "no node may serve from it: two plans could pass each other unseen"
            checks.append(Check("isolation", Verdict.FAIL, problem, remedy))
            return checks
        said = "of two writes that concern each other, the second waits and sees the first"
        checks.append(Check("isolation", Verdict.OK, said))
        before_s = clock.monotonic_s()
        await sight.commit()
        seconds = clock.monotonic_s() - before_s
        slow = seconds > _COMMIT_SLOW_S
        remedy = "plans wait for it: a nearer server, or a faster disk" if slow else ""
        verdict = Verdict.WARN if slow else Verdict.OK
        checks.append(Check("commit", verdict, f"a commit takes {seconds * 1e3:.1f} ms", remedy))
        return checks


def _failover(standbys: str, commit: str | None) -> Check:
    """Look whether what was acknowledged is on a standby when the primary goes."""
    if standbys and commit != "local":
        return Check("failover", Verdict.OK, f"a commit waits for standbys ({standbys})")
    said = "a commit waits for no standby: a failover loses the last of what was acknowledged"
    remedy = "synchronous_mode: true and synchronous_mode_strict: true in Patroni's settings, or "
    remedy += "synchronous_standby_names in the server's; synchronous_commit = on"
    return Check("failover", Verdict.WARN, said, remedy)


def _schema(applied: list[str], left: list[str]) -> Check:
    if left:
        remedy = "`tansiq migrate` with the node stopped, or `tansiq serve`, applies them"
        return Check("schema", Verdict.WARN, f"waiting: {', '.join(left)}", remedy)
    return Check("schema", Verdict.OK, f"up to date: {applied[-1]}")


async def _difference(sight: "Sight", clock: Clock) -> Check:
    before = clock.now()
    theirs = await sight.now()
    after = clock.now()
    # Somewhere between asking and hearing it was so late there.
    off = max(before - theirs, theirs - after, timedelta(0))
    remedy = "run chrony or another NTP client on both" if off > _CLOCK_WARN else ""
    verdict = Verdict.WARN if remedy else Verdict.OK
    return Check("database clock", verdict, f"{off / timedelta(milliseconds=1):.0f} ms off", remedy)
