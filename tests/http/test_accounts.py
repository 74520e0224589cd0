"""Accounts and sessions over HTTP: what they are for, and what the ill-meaning try."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.asgi import ask
from tests.http.own_world import BASE, PORT, TOKEN, World, plan_bytes, world

from stores import only_sqlite
from tansiq.errors import Unauthenticated
from tansiq.http.guard import CSRF_HEADER, cookie_name
from tansiq.services.accounts.views import Login
from tansiq.services.accounts.words import PASSWORD_CHARS_MAX
from tansiq.settings import Limits, Timers

pytestmark = pytest.mark.anyio

PASSWORD, OTHER = "correct horse battery", "staple of the desk"
COOKIE = cookie_name(PORT, secure=False)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "node.db") as built:
        yield built


def guest(node: World, **headers: str) -> httpx.AsyncClient:
    """Return a client without the machine's token; it keeps cookies as a browser does."""
    transport = httpx.ASGITransport(app=node.app)
    return httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)


async def add(node: World, name: str = "anna", role: str = "admin", **other: str) -> dict[str, Any]:
    said = {
        "name": name,
        "display_name": name,
        "initials": name[:2].upper(),
        "role": role,
        "password": PASSWORD,
    }
    reply = await node.client.post("/api/v1/accounts", json=said | other)
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


async def login(
    client: httpx.AsyncClient, name: str = "anna", password: str = PASSWORD, **other: str
) -> httpx.Response:
    said = {"name": name, "password": password}
    return await client.post("/api/v1/sessions", json=said | other)


def counted(node: World) -> list[str]:
    """Return a list that grows with each password that is hashed or checked."""
    passwords, seen = node.api.accounts._passwords, list[str]()
    hasher = passwords._hasher

    class Counting:
        def hash(self, password: str) -> str:
            seen.append("hash")
            return hasher.hash(password)

        def verify(self, against: str, password: str) -> bool:
            seen.append("verify")
            return hasher.verify(against, password)

    passwords._hasher = Counting()  # type: ignore[assignment]
    return seen


# ---- what they are for


async def test_a_browser_logs_in_works_and_logs_out(node: World) -> None:
    await add(node, display_name="Anna Lind", initials="AL", role="watch")
    async with guest(node) as browser:
        opened = (await login(browser)).json()
        assert (opened["role"], opened["token"]) == ("watch", None)
        me = (await browser.get("/api/v1/me")).json()
        assert (me["name"], me["display_name"], me["initials"]) == ("anna", "Anna Lind", "AL")
        assert me["csrf_token"] == opened["csrf_token"]
        csrf = {CSRF_HEADER: me["csrf_token"]}
        made = await browser.post("/api/v1/plans", content=plan_bytes(), headers=csrf)
        assert made.status_code == 201
        assert (await browser.post("/api/v1/plans", content=plan_bytes())).status_code == 403
        gone = await browser.delete("/api/v1/sessions/current", headers=csrf)
        assert gone.json() == {"ended": 1}
        assert "Max-Age=0" in gone.headers["set-cookie"]
        browser.cookies.set(COOKIE, "kept by a thief")
        assert (await browser.get("/api/v1/me")).status_code == 401


async def test_the_cookie_is_out_of_reach_for_pages_and_other_sites(node: World) -> None:
    await add(node)
    async with guest(node) as browser:
        reply = await login(browser)
    (cookie,) = reply.headers.get_list("set-cookie")
    name, *flags = [part.strip() for part in cookie.split(";")]
    assert name.startswith(f"{COOKIE}=tss_")
    assert sorted(flag.lower() for flag in flags) == ["httponly", "path=/", "samesite=strict"]
    assert reply.headers["cache-control"] == "no-store"
    # No Max-Age: the browser forgets it when it is closed. No Secure, for this is plain http on
    # loopback; with TLS the name asks browsers for it.
    assert cookie_name(PORT, secure=True).startswith("__Host-")


async def test_this_machine_is_shown_as_such(node: World) -> None:
    assert (await add(node))["made_by"] == "this machine"
    me = (await node.client.get("/api/v1/me")).json()
    assert (me["name"], me["role"], me["account"]) == ("this machine", "admin", None)
    assert (await node.client.delete("/api/v1/sessions/current")).status_code == 409


