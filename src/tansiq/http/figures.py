"""What ``/metrics`` looks at when somebody asks: plans, lines, watch, record, store, process."""

import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import Final

from prometheus_client.core import Metric

from tansiq.domain.alarm_key import Level
from tansiq.http.metrics import Labels, Values, counter, gauge
from tansiq.http.own_handlers import OwnApi
from tansiq.services.line.views import LinesView
from tansiq.services.views import StatusView
from tansiq.services.watch.views import FeedList
from tansiq.settings import EXCHANGES, HISTORY, STORE
from tansiq.storage.record import RecordLog
from tansiq.storage.store import Tx
from tansiq.storage.witness import Witnessed

CHECKS: Final = ("quiet", "due", "caution", "warning")
FEED_STATES: Final = ("ok", "silent", "failing", "stopped")
_SCHEMA: Final = "SELECT MAX(number) FROM schema_version"


async def figures(api: OwnApi) -> list[Metric]:
    """Return all of them.

    Raises:
        StoreError: the store cannot be read.
    """
    status = await api.status.status()
    bounds = await api.events.bounds()
    return [
        *_node(status, bounds[1], api.feed.readers),
        *_peers(status),
        *_picture(api),
        *_lines(await api.line.lines()),
        *_watch(api, api.watch.feeds()),
        *await _record(api),
        *_store(api.settings.data),
        gauge("tansiq_process_threads", "Threads of the process", _one(threading.active_count())),
    ]


def _node(status: StatusView, last_event: int, readers: int) -> list[Metric]:
    about = (("version", status.version), ("party", status.party), ("agreement", status.agreement))
    plans: Values = {(("status", k),): float(v) for k, v in status.plans.items()}
    clock: Values = {} if status.clock_error_s is None else _one(status.clock_error_s)
    return [
        gauge("tansiq_info", "Version, party and agreement of this node", {about: 1.0}),
        gauge("tansiq_plans", "Own plans by status", plans),
        gauge("tansiq_event_last", "Number of the newest event", {(): float(last_event)}),
        gauge("tansiq_feed_readers", "Readers of the event feed now", {(): float(readers)}),
        gauge("tansiq_clock_error_seconds", "Bound on our clock's error; absent: unknown", clock),
    ]


def _peers(status: StatusView) -> list[Metric]:
    reachable: Values = {
        (("peer", peer.id),): float(peer.reachable)
        for peer in status.peers
        if peer.reachable is not None
    }
    ages: Values = {
        (("issuer", one.iss),): one.age_s for one in status.issuers if one.age_s is not None
    }
    keys: Values = {(("issuer", i.iss),): float(i.keys) for i in status.issuers}
    return [
        gauge("tansiq_peer_reachable", "1 where the peer or register answers", reachable),
        gauge("tansiq_issuer_keys", "Keys of an issuer that count now", keys),
        gauge("tansiq_issuer_keys_age_seconds", "Time since its key set was read", ages),
    ]


def _picture(api: OwnApi) -> list[Metric]:
    stream, cot = api.watch_stream, api.cot
    return [
        gauge("tansiq_watch_readers", "Readers of the watch's stream now", _one(stream.readers)),
        gauge("tansiq_watch_cut_off", "Readers of it cut off as too slow", _one(stream.cut_off)),
        gauge("tansiq_cot_clients", "TAK clients connected now", _one(cot.connected)),
        gauge(
            "tansiq_cot_dropped", "TAK clients disconnected as too slow, so far", _one(cot.dropped)
        ),
        gauge(
            "tansiq_cot_refused", "TAK clients refused beyond the limit, so far", _one(cot.refused)
        ),
    ]


def _lines(found: LinesView) -> list[Metric]:
    waiting: dict[Labels, float] = {}
    overdue: dict[Labels, float] = {}
    checks: dict[Labels, float] = {}
    stops: dict[Labels, float] = {}
    for line in found.lines:
        peer = ("peer", line.party)
        waiting[(peer,)] = line.waiting
        overdue[peer, ("whose", "ours")] = line.overdue_ours
        overdue[peer, ("whose", "theirs")] = line.overdue_theirs
        stops[(peer,)] = line.stops
        checks |= {(peer, ("state", state)): float(line.check == state) for state in CHECKS}
    return [
        gauge("tansiq_notes_waiting", "Notes of ours that have not arrived", waiting),
        gauge("tansiq_notes_overdue", "Conversations in which a word is overdue", overdue),
        gauge("tansiq_line_check", "1 for the state of the comm check of a line", checks),
        gauge("tansiq_line_stops", "Stops in force", stops),
    ]


def _watch(api: OwnApi, found: FeedList) -> list[Metric]:
    ages: Values = {(("feed", f.name),): f.age_s for f in found.feeds if f.age_s is not None}
    states: Values = {
        (("feed", feed.name), ("state", state)): float(feed.state == state)
        for feed in found.feeds
        for state in FEED_STATES
    }
    positions: Values = {(("feed", f.name),): float(f.positions) for f in found.feeds}
    levels = Counter(api.watch.watch.parts.alarms.levels_open())
    alarms: Values = {
        (("level", level.name.lower()),): float(levels.get(level, 0)) for level in Level
    }
    return [
        gauge("tansiq_alarms_open", "Open alarms by level", alarms),
        gauge("tansiq_position_age_seconds", "Of a feed's newest position; absent: none", ages),
        gauge("tansiq_position_feed", "1 for the state of a feed of positions", states),
        counter("tansiq_positions", "Positions that a feed handed on", positions),
    ]


async def _record(api: OwnApi) -> list[Metric]:
    async def read(tx: Tx) -> tuple[int, dict[str, int], int]:
        head = await RecordLog(tx).head()
        seen = {row.witness: row.size for row in await Witnessed(tx).last_of_all()}
        row = await tx.fetch_one(_SCHEMA)
        return head.size, seen, 0 if row is None else int(row[0])

    size, seen, schema = await api.events.store.read(read)
    waiting = api.metrics.writes_waiting()
    tails: Values = {(("witness", name),): float(size - at) for name, at in seen.items()}
    return [
        gauge("tansiq_record_entries", "Entries of our record", _one(size)),
        gauge("tansiq_record_uncosigned", "Entries that a witness has not cosigned yet", tails),
        gauge(
            "tansiq_record_broken",
            "1 where others hold more of our record than we do, and nothing is said any more",
            _one(int(api.record_broken())),
        ),
        gauge("tansiq_schema_version", "Last migration of the store", _one(schema)),
        gauge("tansiq_store_waiting", "Writes not yet answered", _one(waiting)),
    ]


def _store(data: Path) -> list[Metric]:
    sizes: dict[Labels, float] = {}
    for store in (STORE, EXCHANGES, HISTORY):
        for name in (store, f"{store}-wal"):
            try:
                sizes[(("file", name),)] = float((data / name).stat().st_size)
            except OSError:
                continue
    return [
        gauge("tansiq_store_bytes", "Size of the stores' files", sizes),
        gauge("tansiq_disk_free_bytes", "Free on their disk", _one(shutil.disk_usage(data).free)),
    ]


def _one(value: float) -> Values:
    return {(): float(value)}
