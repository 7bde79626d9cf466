"""Voice notes at an OpenAI-compatible audio endpoint: what is heard, and what a broken server becomes."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request, Response
from openai import AsyncOpenAI

from agent.chat.hearing import MOST_CHARACTERS, OpenAIHearing, make_hearing
from sahut.errors import ModelFailed
from sahut.settings import Settings


def ears(answer: Any, asked: list[dict[str, Any]]) -> OpenAIHearing:
    """Ears at a server that answers every recording alike and notes what it was asked."""
    app = FastAPI()

    async def transcribe(request: Request) -> Response:
        async with request.form() as form:
            file: Any = form["file"]
            asked.append({"model": form["model"], "name": file.filename, "bytes": await file.read()})
        return answer

    app.post("/v1/audio/transcriptions")(transcribe)
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app))
    client = AsyncOpenAI(api_key="k", base_url="http://ears.test/v1", http_client=http, max_retries=0)
    return OpenAIHearing("whisper", client)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "voice"
    file.write_bytes(b"OggS...")
    return file


async def test_what_is_said_is_heard(recording: Path):
    asked: list[dict[str, Any]] = []
    hearing = ears(Response('{"text": "  Berapa dendanya?  "}', media_type="application/json"), asked)
    assert await hearing.hear(recording, "audio/ogg") == "Berapa dendanya?"
    assert asked == [{"model": "whisper", "name": "voice.ogg", "bytes": b"OggS..."}]


async def test_endless_words_are_cut(recording: Path):
    hearing = ears(Response('{"text": "' + "a" * 9000 + '"}', media_type="application/json"), [])
    assert len(await hearing.hear(recording, "audio/mp4")) == MOST_CHARACTERS


@pytest.mark.parametrize(
    "answer",
    [
        Response("no", 500),
        Response("no", 404),
        Response('{"text": 7}', media_type="application/json"),
    ],
)
async def test_a_broken_server_is_an_error_of_ours(recording: Path, answer: Response):
    with pytest.raises(ModelFailed):
        await ears(answer, []).hear(recording, "audio/ogg")


def test_without_a_model_nobody_listens():
    assert make_hearing(Settings(_env_file=None)) is None
    assert make_hearing(Settings(_env_file=None, transcriber="whisper", openai_base_url="http://ears.test")) is not None