@pytest.mark.parametrize("what", ["password", "own password", "role", "removal"])
async def test_all_sessions_end_with_what_the_account_was(node: World, what: str) -> None:
    await add(node, "ben")
    anna = await add(node, role="watch")
    bearer = (await login(node.client, kind="bearer")).json()["token"]
    async with guest(node) as browser:
        csrf = (await login(browser)).json()["csrf_token"]
        assert (await browser.get("/api/v1/me")).status_code == 200
        where = f"/api/v1/accounts/{anna['id']}"
        if what == "password":
            done = await node.client.put(f"{where}/password", json={"password": OTHER})
        elif what == "own password":
            said = {"current": PASSWORD, "password": OTHER}
            done = await browser.put("/api/v1/me/password", json=said, headers={CSRF_HEADER: csrf})
        elif what == "role":
            done = await node.client.put(f"{where}/role", json={"role": "viewer"})
        else:
            done = await node.client.delete(where)
        assert done.status_code == 200, done.text
        assert (await browser.get("/api/v1/me")).status_code == 401
    async with guest(node, Authorization=f"Bearer {bearer}") as program:
        assert (await program.get("/api/v1/me")).status_code == 401
        if "password" in what:
            assert (await login(program)).status_code == 401
            assert (await login(program, password=OTHER)).status_code == 201


async def test_an_open_feed_ends_with_its_session(tmp_path: Path) -> None:
    timers = Timers(feed_heartbeat_s=0.05)
    async with world(tmp_path / "node.db", timers=timers) as node:
        anna = await add(node, role="viewer")
        token = (await login(node.client, kind="bearer")).json()["token"]
        headers = [("Host", f"127.0.0.1:{PORT}"), ("Authorization", f"Bearer {token}")]
        feed = asyncio.create_task(ask(node.app, "/api/v1/events", headers=headers))
        # ``ask`` hangs up at once, as a reader that has gone; a real one stays.
        assert (await feed).status == 200
        stays = asyncio.create_task(_follow(node, headers))
        while node.api.feed.readers == 0:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert not stays.done()
        await node.client.delete(f"/api/v1/accounts/{anna['id']}")
        assert (await asyncio.wait_for(stays, 10)).endswith(b"")


async def _follow(node: World, headers: list[tuple[str, str]]) -> bytes:
    """Read the feed as a server does for a client that stays."""
    content, over = bytearray(), asyncio.Event()
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/events",
        "query_string": b"",
        "headers": [(n.lower().encode(), v.encode()) for n, v in headers],
        "client": ("127.0.0.1", 50_000),
    }

    async def receive() -> dict[str, Any]:
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        content.extend(message.get("body", b""))
        if message["type"] == "http.response.body" and not message["more_body"]:
            over.set()

    await node.app(scope, receive, send)
    return bytes(content)


async def test_sessions_end_by_being_idle_and_by_age(node: World) -> None:
    await add(node, role="viewer")
    token = (await login(node.client, kind="bearer")).json()["token"]
    async with guest(node, Authorization=f"Bearer {token}") as program:
        for _ in range(15):
            node.clock.later += timedelta(minutes=63)
            assert (await program.get("/api/v1/me")).status_code == 200
        node.clock.later += timedelta(minutes=16)  # 16 hours and a minute.
        assert (await program.get("/api/v1/me")).status_code == 401
    token = (await login(node.client, kind="bearer")).json()["token"]
    async with guest(node, Authorization=f"Bearer {token}") as program:
        node.clock.later += timedelta(hours=2)
        assert (await program.get("/api/v1/me")).status_code == 401


async def test_an_account_has_so_many_sessions_and_no_more(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db", limits=Limits(sessions_per_account_max=3)) as node:
        await add(node)
        tokens = []
        for _ in range(5):
            node.clock.later += timedelta(seconds=1)
            tokens.append((await login(node.client, kind="bearer")).json()["token"])
        sessions = (await node.client.get("/api/v1/sessions")).json()["sessions"]
        assert len(sessions) == 3
        actor = node.api.accounts.sessions.actor
        assert [actor(token, "bearer") is not None for token in tokens] == [False] * 2 + [True] * 3


@only_sqlite
async def test_a_restart_keeps_sessions_and_the_store_has_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    async with world(path) as node:
        await add(node, role="viewer")
        token = (await login(node.client, kind="bearer")).json()["token"]
        said = {"name": "map", "scopes": ["feed"]}
        feed = (await node.client.post("/api/v1/feed-tokens", json=said)).json()["token"]
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("node.db*"))
    for secret in (token, feed, PASSWORD):
        assert secret.encode() not in stored
    assert b"$argon2id$" in stored
    async with world(path, seed=2) as again:
        accounts = again.api.accounts
        assert accounts.sessions.actor(token, "bearer") is not None
        assert accounts.feed_tokens.actor(feed) is not None


