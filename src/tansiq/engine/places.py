"""Kernels that place plans in time: the least shift that is free, and better orders by trial.

A trial takes a few plans that are in each other's way out, puts them back in another order, each at
its least free shift, and keeps the outcome if it costs no more (or little more, early on). So each
plan always stands at the least shift that the others leave it, or nearer: nobody waits for nothing.
"""

from typing import NamedTuple

from tansiq.engine.compiled import Ints, kernel

NOWHERE = 1 << 40
"""Steps: no shift is free."""
TAKEN_MOST = 6
"""Plans that one trial takes out at most."""
DRAWS = 4 * TAKEN_MOST
"""Random numbers that one trial uses at most."""
_SKIPS_ONE_IN = 12

# Numbers about the whole.
UNPLACED, TOTAL = range(2)


class Board(NamedTuple):
    """Plans, who is in whose way (``ways.Ways``), and where each stands now."""

    first: Ints
    other: Ints
    low: Ints
    high: Ints
    bounds: Ints
    """(n, 2) least and most steps of each plan that moves."""
    rank: Ints
    """(n) plans of one rank may yield to each other."""
    party: Ints
    """(n)."""
    shift: Ints
    """(all) steps."""
    placed: Ints
    """(all) 1, or 0 of a plan that is nowhere (yet)."""
    tally: Ints
    """(2) plans without a place; steps of those placed, in all."""
    sums: Ints
    """(parties) steps, a plan without a place with its longest."""
    counts: Ints
    """(parties) plans."""
    spans: Ints
    """(most rows of a plan, 2) room to work in."""


class Room(NamedTuple):
    """What a trial works in: ``TAKEN_MOST`` each."""

    company: Ints
    """Whom it takes out, in the order in which they go back."""
    others: Ints
    """The same, in the order in which they were found."""
    shifts: Ints
    """Where those stood."""


class Scale(NamedTuple):
    """What counts how much, in steps."""

    weight: float
    """Of one step between the mean shifts of two parties."""
    forfeit: float
    """Of a plan without a place."""
    lenience: float
    """How much dearer a trial may be and still be kept."""


@kernel
def gather(board: Board, p: int) -> int:
    """Write the shifts that are forbidden to a plan as the others stand; return how many spans."""
    many = 0
    least, most = board.bounds[p, 0], board.bounds[p, 1]
    for k in range(board.first[p], board.first[p + 1]):
        q = board.other[k]
        if board.placed[q]:
            low, high = board.low[k] + board.shift[q], board.high[k] + board.shift[q]
            if low <= most and high >= least:
                board.spans[many, 0], board.spans[many, 1] = low, high
                many += 1
    return many


@kernel
def _climb(spans: Ints, many: int, at: int, most: int) -> int:
    """Return the first shift from ``at`` up that no span holds, or one above ``most``."""
    moved = True
    while moved and at <= most:
        moved = False
        for k in range(many):
            if spans[k, 0] <= at <= spans[k, 1]:
                at = spans[k, 1] + 1
                moved = True
    return at


@kernel
def _sink(spans: Ints, many: int, at: int, least: int) -> int:
    """Return the first shift from ``at`` down that no span holds, or one below ``least``."""
    moved = True
    while moved and at >= least:
        moved = False
        for k in range(many):
            if spans[k, 0] <= at <= spans[k, 1]:
                at = spans[k, 0] - 1
                moved = True
    return at


@kernel
def _beyond(spans: Ints, many: int, at: int, most: int) -> int:
    """Return the first free shift of the next gap, or ``at`` if there is none."""
    following = most + 1
    for k in range(many):
        if at < spans[k, 0] < following:
            following = spans[k, 0]
    if following > most:
        return at
    found = _climb(spans, many, following, most)
    return found if found <= most else at


@kernel
def least_shift(board: Board, p: int, skip: int) -> int:
    """Return the free shift of a plan that is nearest to none, later ones first; or ``NOWHERE``.

    With ``skip`` set, that of the next gap, if there is one.
    """
    many = gather(board, p)
    least, most = board.bounds[p, 0], board.bounds[p, 1]
    up = _climb(board.spans, many, max(0, least), most)
    if skip and up <= most:
        up = _beyond(board.spans, many, up, most)
    down = least - 1
    if least < 0:
        down = _sink(board.spans, many, min(-1, most), least)
    if up <= most and (down < least or up <= -down):
        return up
    return down if down >= least else NOWHERE


@kernel
def put(board: Board, p: int, shift: int) -> None:
    """Count a plan in that was out, at a shift or at ``NOWHERE``."""
    if shift == NOWHERE:
        board.tally[UNPLACED] += 1
        board.sums[board.party[p]] += max(-board.bounds[p, 0], board.bounds[p, 1])
        board.shift[p] = NOWHERE
        return
    board.placed[p], board.shift[p] = 1, shift
    board.tally[TOTAL] += abs(shift)
    board.sums[board.party[p]] += abs(shift)


