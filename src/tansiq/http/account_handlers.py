"""Handlers of accounts, sessions and feed tokens.

The answer to a login carries a secret, so none of these is kept under an Idempotency-Key.
"""

from typing import Final

import msgspec
from starlette.responses import Response

from tansiq.errors import Unauthenticated
from tansiq.http.guard import ADDRESS, Address, cookie_name, cookie_of
from tansiq.http.operations import Answer, Call
from tansiq.http.own_handlers import OwnApi
from tansiq.services.accounts.tokens import csrf_of
from tansiq.services.accounts.views import (
    FirstAccount,
    Login,
    Me,
    NewAccount,
    NewFeedToken,
    NewPassword,
    NewRole,
    OwnPassword,
)

_UNKNOWN: Final = "nowhere"


async def set_up(api: OwnApi, call: Call) -> Answer:
    first: FirstAccount = call.content
    return Answer(201, await api.accounts.people.set_up(first))


async def log_in(api: OwnApi, call: Call) -> Response:
    login: Login = call.content
    opened, token = await api.accounts.sessions.begin(
        login, _address(call), instead_of=_cookie(call)
    )
    response = Response(msgspec.json.encode(opened), 201, _NO_STORE, "application/json")
    if login.kind == "cookie":
        response.set_cookie(
            _cookie_name(call),
            token,
            path="/",
            secure=_reached(call).secure,
            httponly=True,
            samesite="strict",
        )
    return response


async def log_out(api: OwnApi, call: Call) -> Response:
    ended = await api.accounts.sessions.end_current(call.actor)
    response = Response(msgspec.json.encode(ended), 200, _NO_STORE, "application/json")
    response.delete_cookie(
        _cookie_name(call),
        path="/",
        secure=_reached(call).secure,
        httponly=True,
        samesite="strict",
    )
    return response


async def list_sessions(api: OwnApi, call: Call) -> Answer:
    return Answer(200, api.accounts.sessions.list_sessions(call.actor))


async def end_session(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.accounts.sessions.end(call.id, call.actor))


async def get_me(api: OwnApi, call: Call) -> Answer:
    actor, cookie = call.actor, _cookie(call)
    if actor.role is None:
        raise Unauthenticated("a feed token is nobody", field="Authorization")
    by_cookie = cookie is not None and "authorization" not in call.request.headers
    me = Me(
        name=actor.name,
        display_name=actor.display_name,
        initials=actor.initials,
        role=actor.role,
        account=actor.account or None,
        session=actor.credential or None,
        csrf_token=csrf_of(cookie) if by_cookie and cookie else None,
    )
    return Answer(200, me)


async def set_own_password(api: OwnApi, call: Call) -> Answer:
    new: OwnPassword = call.content
    people = api.accounts.people
    return Answer(200, await people.set_own_password(new, call.actor, _address(call)))


async def list_accounts(api: OwnApi, _: Call) -> Answer:
    return Answer(200, api.accounts.people.list_accounts())


async def add_account(api: OwnApi, call: Call) -> Answer:
    new: NewAccount = call.content
    return Answer(201, await api.accounts.people.add(new, call.actor))


async def set_role(api: OwnApi, call: Call) -> Answer:
    new: NewRole = call.content
    return Answer(200, await api.accounts.people.set_role(call.id, new.role, call.actor))


async def set_password(api: OwnApi, call: Call) -> Answer:
    new: NewPassword = call.content
    return Answer(200, await api.accounts.people.set_password(call.id, new.password, call.actor))


async def remove_account(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.accounts.people.remove(call.id, call.actor))


async def list_feed_tokens(api: OwnApi, _: Call) -> Answer:
    return Answer(200, api.accounts.feed_tokens.list_tokens())


async def add_feed_token(api: OwnApi, call: Call) -> Answer:
    new: NewFeedToken = call.content
    return Answer(201, await api.accounts.feed_tokens.add(new, call.actor))


async def revoke_feed_token(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.accounts.feed_tokens.revoke(call.id, call.actor))


_NO_STORE: Final = {"Cache-Control": "no-store"}


def _reached(call: Call) -> Address:
    reached: Address = call.request.scope[ADDRESS]
    return reached


def _cookie_name(call: Call) -> str:
    return cookie_name(_reached(call).port, secure=_reached(call).secure)


def _cookie(call: Call) -> str | None:
    return cookie_of(call.request.headers, _cookie_name(call))


def _address(call: Call) -> str:
    client = call.request.client
    return _UNKNOWN if client is None else client.host