async def test_admins_see_all_sessions_and_others_their_own(node: World) -> None:
    await add(node, "anna", "viewer")
    await add(node, "ben", "watch")
    tokens = {
        name: (await login(node.client, name, kind="bearer")).json() for name in ("anna", "ben")
    }
    async with guest(node, Authorization=f"Bearer {tokens['ben']['token']}") as ben:
        listed = (await ben.get("/api/v1/sessions")).json()["sessions"]
        assert [(one["name"], one["current"]) for one in listed] == [("ben", True)]
        assert (await ben.delete(f"/api/v1/sessions/{tokens['anna']['id']}")).status_code == 404
    assert len((await node.client.get("/api/v1/sessions")).json()["sessions"]) == 2
    gone = await node.client.delete(f"/api/v1/sessions/{tokens['anna']['id']}")
    assert gone.status_code == 200


# ---- the first account


def first(token: str, name: str = "anna") -> dict[str, str]:
    return {
        "token": token,
        "name": name,
        "display_name": "Anna",
        "initials": "AL",
        "password": PASSWORD,
    }


async def test_the_first_link_makes_one_admin_once(node: World) -> None:
    people = node.api.accounts.people
    old = await people.first_link()
    token = await people.first_link()
    assert old
    assert token
    async with guest(node) as anybody:
        for wrong in ("", "tsu_x", old):  # A later link takes an earlier one's place.
            assert (await anybody.post("/api/v1/setup", json=first(wrong))).status_code == 401
        bad = await anybody.post("/api/v1/setup", json=first(token) | {"password": "short"})
        assert bad.status_code == 400
        replies = await asyncio.gather(
            *(anybody.post("/api/v1/setup", json=first(token, f"anna{n}")) for n in range(5))
        )
        assert sorted(reply.status_code for reply in replies) == [201, 401, 401, 401, 401]
        made = next(reply.json() for reply in replies if reply.status_code == 201)
        assert (made["role"], made["made_by"]) == ("admin", "the first link")
        assert (await login(anybody, made["name"])).status_code == 201
    assert await people.first_link() is None


async def test_the_first_link_ends_after_a_day_and_with_any_account(node: World) -> None:
    people = node.api.accounts.people
    token = await people.first_link()
    assert token
    node.clock.later += timedelta(hours=24, seconds=1)
    assert (await node.client.post("/api/v1/setup", json=first(token))).status_code == 401
    token = await people.first_link()
    assert token
    await add(node, "ben")
    assert (await node.client.post("/api/v1/setup", json=first(token))).status_code == 401


# ---- what the ill-meaning try


async def test_nobody_learns_which_names_there_are(node: World) -> None:
    await add(node)
    seen = counted(node)
    answers = set()
    for name in ("anna", "nobody", "ANNA", "анна", "x" * 100, "", "anna\r\nSet-Cookie: a=b"):
        before = len(seen)
        reply = await login(node.client, name, "not the password")
        answers.add((reply.status_code, reply.text))
        assert seen[before:] == ["verify"], name
    assert len(answers) == 1
    assert answers.pop()[0] == 401


async def test_an_oversized_password_is_refused_before_it_is_hashed(node: World) -> None:
    anna = await add(node)
    seen = counted(node)
    long = "long password " * 100
    assert len(long) > PASSWORD_CHARS_MAX
    for password, status in ((long, 400), ("a" * 1_000_000, 413)):
        for method, path, said in (
            ("POST", "/api/v1/sessions", {"name": "anna", "password": password}),
            ("POST", "/api/v1/setup", first("tsu_x") | {"password": password}),
            ("PUT", f"/api/v1/accounts/{anna['id']}/password", {"password": password}),
        ):
            reply = await node.client.request(method, path, json=said)
            assert reply.status_code == status, path
    assert seen == []


