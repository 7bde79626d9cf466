"""Whose word a webhook is: an app's secret opens the numbers of that app, and no other ones."""

import json
from typing import Any

import pytest

from api.simulator.graph import ACCOUNT, NUMBER, SECRET, GraphDouble
from api.switchboard import LOOK_EVERY, Switchboard
from api.whatsapp.signature import HEADER, sign
from sahut.errors import SendNotMade
from sahut.models import AccountNews, AuditEntry, Message, NumberSettings, RawEvent
from sahut.settings import Settings
from sahut.turn import Guidance
from tests.doors.test_rest import check_problem
from tests.journeys.people import Rest
from tests.journeys.stage import KEY, World, open_world

WEBHOOK = "/webhooks/whatsapp"
BRANCH, BRANCH_ACCOUNT, BRANCH_SECRET = "106500000000002", "222000111000888", "branch-secret"
NEW_KEY = "A" * 43 + "="
DAY_S = 86_400


async def admin_of(world: World) -> Rest:
    return world.rest(await world.key("eva", "admin"))


async def branch_of(world: World, secret: str = BRANCH_SECRET) -> GraphDouble:
    admin = await admin_of(world)
    body = {"number": BRANCH, "account": BRANCH_ACCOUNT, "access_token": "branch-token", "app_secret": secret}
    answer = await admin.post("numbers", body)
    assert answer.status_code == 201, answer.text
    return world.line(BRANCH, account=BRANCH_ACCOUNT, token="branch-token", secret=secret)


async def post(world: World, payload: Any, secret: str) -> int:
    body = json.dumps(payload).encode()
    return (await world.web.post(WEBHOOK, content=body, headers={HEADER: sign(body, secret)})).status_code


def both(world: World, branch: GraphDouble) -> Any:
    """One webhook with a message for each number."""
    mine = world.double.payload_of(world.customer("Ani").text("Halo"))
    mine["entry"] += branch.payload_of(branch.customer("6281300000002", "Bela").text("Halo"))["entry"]
    return mine


async def test_a_secret_opens_the_numbers_of_its_app_and_no_others(world: World):
    branch = await branch_of(world)
    payload = both(world, branch)
    assert await post(world, payload, SECRET) == 200
    assert [row.number for row in await world.rows(Message)] == [NUMBER]
    assert [row.why for row in await world.rows(RawEvent)] == ["unserved_number"]
    assert [line["number"] for line in world.logs if "signed by another app" in line["event"]] == [BRANCH]
    assert await post(world, payload, BRANCH_SECRET) == 200
    assert sorted(row.number for row in await world.rows(Message)) == [NUMBER, BRANCH]
    assert await post(world, payload, "nobody's") == 401


async def test_a_status_moves_no_message_of_another_apps_number(small: World):
    branch = await branch_of(small)
    ani = small.customer("Ani")
    await ani.says("Halo")
    await small.settles()
    (sent,) = small.double.sent
    mine = await small.row_of(sent)
    forged = small.double.status_payload(sent, "failed", code=131026)
    value = forged["entry"][0]["changes"][0]["value"]
    value["metadata"]["phone_number_id"] = branch.number
    value["statuses"][0]["id"] = "wamid.another"
    assert await post(small, forged, BRANCH_SECRET) == 200
    assert (await small.row_of(sent)).state == mine.state == "read"


async def test_news_of_an_account_come_from_its_own_app(small: World):
    await branch_of(small)
    for account, secret in ((ACCOUNT, BRANCH_SECRET), (BRANCH_ACCOUNT, SECRET), (BRANCH_ACCOUNT, BRANCH_SECRET)):
        value = {"event": "ACCOUNT_RESTRICTION", "said_by": secret}
        changes = [{"field": "account_update", "value": value}]
        payload = {"object": "whatsapp_business_account", "entry": [{"id": account, "changes": changes}]}
        assert await post(small, payload, secret) == 200
    assert [row.account for row in await small.rows(AccountNews)] == [BRANCH_ACCOUNT]
    assert [row.why for row in await small.rows(RawEvent)] == ["unserved_account"] * 2


async def test_while_a_secret_is_rotated_both_sign_and_then_only_the_new_one(world: World):
    branch, admin = await branch_of(world, "first"), await admin_of(world)

    async def takes(secret: str) -> bool:
        return await post(world, branch.payload_of(branch.customer("6281300000002").text("Halo")), secret) == 200

    assert (await admin.call("PATCH", f"numbers/{BRANCH}", json={"app_secret": "second"})).status_code == 200
    assert [await takes(secret) for secret in ("first", "second")] == [True, True]
    world.clock.advance(7 * DAY_S - 1)
    assert await takes("first")
    world.clock.advance(1)
    assert [await takes(secret) for secret in ("first", "second")] == [False, True]

    await admin.call("PATCH", f"numbers/{BRANCH}", json={"app_secret": "third"})
    assert await takes("second")
    await admin.call("PATCH", f"numbers/{BRANCH}", json={"old_app_secret": None})
    assert [await takes(secret) for secret in ("second", "third")] == [False, True]


async def test_one_number_works_without_a_row_and_keeps_working_beside_others(small: World):
    ani = small.customer("Ani")
    await ani.says("Halo")
    await branch_of(small)
    await ani.says("Halo?")
    await small.settles()
    assert len(await small.rows(Message)) == 3
    assert await small.house.store.ping() is None
    async with small.house.store.reading() as tx:
        assert await tx.get(NumberSettings, NUMBER) is None