@kernel
def take(board: Board, p: int) -> None:
    """Count a plan out that was in."""
    if not board.placed[p]:
        board.tally[UNPLACED] -= 1
        board.sums[board.party[p]] -= max(-board.bounds[p, 0], board.bounds[p, 1])
        return
    board.placed[p] = 0
    board.tally[TOTAL] -= abs(board.shift[p])
    board.sums[board.party[p]] -= abs(board.shift[p])


@kernel
def place_all(board: Board, order: Ints) -> None:
    """Place plans that are out in an order, each at the least shift that those before leave it."""
    for k in range(order.shape[0]):
        put(board, order[k], least_shift(board, order[k], 0))


@kernel
def settle(board: Board, order: Ints) -> int:
    """Move each plan that others no longer keep away nearer to its time; return how many moved."""
    moved = 0
    for k in range(order.shape[0]):
        p = order[k]
        if board.placed[p] and board.shift[p] == 0:
            continue
        was = board.shift[p]
        take(board, p)
        found = least_shift(board, p, 0)
        put(board, p, found)
        if found != was:
            moved += 1
    return moved


@kernel
def cost(board: Board, scale: Scale) -> float:
    """Return what the search makes least: places first, then steps, then fairness by its weight."""
    least, most = -1.0, -1.0
    for party in range(board.counts.shape[0]):
        mean = board.sums[party] / board.counts[party]
        if least < 0.0 or mean < least:
            least = mean
        if mean > most:
            most = mean
    steps = board.tally[TOTAL] + scale.weight * (most - least)
    return float(board.tally[UNPLACED] * scale.forfeit + steps)


@kernel
def _hinders(board: Board, p: int, k: int) -> bool:
    """Report whether row ``k`` of a plan keeps it, or the other one, from a nearer time."""
    q = board.other[k]
    if q >= board.rank.shape[0] or board.rank[q] != board.rank[p]:
        return False
    if not board.placed[q]:
        return True
    low, high = board.low[k], board.high[k]
    if not board.placed[p]:
        least, most = board.bounds[p, 0], board.bounds[p, 1]
        return bool(low + board.shift[q] <= most and high + board.shift[q] >= least)
    x, y = board.shift[p], board.shift[q]
    if low + y <= max(0, x) and high + y >= min(0, x):
        return True
    return bool(x - high <= max(0, y) and x - low >= min(0, y))


@kernel
def _company(board: Board, p: int, draws: Ints, at: int, taken: Ints) -> int:
    """Write a plan and some that are in its way, or in theirs; return how many."""
    taken[0] = p
    many = 1
    wanted = 2 + draws[at] % (TAKEN_MOST - 1)
    for turn in range(1, wanted):
        base = taken[draws[at + 2 * turn] % many]
        first = board.first[base]
        rows = board.first[base + 1] - first
        if rows == 0:
            continue
        start = draws[at + 2 * turn + 1] % rows
        for step in range(rows):
            k = first + (start + step) % rows
            q = board.other[k]
            known = False
            for i in range(many):
                known = known or taken[i] == q
            if not known and _hinders(board, base, k):
                taken[many] = q
                many += 1
                break
    return many


@kernel
def _mixed(taken: Ints, many: int, draws: Ints, at: int) -> None:
    """Bring plans into a random order; one time in two the first stays first."""
    start = 1 if draws[at] & 1 else 0
    for i in range(many - 1, start, -1):
        j = start + draws[at + i] % (i - start + 1)
        taken[i], taken[j] = taken[j], taken[i]


@kernel
def trials(board: Board, late: Ints, draws: Ints, room: Room, scale: Scale) -> int:
    """Make one trial for each of some plans; return how many made it cheaper.

    ``draws`` are ``DRAWS`` random numbers for each.
    """
    company, others, shifts = room.company, room.others, room.shifts
    now = cost(board, scale)
    better = 0
    for k in range(late.shape[0]):
        at = DRAWS * k
        many = _company(board, late[k], draws, at, company)
        for i in range(many):
            shifts[i], others[i] = board.shift[company[i]], company[i]
            take(board, company[i])
        _mixed(company, many, draws, at + 2 * TAKEN_MOST)
        for i in range(many):
            skip = draws[at + 3 * TAKEN_MOST + i] % _SKIPS_ONE_IN
            put(board, company[i], least_shift(board, company[i], 1 if skip == 0 else 0))
        then = cost(board, scale)
        # Of any lenience up to the whole, so that most trials are held to little.
        if then <= now + scale.lenience * (draws[at + 1] % 1024) / 1024.0:
            if then < now:
                better += 1
            now = then
            continue
        for i in range(many):
            take(board, others[i])
        for i in range(many):
            put(board, others[i], shifts[i])
    return better