async def test_a_thousand_logins_at_once_are_bounded(tmp_path: Path) -> None:
    limits = Limits(logins_at_once=2, logins_waiting=4)
    timers = Timers(login_pause_first_s=60.0, login_pause_address_s=60.0)
    async with world(tmp_path / "node.db", limits=limits, timers=timers) as node:
        await add(node)
        hasher, running, most = node.api.accounts._passwords._hasher, 0, 0
        lock = threading.Lock()

        class Watched:
            def verify(self, against: str, password: str) -> bool:
                nonlocal running, most
                with lock:
                    running += 1
                    most = max(most, running)
                threading.Event().wait(0.01)
                with lock:
                    running -= 1
                return hasher.verify(against, password)

        node.api.accounts._passwords._hasher = Watched()  # type: ignore[assignment]
        for names in ([f"name{n}" for n in range(1_000)], ["anna"] * 1_000):
            replies = await asyncio.gather(
                *(login(node.client, name, "not the password") for name in names)
            )
            statuses = {reply.status_code for reply in replies}
            assert statuses <= {401, 429, 503}
            tried = [reply for reply in replies if reply.status_code == 401]
            assert len(tried) <= limits.login_tries_address
            assert len(replies) == 1_000
            refused = [reply for reply in replies if reply.status_code != 401]
            assert all(int(reply.headers["retry-after"]) >= 1 for reply in refused)
        assert most <= limits.logins_at_once


async def test_wrong_passwords_bring_pauses_and_sessions_go_on(tmp_path: Path) -> None:
    timers = Timers(login_pause_first_s=60.0, login_pause_last_s=600.0)
    async with world(tmp_path / "node.db", timers=timers) as node:
        await add(node)
        await add(node, "ben", "viewer")
        token = (await login(node.client, kind="bearer")).json()["token"]
        statuses = [
            (await login(node.client, password="not the password")).status_code for _ in range(7)
        ]
        assert statuses == [401] * 5 + [429] * 2
        paused = await login(node.client)
        assert (paused.status_code, int(paused.headers["retry-after"])) == (429, 60)
        assert (await login(node.client, "ben")).status_code == 201
        async with guest(node, Authorization=f"Bearer {token}") as program:
            assert (await program.get("/api/v1/me")).status_code == 200


async def test_a_session_cannot_be_planted(node: World) -> None:
    await add(node)
    await add(node, "mallory", "viewer")
    async with guest(node) as browser:
        planted = (await login(browser, "mallory")).cookies[COOKIE]
        for value in (planted, "tss_chosen-by-somebody", ""):
            browser.cookies.clear()
            browser.cookies.set(COOKIE, value)
            reply = await login(browser)
            assert reply.cookies[COOKIE] not in (value, planted)
        # The session that was there before has ended with the login that took its place.
        browser.cookies.clear()
        browser.cookies.set(COOKIE, planted)
        assert (await browser.get("/api/v1/me")).status_code == 401


async def test_two_cookies_of_our_name_are_none(node: World) -> None:
    await add(node)
    async with guest(node) as browser:
        mine = (await login(browser)).cookies[COOKIE]
    for cookies in (f"{COOKIE}={mine}; {COOKIE}=x", f"{COOKIE}=x; {COOKIE}={mine}"):
        headers = [("Host", f"127.0.0.1:{PORT}"), ("Cookie", cookies)]
        assert (await ask(node.app, "/api/v1/me", headers=headers)).status == 401
    headers = [("Host", f"127.0.0.1:{PORT}"), ("Cookie", f"a=b; {COOKIE}={mine};c=d")]
    assert (await ask(node.app, "/api/v1/me", headers=headers)).status == 200
    # A bad token is not made good by a cookie that came along.
    headers.append(("Authorization", "Bearer x"))
    assert (await ask(node.app, "/api/v1/me", headers=headers)).status == 401


@pytest.mark.parametrize(
    "name",
    [
        "аnna",  # The first letter is Cyrillic.
        "anna\u200b",
        "ａｎｎａ",
        "Anna",
        "ana\u0301",
        "a",
        "a" * 33,
        "anna lind",
        "anna\r\nX: y",
        "anna\n",
        "1anna",
        ".anna",
        "anna;b",
        "",
    ],
)
async def test_names_are_of_one_plain_alphabet(node: World, name: str) -> None:
    said = {"name": name, "display_name": "x", "initials": "XY", "role": "viewer"}
    reply = await node.client.post("/api/v1/accounts", json=said | {"password": PASSWORD})
    assert (reply.status_code, reply.json()["field"]) == (400, "name")


