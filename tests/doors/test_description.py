"""The description of REST is true: every route tells of the problems that it answers, and they look as described."""

from collections.abc import Iterator
from typing import Any

import jsonschema

from tests.journeys.stage import World

PROBLEM = "application/problem+json"
NOWHERE = "00000000-0000-7000-8000-000000000000"
STREAMS = {"/api/v1/events"}


async def described(world: World) -> dict[str, Any]:
    found: dict[str, Any] = (await world.web.get("/api/v1/openapi.json")).json()
    return found


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def check(description: dict[str, Any], operation: dict[str, Any], answer: Any) -> None:
    """The answer is one that the operation tells of, in a form that it tells of."""
    told = operation["responses"].get(str(answer.status_code))
    assert told is not None, f"{operation['operationId']} does not tell of {answer.status_code}: {answer.text}"
    kind = answer.headers["content-type"]
    assert kind == PROBLEM
    schema = {**told["content"][kind]["schema"], "components": description["components"]}
    jsonschema.validate(answer.json(), schema, cls=jsonschema.Draft202012Validator)
    assert answer.json()["status"] == answer.status_code


async def test_problems_are_described_once_and_as_what_they_are(small: World):
    description = await described(small)
    assert not {"HTTPValidationError", "ValidationError"} & set(description["components"]["schemas"])
    for path, _, operation in operations(description):
        responses = operation["responses"]
        assert {"401", "403", "422", "503"} <= responses.keys()
        assert ("404" in responses) == ("{" in path), path
        assert ("413" in responses) == ("requestBody" in operation), path
        for status, response in responses.items():
            if int(status) >= 400:
                assert response["content"] == {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}


async def test_every_route_answers_without_a_key_as_it_tells(small: World):
    description = await described(small)
    nobody, stranger = small.rest(None), small.rest(await small.key("nobody", "none"))
    for path, method, operation in operations(description):
        asked = path.removeprefix("/api/v1/").replace("{", "").replace("}", "")
        for rest, status in ((nobody, 401), (stranger, 403)):
            answer = await rest.call(method.upper(), asked)
            assert answer.status_code == status, (method, path, answer.text)
            check(description, operation, answer)


async def test_every_route_tells_of_what_is_wrong_with_a_request(small: World):
    """Names that are nobody's, bodies that are none, queries that hold a NUL: whatever comes is as described."""
    description = await described(small)
    admin = small.rest(await small.key("root", "admin"))
    seen = set()
    for path, method, operation in operations(description):
        if path in STREAMS:
            continue
        asked = path.removeprefix("/api/v1/")
        for name in {part.strip("{}") for part in asked.split("/") if part.startswith("{")}:
            asked = asked.replace(f"{{{name}}}", NOWHERE)
        for more in ({}, {"json": {"surprise": 1}}, {"params": {"q": "\0"}}):
            answer = await admin.call(method.upper(), asked, **more)
            if answer.status_code >= 400:
                seen.add(answer.status_code)
                check(description, operation, answer)
    assert seen >= {404, 422}


async def test_a_body_that_is_too_large_and_a_late_change_are_as_described(small: World):
    description, ani, budi = await described(small), small.customer("Ani"), await small.operator()
    await ani.says("Halo")
    paths = description["paths"]
    large = await budi.rest.post_raw("tickets/x/updates", b"x" * (2 * 1024 * 1024))
    assert large.status_code == 413
    check(description, paths["/api/v1/tickets/{ticket_id}/updates"]["post"], large)
    conversation = await budi.conversation(ani)
    late = await budi.rest.post(f"conversations/{conversation['id']}/not-spam")
    assert late.status_code == 409
    check(description, paths["/api/v1/conversations/{conversation_id}/not-spam"]["post"], late)
