"""The chat model behind an OpenAI-compatible server, by Chat Completions; the one file that calls it.

Time and tries are bounded: the client retries what the network or the server spoilt, an answer that cannot be used
is asked for once more, and then the turn goes on without this model. Knows no threshold and sends nothing.
"""

import asyncio
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from openai import APIStatusError, AsyncOpenAI, OpenAIError
from openai.types import CompletionUsage

from agent.answer import UnusableError, read
from agent.memory import TokenCounter
from agent.prompts import PROMPT_VERSION, RESPONSE_FORMAT, messages, repair, tools
from agent.words import DATA
from sahut.errors import ConfigurationError, ModelFailed
from sahut.settings import Settings
from sahut.turn import Brief, Draft, Usage

TIMEOUT_S = 20.0
MAX_RETRIES = 2
MAX_OUTPUT_TOKENS = 4_000  # reasoning counts; a reply itself takes under 300
TRIES = 2  # requests whose answer may turn out to be unusable
_REJECTED = (400, 404, 422)  # what servers answer to a parameter that they do not know

# What a server may lack, given up one by one, most dispensable first.
_FULL, _PLAIN_TEXT, _BARE = 0, 1, 2


class OpenAIChat:
    """A `ChatModel` over any server that speaks Chat Completions."""

    def __init__(self, model: str, client: AsyncOpenAI, *, cache: Path | None = None) -> None:
        """`client` decides address, key, timeout and retries; `cache` is where the token table may be unpacked."""
        self.name = model
        self._client = client
        self._count = TokenCounter(cache)
        self._level = _FULL

    async def think(self, brief: Brief) -> Draft:
        """A draft for the brief. Raises `ModelFailed` when the server is down, slow, or twice unusable."""
        rows = await asyncio.to_thread(messages, brief, self._count)
        record: dict[str, Any] = {"prompt_version": PROMPT_VERSION, "requests": [], "responses": []}
        usage, fault = Usage(), ""
        for _ in range(TRIES):
            asked = [*rows, {"role": "user", "content": repair(fault)}] if fault else rows
            completion = await self._ask(brief, asked, record)
            usage += self._usage(getattr(completion, "usage", None), record)
            try:
                draft = await asyncio.to_thread(read, completion, brief)
            except UnusableError as error:
                fault = str(error)
                record.setdefault("faults", []).append(fault)
                continue
            return draft.model_copy(update={"model": self.name, "usage": usage, "exchange": record})
        raise ModelFailed(f"{self.name} answered {TRIES} times what cannot be used; the last time {fault}.")

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._client.close()

    async def _ask(self, brief: Brief, rows: list[dict[str, Any]], record: dict[str, Any]) -> Any:
        """One answer, giving up what the server rejects. The level found is kept for the next turns."""
        level = self._level
        while True:
            request = self._request(brief, rows, level)
            record["requests"].append(request)
            try:
                completion = await self._client.chat.completions.create(**request)
            except APIStatusError as error:
                record["responses"].append({"status": error.status_code})
                if error.status_code not in _REJECTED or level == _BARE:
                    raise self._failed(error) from error
                level += 1
                continue
            except OpenAIError as error:
                raise self._failed(error) from error
            except ValueError:  # a body that says it is JSON and is not
                record["responses"].append({"unreadable": True})
                return None
            self._level = level
            record["responses"].append(_dumped(completion))
            return completion

    def _request(self, brief: Brief, rows: list[dict[str, Any]], level: int) -> dict[str, Any]:
        request: dict[str, Any] = {"model": self.name, "messages": rows}
        if level == _FULL:
            request |= {"response_format": RESPONSE_FORMAT, "max_completion_tokens": MAX_OUTPUT_TOKENS}
        offered = tools(brief)
        if offered and level < _BARE:
            request["tools"] = offered
        return request

    def _failed(self, error: OpenAIError) -> ModelFailed:
        # Servers repeat parts of a key in their messages, so that only kind and status are told.
        status = f" ({error.status_code})" if isinstance(error, APIStatusError) else ""
        return ModelFailed(f"{self.name} did not answer: {type(error).__name__}{status}.")

    def _usage(self, usage: CompletionUsage | None, record: dict[str, Any]) -> Usage:
        if usage is None:
            record["note"] = "the server counted no tokens"
            return Usage()
        taken = Usage(input_tokens=usage.prompt_tokens or 0, output_tokens=usage.completion_tokens or 0)
        price = price_of(self.name)
        if price is None:
            record["note"] = f"no price is known for {self.name}: counted as 0"
            return taken
        cost = (taken.input_tokens * price[0] + taken.output_tokens * price[1]) / 1_000_000
        return taken.model_copy(update={"cost_usd": cost})


def make_chat_model(settings: Settings) -> OpenAIChat:
    """The model of the settings. Raises `ConfigurationError` where neither key nor address is set."""
    key = settings.openai_api_key.get_secret_value()
    if not key and not settings.openai_base_url:
        raise ConfigurationError(
            f"SAHUT_MODEL is {settings.chat_model!r}: set OPENAI_API_KEY or OPENAI_BASE_URL, or use `extractive`"
        )
    client = AsyncOpenAI(
        api_key=key or "none",  # local servers want none, the client wants one
        base_url=settings.openai_base_url or None,
        timeout=min(TIMEOUT_S, settings.turn_timeout_s),
        max_retries=MAX_RETRIES,
    )
    return OpenAIChat(settings.chat_model, client, cache=settings.home / "cache")


@cache
def _prices() -> dict[str, tuple[float, float]]:
    table = tomllib.loads((DATA / "prices.toml").read_text(encoding="utf-8"))
    return {name: (float(price["input"]), float(price["output"])) for name, price in table.items()}


def price_of(model: str) -> tuple[float, float] | None:
    """US dollars for a million input and output tokens; `None` for a model that has no listed price.

    A dated snapshot costs what its name without the date does.
    """
    prices = _prices()
    known = [name for name in prices if model == name or model.startswith(f"{name}-2")]
    return prices[max(known, key=len)] if known else None


def _dumped(completion: Any) -> Any:
    dump = getattr(completion, "model_dump", None)
    return dump(mode="json") if dump else {"body": str(completion)[:2000]}