@pytest.mark.parametrize("shown", ["a\r\nSet-Cookie: x=y", "a\u202eb", "a\x1b[2J", " ", "\ud800"])
async def test_names_to_show_do_not_steer(node: World, shown: str) -> None:
    said = {"name": "anna", "initials": "XY", "role": "viewer", "password": PASSWORD}
    body = json.dumps(said | {"display_name": shown})
    reply = await node.client.post("/api/v1/accounts", content=body)
    assert reply.status_code == 400
    token = json.dumps({"name": shown, "scopes": ["feed"]})
    assert (await node.client.post("/api/v1/feed-tokens", content=token)).status_code == 400


async def test_names_to_show_may_be_of_any_language(node: World) -> None:
    made = await add(node, display_name="خلية الشمال")
    assert made["display_name"] == "خلية الشمال"
    body = {"name": "bo", "display_name": "B", "initials": "AN", "role": "viewer"}
    taken = await node.client.post("/api/v1/accounts", json=body | {"password": PASSWORD})
    assert taken.status_code == 409


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaaaaaa", "anna-1234567", "tab\tin the middle", "x" * 257]
)
async def test_poor_passwords_are_refused(node: World, password: str) -> None:
    said = {"name": "anna", "display_name": "A", "initials": "AL", "role": "viewer"}
    reply = await node.client.post("/api/v1/accounts", json=said | {"password": password})
    assert (reply.status_code, reply.json()["field"]) == (400, "password")


async def test_a_password_is_the_same_from_any_keyboard(node: World) -> None:
    await add(node, password="r\u00e9sum\u00e9 of the watch")
    decomposed = "re\u0301sume\u0301 of the watch"
    assert (await login(node.client, password=decomposed)).status_code == 201


async def test_a_login_that_overlaps_a_password_change_does_not_outlive_it(node: World) -> None:
    anna = await add(node)
    people = node.api.accounts.people
    verified = people.verified

    async def slow(*args: Any) -> Any:
        account = await verified(*args)
        await node.client.put(f"/api/v1/accounts/{anna['id']}/password", json={"password": OTHER})
        return account

    people.verified = slow  # type: ignore[method-assign]
    with pytest.raises(Unauthenticated, match="changed meanwhile"):
        await node.api.accounts.sessions.begin(Login(name="anna", password=PASSWORD), "here")
    assert (await node.client.get("/api/v1/sessions")).json() == {"sessions": []}


async def test_the_last_admin_stays(node: World) -> None:
    anna, ben = await add(node), await add(node, "ben")
    both = await asyncio.gather(
        *(node.client.delete(f"/api/v1/accounts/{one['id']}") for one in (anna, ben))
    )
    assert sorted(reply.status_code for reply in both) == [200, 409]


async def test_a_key_of_one_person_is_not_anothers(node: World) -> None:
    await add(node, role="watch")
    token = (await login(node.client, kind="bearer")).json()["token"]
    key, body = {"Idempotency-Key": "k"}, plan_bytes()
    made = await node.client.post("/api/v1/plans", content=body, headers=key)
    assert made.status_code == 201
    headers = key | {"Authorization": f"Bearer {token}"}
    assert (
        await node.client.post("/api/v1/plans", content=body, headers=headers)
    ).status_code == 422


async def test_no_answer_with_a_secret_is_kept_under_a_key(node: World) -> None:
    await add(node)
    for _ in range(2):
        reply = await node.client.post(
            "/api/v1/sessions",
            json={"name": "anna", "password": PASSWORD, "kind": "bearer"},
            headers={"Idempotency-Key": "k", "Authorization": f"Bearer {TOKEN}"},
        )
        assert reply.status_code == 201
    rows = await node.store.read(lambda tx: tx.fetch("SELECT key FROM idempotency"))
    assert rows == []


async def test_pages_of_other_origins_cannot_log_in_or_read(node: World) -> None:
    await add(node)
    for origin in ("null", "http://evil.example", f"http://127.0.0.1:{PORT + 1}"):
        async with guest(node, Origin=origin) as page:
            assert (await login(page)).status_code == 403
