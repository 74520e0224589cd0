"""Handlers of the watch: the live picture, alarms, whose aircraft a track is, feeds, positions."""

from tansiq.formats.positions_json import SentPositions
from tansiq.http.operations import Answer, Call
from tansiq.http.own_handlers import OwnApi


async def get_picture(api: OwnApi, _: Call) -> Answer:
    return Answer(200, api.watch.view())


async def list_alarms(api: OwnApi, call: Call) -> Answer:
    over, since = call.query["over"], call.query["since"] or ""
    return Answer(200, await api.watch.alarms(over=over, since=since))


async def get_alarm(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.watch.alarm(call.id))


async def acknowledge_alarm(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.watch.acknowledge(call.id, call.actor))


async def suppress_alarm(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.watch.suppress(call.id, call.content, call.actor))


async def mark_nuisance(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.watch.mark_nuisance(call.id, call.actor))


async def try_alarm(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.watch.try_alarm(call.actor))


async def bind_track(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.watch.bind(call.content, call.actor))


async def free_track(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.watch.free(call.content))


async def list_rings(api: OwnApi, _: Call) -> Answer:
    return Answer(200, api.watch.rings())


async def draw_rings(api: OwnApi, call: Call) -> Answer:
    return Answer(201, await api.watch.draw_rings(call.content, call.attempt.entity))


async def admit_to_rings(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.watch.admit(call.content))


async def remove_rings(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.watch.remove_rings(call.content.ring))


async def list_sightings(api: OwnApi, _: Call) -> Answer:
    return Answer(200, api.watch.sightings())


async def report_sighting(api: OwnApi, call: Call) -> Answer:
    return Answer(201, await api.watch.sight(call.content, call.attempt.entity))


async def end_sighting(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.watch.drone_gone(call.content.sighting))


async def list_feeds(api: OwnApi, _: Call) -> Answer:
    return Answer(200, api.watch.feeds())


async def run_feed(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.watch.run_feed(call.content.name, on=call.content.on))


async def send_positions(api: OwnApi, call: Call) -> Answer:
    sent: SentPositions = call.content
    return Answer(200, api.watch.positions(sent.reports, sent.wrong))