HOSTILE = [
    ({"access_token": "EAAB\nX-Evil: 1"}, "copy it again"),
    ({"access_token": "EAA B"}, "copy it again"),
    ({"access_token": "ké"}, "copy it again"),
    ({"access_token": "x" * 5000}, "copy it again"),
    ({"access_token": "  "}, "send null"),
    ({"app_secret": "\x00secret"}, "copy it again"),
    ({"app_secret": 7}, "string"),
    ({"old_app_secret": "x"}, "none"),
    ({"persona": "x" * 4001}, "4000"),
    ({"organisation": " \n "}, "send null"),
    ({"organisation": "x" * 101}, "100"),
    ({"timezone": "Mars/Olympus"}, "IANA"),
    ({"timezone": "../../etc/passwd"}, "IANA"),
    ({"business_hours": "whenever"}, "Mon-Fri"),
    ({"business_hours": "Mon 08:00-09:00, " * 40}, "500"),
    ({"collections": "main"}, "list"),
    ({"collections": [""]}, "send null"),
    ({"collections": [str(n) for n in range(51)]}, "50"),
    ({"account": "DROP TABLE"}, "digits"),
    ({"pace": 100}, "no such field"),
]


@pytest.mark.parametrize(("given", "says"), HOSTILE, ids=lambda case: str(case)[:40])
async def test_what_makes_no_sense_is_refused_and_no_secret_is_told_back(small: World, given: Any, says: str):
    admin = await admin_of(small)
    answer = await admin.call("PATCH", f"numbers/{NUMBER}", json=given)
    problem = check_problem(answer, 422)
    assert says.lower() in str(problem["errors"]).lower()
    for name in ("access_token", "app_secret"):
        if isinstance(given.get(name), str) and given[name].strip():
            assert given[name][:8] not in answer.text
    assert await small.rows(AuditEntry) == []


async def test_control_characters_go_and_words_stay(small: World):
    admin = await admin_of(small)
    given = {"persona": "Warm\x00 and\x1b[31m brief.\nAlways.", "organisation": "Kantor\tTimur\r\n"}
    shown = (await admin.call("PATCH", f"numbers/{NUMBER}", json=given)).json()
    assert shown["own"]["persona"] == "Warm and[31m brief.\nAlways."
    assert shown["in_force"]["organisation"] == "Kantor Timur"
    again = (await admin.call("PATCH", f"numbers/{NUMBER}", json={"persona": None})).json()
    assert (again["own"]["persona"], again["in_force"]["persona"], again["edition"]) == (None, "", 2)


async def test_only_an_admin_changes_and_only_what_is_ours(small: World):
    writer, admin = small.rest(await small.key("crm", "write", "read")), await admin_of(small)
    body = {"persona": "Warm."}
    check_problem(await writer.call("PATCH", f"numbers/{NUMBER}", json=body), 403)
    check_problem(await writer.post("numbers", {"number": BRANCH}), 403)
    check_problem(await admin.call("PATCH", f"numbers/{BRANCH}", json=body), 404)
    check_problem(await admin.call("GET", f"numbers/{BRANCH}/editions"), 404)
    check_problem(await admin.post("numbers", {"number": "+62 811"}), 422)
    assert (await admin.post("numbers", {"number": BRANCH})).status_code == 201
    check_problem(await admin.post("numbers", {"number": BRANCH}), 409)
    assert (await writer.get(f"numbers/{BRANCH}"))["app_secret"]["is_set"] is False


async def test_without_a_key_no_secret_is_kept_and_it_is_said_how_to_make_one(templates, embedder, tmp_path):
    url = templates.sqlite(tmp_path / "sahut.db")
    async with open_world(url, embedder, tmp_path, encryption_keys="") as world:
        admin = await admin_of(world)
        problem = check_problem(await admin.post("numbers", {"number": BRANCH, "access_token": "a-token"}), 422)
        assert "SAHUT_ENCRYPTION_KEYS" in problem["detail"]
        assert "urandom(32)" in problem["detail"]
        assert await world.rows(AuditEntry) == []
        assert (await admin.call("PATCH", f"numbers/{NUMBER}", json={"persona": "Warm."})).status_code == 200


async def test_a_change_reaches_other_processes_within_moments_and_keys_can_be_changed(world: World):
    await branch_of(world)
    admin = await admin_of(world)

    def another(keys: str) -> Switchboard:
        settings = Settings(_env_file=None, encryption_keys=keys, whatsapp_access_token="first-token")
        return Switchboard(world.house.store, settings, world.clock, Guidance())

    elsewhere = another(KEY)
    assert await elsewhere.token(BRANCH) == "branch-token"
    assert await elsewhere.token(BRANCH_ACCOUNT) == "branch-token"
    assert await elsewhere.token(NUMBER) == "first-token"
    await admin.call("PATCH", f"numbers/{BRANCH}", json={"access_token": "newer-token"})
    assert await elsewhere.token(BRANCH) == "branch-token"
    world.clock.advance(LOOK_EVERY.total_seconds())
    assert await elsewhere.token(BRANCH) == "newer-token"

    with pytest.raises(SendNotMade, match="SAHUT_ENCRYPTION_KEYS"):
        await another(NEW_KEY).token(BRANCH)
    assert await another(NEW_KEY).reseal() == 0
    assert await another(f"{NEW_KEY},{KEY}").reseal() == 2
    assert await another(f"{NEW_KEY},{KEY}").reseal() == 0
    assert await another(NEW_KEY).token(BRANCH) == "newer-token"
