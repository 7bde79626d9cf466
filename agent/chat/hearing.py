"""Voice notes as text, by the audio endpoint of an OpenAI-compatible server. Knows no conversation."""

from pathlib import Path

from openai import AsyncOpenAI, OpenAIError

from sahut.errors import ModelFailed
from sahut.settings import Settings

TIMEOUT_S = 60.0
MAX_RETRIES = 1
MOST_CHARACTERS = 8000
# Servers choose a reader by the name's ending.
_ENDINGS = {
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/amr": "amr",
}


class OpenAIHearing:
    """A `sahut.ports.Hearing` over any server that has `/audio/transcriptions`."""

    def __init__(self, model: str, client: AsyncOpenAI) -> None:
        """`client` decides address, key, timeout and retries."""
        self.model = model
        self._client = client

    async def hear(self, file: Path, media_type: str) -> str:
        """What is said in a recording; empty where nothing is. Raises `ModelFailed`."""
        name = f"voice.{_ENDINGS.get(media_type, 'ogg')}"
        try:
            with file.open("rb") as stream:
                found = await self._client.audio.transcriptions.create(
                    model=self.model, file=(name, stream, media_type)
                )
        except OpenAIError as error:
            raise ModelFailed(f"{self.model} could not transcribe: {type(error).__name__}") from error
        text = getattr(found, "text", found)
        if not isinstance(text, str):
            raise ModelFailed(f"{self.model} answered a recording with no text")
        return text.strip()[:MOST_CHARACTERS]

    async def close(self) -> None:
        await self._client.close()


def make_hearing(settings: Settings) -> OpenAIHearing | None:
    """The ears of the settings; `None` where no model is set."""
    if not settings.transcriber:
        return None
    client = AsyncOpenAI(
        api_key=settings.openai_api_key.get_secret_value() or "none",
        base_url=settings.openai_base_url or None,
        timeout=TIMEOUT_S,
        max_retries=MAX_RETRIES,
    )
    return OpenAIHearing(settings.transcriber, client)
