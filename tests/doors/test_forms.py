"""Forms and submissions over REST: scopes, editions, pages, and mistakes that are named."""

from typing import Any

import pytest

from tests.doors.test_rest import NOWHERE, check_problem
from tests.journeys.stage import World

VISIT = {
    "title": "Visit",
    "examples": ["I want to book a visit to your office"],
    "fields": [{"name": "day", "type": "date", "label": "Day", "ask": "On which day?"}],
}


async def put(world: World, name: str, form: Any, scope: str = "write") -> Any:
    return await world.rest(await world.key(scope, scope)).call("PUT", f"forms/{name}", json=form)


async def test_a_form_is_offered_changed_and_withdrawn(world: World):
    budi = await world.operator()
    made = await put(world, "visit", VISIT)
    assert (made.status_code, made.json()["edition"], made.json()["source"]) == (200, 1, "key write")
    assert (await put(world, "visit", VISIT)).json()["edition"] == 1
    assert (await put(world, "visit", {**VISIT, "title": "A visit"})).json()["edition"] == 2

    (item,) = await budi.rest.items("forms")
    assert item["definition"]["title"] == {"en": "A visit"}
    assert await budi.rest.get("forms/visit") == item
    # What is read can be written back.
    assert (await put(world, "visit", item["definition"])).json()["edition"] == 2

    assert (await budi.rest.call("DELETE", "forms/visit")).status_code == 204
    assert await budi.rest.items("forms") == []
    for method in ("GET", "DELETE"):
        check_problem(await budi.rest.call(method, "forms/visit"), 404)
    assert (await put(world, "visit", VISIT)).json()["edition"] == 3


async def test_scopes(small: World):
    reader, writer = [small.rest(await small.key(s, s)) for s in ("read", "write")]
    check_problem(await put(small, "visit", VISIT, scope="read"), 403)
    check_problem(await reader.call("DELETE", "forms/visit"), 403)
    for path in ("forms", "forms/visit", "submissions", f"submissions/{NOWHERE}"):
        check_problem(await writer.call("GET", path), 403)
    check_problem(await reader.call("GET", f"submissions/{NOWHERE}"), 404)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({**VISIT, "fields": []}, "forms/visit: fields: holds too little"),
        ({**VISIT, "name": "other"}, "is named 'other', the address says 'visit'"),
        ({**VISIT, "fields": [{**VISIT["fields"][0], "type": "colour"}]}, "fields.day: has an unknown type"),
        ({"title": "x\x00y"}, "examples: is missing: add it"),
    ],
)
async def test_a_mistake_is_named(small: World, form: dict[str, Any], said: str):
    body = check_problem(await put(small, "visit", form), 422)
    assert said in body["detail"]
    assert await (await small.operator()).rest.items("forms") == []


async def test_no_object_is_no_form(small: World):
    for form in ([], "form", None, 7):
        check_problem(await put(small, "visit", form), 422)
    check_problem(await put(small, "A visit", VISIT), 422)


async def test_submissions_come_in_pages(world: World):
    await put(world, "visit", VISIT)
    people = [world.customer(name) for name in ("Ani", "Tirta", "Sekar")]
    for person in people:
        for line in (VISIT["examples"][0], "24 December 2026", "yes"):
            await person.says(str(line))
            await world.settles()
    budi = await world.operator()
    first = await budi.rest.get("submissions?limit=2&form=visit")
    rest = await budi.rest.get(f"submissions?limit=2&cursor={first['next_cursor']}")
    assert [item["answers"] for item in (*first["items"], *rest["items"])] == [{"day": "2026-12-24"}] * 3
    assert rest["next_cursor"] is None
    mine = (await budi.conversation(people[1]))["id"]
    (one,) = await budi.rest.items(f"submissions?conversation={mine}")
    assert await budi.rest.get(f"submissions/{one['id']}") == one
    assert await budi.rest.items("submissions?form=other") == []


async def test_the_shapes_are_in_the_openapi_document(small: World):
    document = (await small.web.get("/api/v1/openapi.json")).json()
    assert {"/api/v1/forms", "/api/v1/forms/{name}", "/api/v1/submissions"} <= document["paths"].keys()
    body = document["paths"]["/api/v1/forms/{name}"]["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert "fields" in body["properties"]
