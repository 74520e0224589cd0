"""The memory of stripes is bounded, and forgets what is gone; a wrong one changes no answer."""

from pathlib import Path

import pytest
from register_world import NOON, NORTH, World, intent, volume

from stores import open_store
from tansiq.services.register.places import KEPT_MAX, Places
from tansiq.storage.stripes import entity_key

pytestmark = pytest.mark.anyio


def test_it_keeps_the_latest_and_no_more_than_so_many() -> None:
    places = Places()
    for number in range(KEPT_MAX + 1):
        places.note(str(number), frozenset({number + 1}))
    assert places.of("0") == frozenset()
    assert places.of("1") == {2}
    places.note("1", frozenset({7}))
    places.note("more", frozenset({8}))
    assert (places.of("1"), places.of("2")) == ({7}, frozenset())
    places.note("1", frozenset())
    assert places.of("1") == frozenset()


async def test_what_is_remembered_wrongly_changes_no_answer(
    store_kind: str, tmp_path: Path
) -> None:
    store = open_store(tmp_path / "store.db")
    world = World(store, 5)
    register, name = world.register, world.id()
    made = await register.put_intent(NORTH, name, None, intent(volume()), NOON)
    assert entity_key(name) in register._places.of(name)
    ovn = made.operational_intent_reference.ovn
    for wrong in (frozenset({5_000}), frozenset()):
        register._places.note(name, wrong)
        moved = intent(volume(lat=41.0 + len(wrong)))
        made = await register.put_intent(NORTH, name, ovn, moved, NOON)
        ovn = made.operational_intent_reference.ovn
    register._places.note(name, frozenset({5_000}))
    await register.delete_intent(NORTH, name, ovn, NOON)
    assert register._places.of(name) == frozenset()
    for lat in (40.0, 41.0, 42.0):
        found = await register.query_intents(NORTH, volume(lat=lat))
        assert found.operational_intent_references == ()
    await store.close()
