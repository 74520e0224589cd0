"""The services over PostgreSQL: a story of each, run once more with every store in a database.

``make test-postgresql`` runs the whole suite so. Here pytest is run on a few of its tests.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import stores

ROOT = Path(__file__).parents[2]
STORIES = {
    "plans": (
        "planning/test_planning_declare.py",
        "test_a_blocked_plan_gets_the_reason_in_one_sentence",
    ),
    "off nominal": (
        "planning/test_planning_off_nominal.py",
        "test_nobody_gets_a_new_plan_there_and_who_stands_is_warned",
    ),
    "records": (
        "planning/test_planning_log_set.py",
        "test_refusals_and_displacements_and_who_is_responsible",
    ),
    "line": (
        "line/test_line_desk.py",
        "test_stop_reaches_all_and_stands_until_the_all_clear",
    ),
    "sheets": (
        "line/test_sheets.py",
        "test_the_day_sheet_has_all_of_the_day",
    ),
    "hooks": (
        "line/test_hooks.py",
        "test_each_is_started_for_what_it_is_for_in_order",
    ),
    "watch": (
        "watch/test_watch_two_nodes.py",
        "test_what_both_find_is_one_alarm_and_seen_at_one_desk_shows_at_the_other",
    ),
    "accounts": (
        "http/test_accounts.py",
        "test_a_restart_keeps_sessions_and_the_store_has_no_secret",
    ),
    "keys": (
        "http/test_idempotency.py",
        "test_concurrent_duplicates_have_one_effect",
    ),
    "feed": (
        "http/test_feed.py",
        "test_a_reader_that_reconnects_misses_nothing_and_sees_nothing_twice",
    ),
}


@pytest.mark.skipif(bool(stores.ALWAYS), reason="all of the suite runs over one kind of store")
def test_each_service_has_its_story_over_postgresql() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA"]
    done = subprocess.run(
        [*command, *(f"tests/{file}::{test}" for file, test in STORIES.values())],
        cwd=ROOT,
        env={**os.environ, stores.SWITCH: stores.POSTGRESQL},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout[-20_000:]
    assert done.returncode == 0, said
    for name, (file, test) in STORIES.items():
        assert f"PASSED tests/{file}::{test}" in done.stdout, f"{name} did not run: {said}"
    opened = re.search(r"(\d+) stores in a database", done.stdout)
    assert opened is not None, said
    assert int(opened[1]) >= len(STORIES), "some ran over a file"
