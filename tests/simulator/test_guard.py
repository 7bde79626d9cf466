"""Who may drive the simulator, what its pages allow, and how its stream ends; no house behind it."""

import asyncio
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from api import problems
from api.app import create_app
from api.simulator.clock import MovableClock
from api.simulator.graph import GraphDouble
from api.simulator.live import BEHIND, Live
from api.simulator.media import Media
from api.simulator.pages import FILES, mount
from api.simulator.room import Room
from api.simulator.rules import Refused
from sahut.clock import SystemClock

ADA = {"name": "Ada", "phone": "6281200000001"}


@pytest.fixture
def room() -> Room:
    clock = MovableClock()
    return Room(GraphDouble(clock=clock), clock, business="Samsat Nusa Raya")


@pytest.fixture
def web(room: Room) -> httpx.AsyncClient:
    app = FastAPI()
    problems.install(app)
    mount(app, room)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8000")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example.com"},
        {"Host": "127.0.0.1.example.com:8000"},
        {"Host": "[::1"},
        {"Host": ""},
        {"Origin": "http://evil.example.com"},
        {"Origin": "http://localhost:9999"},
        {"Origin": "https://127.0.0.1:8000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_other_sites_and_names_reach_nothing(web: httpx.AsyncClient, room: Room, headers: dict[str, str]):
    answers = [await web.post("/simulator/customers", json=ADA, headers=headers)]
    answers += [await web.get(f"/simulator{path}", headers=headers) for path in ("", "/state", "/events", "/media/1")]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert room.phones.keys() == []


def test_the_service_itself_has_no_simulator():
    app = create_app(SimpleNamespace(clock=SystemClock()), roles=("web",))  # type: ignore[arg-type]
    assert [route.path for route in app.routes if "simulator" in getattr(route, "path", "")] == []


async def test_a_form_of_another_site_cannot_be_sent_as_json(web: httpx.AsyncClient, room: Room):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""):
        answer = await web.post("/simulator/clock", content=b'{"seconds": 60}', headers={"Content-Type": kind})
        assert answer.status_code == 415
    assert (await web.post("/simulator/customers", json=ADA, headers={"Origin": "http://127.0.0.1:8000"})).is_success
    assert room.phones.keys() == [ADA["phone"]]


async def test_every_page_and_file_comes_with_a_strict_policy(web: httpx.AsyncClient):
    for path in ("", *(f"/static/{name}" for name in FILES)):
        answer = await web.get(f"/simulator{path}")
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"].startswith("default-src 'self';")
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    page = (await web.get("/simulator")).text
    assert "http://" not in page
    assert "https://" not in page
    assert "<script>" not in page
    assert "style=" not in page


@pytest.mark.parametrize("name", ["pages.py", "..%2fpages.py", "../pages.py", "%2e%2e/pages.py", "index.html", "x.js"])
async def test_nothing_else_is_served(web: httpx.AsyncClient, name: str):
    assert (await web.get(f"/simulator/static/{name}")).status_code == 404


async def test_a_page_in_a_file_is_handed_over_as_a_download(web: httpx.AsyncClient, room: Room):
    media_id = room.double.keep(Media("text/plain", b"<script>alert(1)</script>"))
    answer = await web.get(f"/simulator/media/{media_id}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="file"'
    for media_type in ("text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript"):
        with pytest.raises(Refused):
            room.double.keep(Media(media_type, b"<script>alert(1)</script>"))


async def test_the_stream_begins_with_everything_and_ends_with_the_demo(room: Room):
    frames = room.live.follow(room.view)
    assert (await anext(frames)).startswith(b"event: all\n")
    key = room.phones.add(phone="6281200000002", name="Ben\nevent: evil\n\n", user_id=None)
    named = await anext(frames)
    assert named.startswith(b"event: phone\ndata: ")
    assert named.count(b"\n") == 3
    room.phones.say(key, "halo")
    assert b"halo" in await anext(frames)
    room.live.close()
    assert [frame async for frame in frames] == []
    assert [frame[:10] async for frame in room.live.follow(room.view)] == [b"event: all"]


async def test_a_page_that_does_not_read_is_let_go():
    live = Live()
    frames = live.follow(dict)
    await anext(frames)
    for number in range(BEHIND + 1):
        live.tell("line", {"n": number})
    async with asyncio.timeout(10):
        assert len([frame async for frame in frames]) == BEHIND
