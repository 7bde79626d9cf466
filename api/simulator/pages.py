"""The simulator at `/simulator`: its page, its stream and what the page may do. Only the demo and tests mount it.

What is shown comes from the phones, the wire and the switches; nothing here knows the service.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.simulator.guard import HEADERS, only_from_here
from api.simulator.room import Room
from api.simulator.switches import Answers
from api.whatsapp.clean import phone_digits
from api.whatsapp.limits import USER_ID

STATIC = Path(__file__).parent / "static"
FILES = {path.name: path for path in STATIC.iterdir() if path.suffix in (".css", ".js", ".svg")}
# What a page may show by itself; anything else is handed over as a download.
SHOWN = ("image/png", "image/jpeg", "image/webp", "audio/ogg", "audio/mpeg", "audio/aac", "video/mp4")

Text = Annotated[str, StringConstraints(min_length=1, max_length=65_536)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)]
Wamid = Annotated[str, StringConstraints(max_length=512)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewCustomer(_Body):
    """A customer with a phone number in any notation, or with a business-scoped user id alone."""

    name: Name
    phone: str | None = None
    user_id: str | None = Field(default=None, max_length=140)

    @model_validator(mode="after")
    def _somebody(self) -> "NewCustomer":
        if self.phone is not None and not 5 <= len(phone_digits(self.phone) or "") <= 15:
            raise ValueError("a phone number has 5 to 15 digits, with its country's code first")
        if self.user_id is not None and not USER_ID.fullmatch(self.user_id):
            raise ValueError("a business-scoped user id looks like ID.1349 or US.4fA9")
        if self.phone is None and self.user_id is None:
            raise ValueError("give a phone number or a business-scoped user id")
        return self


class Words(_Body):
    """A text, perhaps in answer to a message."""

    text: Text
    quote: Wamid = ""


class Tap(_Body):
    """A button or a row of a list."""

    message: Wamid
    choice: str = Field(max_length=256)


class Reaction(_Body):
    """An emoji, or "" to take it back."""

    message: Wamid
    emoji: str = Field(max_length=16)


class SampleOf(_Body):
    """What to send, with words under it where it takes them."""

    what: str = Field(max_length=16)
    caption: str = Field(default="", max_length=1024)
    quote: Wamid = ""


class Move(_Body):
    """Skip some seconds."""

    seconds: float = Field(gt=0, le=30 * 24 * 3600)

    @property
    def span(self) -> timedelta:
        return timedelta(seconds=self.seconds)


class Turned(_Body):
    """The switches to change; what is left out stays."""

    twice: bool | None = None
    held: bool | None = None
    newest_first: bool = False
    answers: Answers | None = None
    code: int | None = None


def mount(app: FastAPI, room: Room) -> None:
    """Add the simulator to an application that listens on this machine's own address."""
    router = APIRouter(prefix="/simulator", include_in_schema=False, dependencies=[Depends(only_from_here)])
    _add_pages(router, room)
    _add_customers(router, room)
    _add_switches(router, room)
    app.include_router(router)


def _add_pages(router: APIRouter, room: Room) -> None:
    """What is only looked at."""

    @router.get("")
    async def page() -> Response:
        return FileResponse(STATIC / "index.html", headers=HEADERS)

    @router.get("/static/{name}")
    async def static(name: str) -> Response:
        if name not in FILES:
            raise HTTPException(404, "There is no such file.")
        return FileResponse(FILES[name], headers=HEADERS)

    @router.get("/state")
    async def state() -> dict[str, Any]:
        return room.view()

    @router.get("/events")
    async def events() -> Response:
        return StreamingResponse(room.live.follow(room.view), media_type="text/event-stream", headers=HEADERS)

    @router.get("/wire/{number}")
    async def wire(number: int) -> dict[str, Any]:
        return room.wire.body(number)

    @router.get("/media/{media_id}")
    async def media(media_id: str) -> Response:
        file = room.double.cupboard.get(media_id)
        if file is None:
            raise HTTPException(404, "That file is not kept any more.")
        shown = file.media_type in SHOWN
        headers = {**HEADERS, "Content-Disposition": "inline" if shown else 'attachment; filename="file"'}
        return Response(
            file.content, media_type=file.media_type if shown else "application/octet-stream", headers=headers
        )


def _add_customers(router: APIRouter, room: Room) -> None:
    """What customers do with their phones."""
    phones = room.phones

    def left(wamid: str) -> dict[str, str]:
        """A message is on its way, or waits with the others that are held back."""
        room.turned()
        return {"id": wamid}

    @router.post("/customers", status_code=201)
    async def add(body: NewCustomer) -> dict[str, str]:
        return {"id": phones.add(phone=phone_digits(body.phone), name=body.name, user_id=body.user_id)}

    @router.post("/customers/{key}/say", status_code=202)
    async def say(key: str, body: Words) -> dict[str, str]:
        return left(phones.say(key, body.text, quote=body.quote))

    @router.post("/customers/{key}/tap", status_code=202)
    async def tap(key: str, body: Tap) -> dict[str, str]:
        return left(phones.tap(key, body.message, body.choice))

    @router.post("/customers/{key}/react", status_code=202)
    async def react(key: str, body: Reaction) -> dict[str, str]:
        return left(phones.react(key, body.message, body.emoji))

    @router.post("/customers/{key}/send", status_code=202)
    async def send(key: str, body: SampleOf) -> dict[str, str]:
        return left(phones.send_sample(key, body.what, caption=body.caption, quote=body.quote))


def _add_switches(router: APIRouter, room: Room) -> None:
    """Windows, time and faults."""
    switches = room.switches

    @router.post("/customers/{key}/close-window")
    async def close_window(key: str) -> dict[str, Any]:
        switches.close_window(key)
        return room.turned(key)

    @router.post("/customers/{key}/last-minute")
    async def last_minute(key: str) -> dict[str, Any]:
        switches.move_to_last_minute(key)
        return room.turned(*room.phones.keys())

    @router.post("/clock")
    async def move(body: Move) -> dict[str, Any]:
        switches.move(body.span)
        return room.turned(*room.phones.keys())

    @router.post("/switches")
    async def turn(body: Turned) -> dict[str, Any]:
        await _turn(room, body)
        return room.turned()


async def _turn(room: Room, body: Turned) -> None:
    switches = room.switches
    if body.twice is not None:
        switches.send_twice(body.twice)
    if body.answers is not None:
        switches.answer(body.answers, body.code)
    if body.held:
        switches.hold()
    elif body.held is not None:
        await switches.let_go(newest_first=body.newest_first)
