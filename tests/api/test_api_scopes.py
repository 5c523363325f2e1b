"""Supervisors who see some of it: what is outside their scope does not exist for them."""

import pytest
from sqlalchemy import ARRAY, Text, column, select, values

from offhook.accounts.principal import Principal, Scope
from offhook.accounts.roles import Permission, Role
from offhook.accounts.scoping import scoped
from offhook.accounts.service import user_principal
from offhook.storage.database import Database
from tests.support.accounts import add_user, browser_of
from tests.support.api import LISTS, MORNING, api_client, make_app, token_for


async def _lists(database: Database, **queues: str) -> None:
    token = await token_for(database, [Permission.callbacks_write])
    async with api_client(make_app(database), token) as client:
        for name, queue in queues.items():
            made = await client.post(
                LISTS, json={"name": name, "queue": queue, "periods": [MORNING]}
            )
            assert made.status_code == 201, made.text
            booked = await client.post(
                f"{LISTS}/{name}/callbacks", json={"numbers": ["+390612345678"]}
            )
            assert booked.status_code == 201, booked.text


async def _callback(database: Database, name: str) -> str:
    token = await token_for(database, [Permission.callbacks_read], f"reader of {name}")
    async with api_client(make_app(database), token) as client:
        page = (await client.get(f"{LISTS}/{name}/callbacks")).json()
    found: str = page["items"][0]["callback_id"]
    return found


async def test_a_supervisor_of_one_queue_finds_nothing_of_another(database: Database) -> None:
    await _lists(database, mine="A", theirs="B", nobodys="")
    mine, theirs = await _callback(database, "mine"), await _callback(database, "theirs")
    await add_user(database, "rossi", Role.supervisor, scope=Scope(queues=("A",)))
    async with browser_of(make_app(database), "rossi") as client:
        named = [one["name"] for one in (await client.get(LISTS)).json()["items"]]
        seen = [
            (await client.get(path)).status_code
            for path in (f"{LISTS}/mine", f"{LISTS}/mine/callbacks", f"/api/v1/callbacks/{mine}")
        ]
        hidden = [
            await client.get(f"{LISTS}/theirs"),
            await client.get(f"{LISTS}/theirs/callbacks"),
            await client.get(f"{LISTS}/nobodys/stats"),
            await client.patch(f"{LISTS}/theirs", json={"rules": {"again_after": 2}}),
            await client.post(f"{LISTS}/theirs/callbacks", json={"numbers": ["+390612345679"]}),
            await client.delete(f"{LISTS}/theirs"),
            await client.get(f"/api/v1/callbacks/{theirs}"),
            await client.post(f"/api/v1/callbacks/{theirs}/cancel", json={}),
        ]
        missing = await client.get(f"{LISTS}/no-such-list")
        beyond = await client.post(LISTS, json={"name": "x", "queue": "B", "periods": [MORNING]})
        within = await client.post(LISTS, json={"name": "y", "queue": "A", "periods": [MORNING]})

    assert named == ["mine"]
    assert seen == [200, 200, 200]
    assert {one.status_code for one in hidden} == {404}
    assert {one.json()["code"] for one in hidden} == {"callback_list_not_found", "callback_unknown"}
    assert hidden[0].json()["detail"].replace("theirs", "no-such-list") == missing.json()["detail"]
    assert (beyond.status_code, beyond.json()["code"]) == (403, "out_of_scope")
    assert within.status_code == 201


_ROWS = values(
    column("name", Text),
    column("campaign", Text),
    column("queue", Text),
    column("groups", ARRAY(Text)),
    name="things",
).data(
    [
        ("one", "c1", "A", ["sales"]),
        ("two", "c2", "B", ["sales", "gold"]),
        ("three", None, "A", []),
        ("four", "c1", None, ["gold"]),
    ]
)


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        (Scope(), {"one", "two", "three", "four"}),
        (Scope(campaigns=("c1",)), {"one", "four"}),
        (Scope(campaigns=()), set()),
        (Scope(queues=("A",)), {"one", "three"}),
        (Scope(campaigns=("c1", "c2"), queues=("A",)), {"one"}),
        (Scope(groups=("gold",)), {"two", "four"}),
        (Scope(groups=()), set()),
    ],
)
async def test_a_query_leaves_out_what_is_outside_the_scope(
    scope: Scope, names: set[str], database: Database
) -> None:
    user = await add_user(database, "rossi", Role.supervisor, scope=scope)
    principal: Principal = user_principal(user)
    query = scoped(
        select(_ROWS.c.name),
        principal,
        campaign=_ROWS.c.campaign,
        queue=_ROWS.c.queue,
        groups=_ROWS.c.groups,
    )
    async with database.transaction() as session:
        assert set(await session.scalars(query)) == names


def test_what_belongs_to_none_is_outside_a_scope_that_names_some() -> None:
    scope = Scope(campaigns=("c1",))
    assert scope.has(campaign="c1", queue="any")
    assert scope.has(queue=None)
    assert not scope.has(campaign=None)
    assert not scope.has(campaign="c2")
    assert Scope().has(campaign=None, queue=None, group=None)
