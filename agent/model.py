"""The chat model behind an OpenAI-compatible server, by Chat Completions; the one file that calls it.

Time and tries are bounded: the client retries what the network or the server spoilt, an answer that cannot be used
is asked for once more, and then the turn goes on without this model. Knows no threshold and sends nothing.
"""

import asyncio
import tomllib
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from openai import APIStatusError, APITimeoutError, AsyncOpenAI, OpenAIError

from agent.chat.answer import plain, read, read_opinion, read_order
from agent.chat.completion import UnusableError, said_in, tokens_of
from agent.chat.shapes import LOOK_FORMAT, RANK_FORMAT, RESPONSE_FORMAT
from agent.chat.veil import Hiding, Veil
from agent.language.words import DATA
from agent.memory import TokenCounter, clip
from agent.prompts import PROMPT_VERSION, look, messages, rank, repair, summing, tools
from sahut.brief import Brief, Draft
from sahut.errors import ConfigurationError, ModelFailed, Trouble
from sahut.settings import Settings
from sahut.turn import Opinion, Turn, Usage

TIMEOUT_S = 20.0
MAX_RETRIES = 2
MAX_OUTPUT_TOKENS = 4_000  # reasoning counts; a reply itself takes under 300
TRIES = 2  # requests whose answer may turn out to be unusable
DEFAULT_HIDING = Hiding()
Rows = list[dict[str, Any]]
Answer = TypeVar("Answer")
_REJECTED = (400, 404, 422)  # what servers answer to a parameter that they do not know

# What a server may lack, given up one by one, most dispensable first.
_FULL, _PLAIN_TEXT, _BARE = 0, 1, 2


class OpenAIChat:
    """A `ChatModel` over any server that speaks Chat Completions."""

    def __init__(
        self, model: str, client: AsyncOpenAI, *, cache: Path | None = None, hiding: Hiding = DEFAULT_HIDING
    ) -> None:
        """`client` decides address, key, timeout and retries; `cache` is where the token table may be unpacked.

        `hiding` is what of the customers' data the server does not see.
        """
        self.name = model
        self._client = client
        self._hiding = hiding
        self._count = TokenCounter(cache)
        self._level = _FULL

    async def think(self, brief: Brief) -> Draft:
        """A draft for the brief. Raises `ModelFailed` when the server is down, slow, or twice unusable."""
        veil, rows = await asyncio.to_thread(self._prepared, brief)
        record: dict[str, Any] = {"prompt_version": PROMPT_VERSION, "requests": [], "responses": []}
        usage, fault = Usage(), ""
        for _ in range(TRIES):
            asked = [*rows, {"role": "user", "content": repair(fault)}] if fault else rows
            body = await self._ask(partial(self._request, brief, asked), record)
            usage += self._usage(body, record)
            try:
                draft = await asyncio.to_thread(read, body, brief, veil.restore)
            except UnusableError as error:
                fault = str(error)
                record.setdefault("faults", []).append(fault)
                continue
            return draft.model_copy(update={"model": self.name, "usage": usage, "exchange": record})
        why = f"{self.name} answered {TRIES} times what cannot be used; the last time {fault}."
        raise ModelFailed(why, usage, trouble="unusable")

    async def judge(self, turn: Turn) -> tuple[Opinion, Usage]:
        """Whether the turn's text is spam. Asked once. Raises `ModelFailed`, also for an answer that is no verdict."""
        rows = await asyncio.to_thread(lambda: self._hiding.over_turn(turn).rows(look(turn, self._count)))
        return await self._once(rows, read_opinion, "gave no verdict", LOOK_FORMAT)

    async def rank(self, brief: Brief) -> tuple[tuple[int, ...], Usage]:
        """The brief's passages in order, by number. Asked once. Raises `ModelFailed`, also for what is no order."""
        rows = await asyncio.to_thread(lambda: self._hiding.over(brief).rows(rank(brief, self._count)))
        return await self._once(rows, partial(read_order, passages=len(brief.passages)), "gave no order", RANK_FORMAT)

    async def sum_up(self, text: str, language: str, tokens: int) -> tuple[str, Usage]:
        """A summary of a conversation's earlier part, cut to `tokens`. Asked once. Raises `ModelFailed`."""
        veil = self._hiding.over_text(text)
        rows = await asyncio.to_thread(veil.rows, summing(text, language))
        whole, usage = await self._once(
            rows, lambda body: str(veil.restore(said_in(body))).strip(), "summed up what cannot be used"
        )
        return await asyncio.to_thread(clip, whole, tokens, self._count), usage

    async def speak(self, rows: Sequence[dict[str, Any]]) -> tuple[str, Usage]:
        """What the model says to rows in OpenAI's chat shape, as they are. Asked once. Raises `ModelFailed`."""
        return await self._once(list(rows), said_in, "said nothing")

    async def grade(self, rows: Rows, shape: dict[str, Any]) -> tuple[str, Usage]:
        """What the model says to rows in OpenAI's chat shape, in a shape where the server has such.

        Personal data is hidden from it. Asked once. Raises `ModelFailed`.
        """
        veil = self._hiding.over_text("\n".join(str(row["content"]) for row in rows))
        hidden = await asyncio.to_thread(veil.rows, rows)
        return await self._once(hidden, lambda body: str(veil.restore(said_in(body))), "said nothing", shape)

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._client.close()

    def _prepared(self, brief: Brief) -> tuple[Veil, list[dict[str, Any]]]:
        veil = self._hiding.over(brief)
        return veil, veil.rows(messages(brief, self._count))

    async def _once(
        self, rows: Rows, read: Callable[[Any], Answer], fault: str, shape: dict[str, Any] | None = None
    ) -> tuple[Answer, Usage]:
        """What is read in one answer, and what it took. Raises `ModelFailed`, with `fault` for what cannot be used."""
        record: dict[str, Any] = {"requests": [], "responses": []}

        def request_at(level: int) -> dict[str, Any]:
            request: dict[str, Any] = {"model": self.name, "messages": rows}
            return self._shaped(request, shape, level) if shape else request

        body = await self._ask(request_at, record)
        usage = self._usage(body, record)
        try:
            return read(body), usage
        except UnusableError as error:
            raise ModelFailed(f"{self.name} {fault}: {error}.", usage, trouble="unusable") from error

    async def _ask(self, request_at: Callable[[int], dict[str, Any]], record: dict[str, Any]) -> Any:
        """The body of one answer, giving up what the server rejects. The level found is kept for the next turns."""
        level = self._level
        while True:
            request = request_at(level)
            record["requests"].append(request)
            try:
                body = _dumped(await self._client.chat.completions.create(**request))
            except APIStatusError as error:
                record["responses"].append({"status": error.status_code})
                if error.status_code not in _REJECTED or level == _BARE:
                    raise self._failed(error) from error
                level += 1
                continue
            except OpenAIError as error:
                raise self._failed(error) from error
            except (ValueError, RecursionError):  # a body that says it is JSON and is not, or one beyond reason
                record["responses"].append({"unreadable": True})
                return None
            self._level = level
            record["responses"].append(body)
            return body

    def _request(self, brief: Brief, rows: list[dict[str, Any]], level: int) -> dict[str, Any]:
        request = self._shaped({"model": self.name, "messages": rows}, RESPONSE_FORMAT, level)
        offered = tools(brief)
        if offered and level < _BARE:
            request["tools"] = offered
        return request

    def _shaped(self, request: dict[str, Any], shape: dict[str, Any], level: int) -> dict[str, Any]:
        if level == _FULL:
            request |= {"response_format": shape, "max_completion_tokens": MAX_OUTPUT_TOKENS}
        return request

    def _failed(self, error: OpenAIError) -> ModelFailed:
        # Servers repeat parts of a key in their messages, so that only kind and status are told.
        status = f" ({error.status_code})" if isinstance(error, APIStatusError) else ""
        trouble: Trouble = "slow" if isinstance(error, APITimeoutError) else "failed"
        return ModelFailed(f"{self.name} did not answer: {type(error).__name__}{status}.", trouble=trouble)

    def _usage(self, body: Any, record: dict[str, Any]) -> Usage:
        counted = tokens_of(body)
        if counted is None:
            record["note"] = "the server counted no tokens"
            return Usage()
        taken = Usage(input_tokens=counted[0], output_tokens=counted[1])
        price = price_of(self.name)
        if price is None:
            record["note"] = f"no price is known for {self.name}: counted as 0"
            return taken
        cost = (taken.input_tokens * price[0] + taken.output_tokens * price[1]) / 1_000_000
        return taken.model_copy(update={"cost_usd": cost})


def make_chat_models(settings: Settings) -> list[OpenAIChat]:
    """The model of the settings, then the fallback model. Raises `ConfigurationError` without key and address."""
    models = [make_chat_model(settings, settings.chat_model)]
    if settings.fallback_model:
        models.append(_chat_model(settings, settings.fallback_model, *fallback_server(settings)))
    return models


def make_chat_model(settings: Settings, name: str) -> OpenAIChat:
    """A model of the first server. Raises `ConfigurationError` without key and address."""
    key, url = settings.openai_api_key.get_secret_value(), settings.openai_base_url
    if not key and not url:
        raise ConfigurationError(
            f"The chat model {name!r} needs a server: set OPENAI_API_KEY or OPENAI_BASE_URL, or use `extractive`"
        )
    return _chat_model(settings, name, key, url)


def fallback_server(settings: Settings) -> tuple[str, str]:
    """Key and address of the fallback model's server. A key belongs to its server: no other one is told it."""
    first = settings.openai_base_url
    url = settings.fallback_base_url or first
    own = settings.fallback_api_key.get_secret_value()
    return own or (settings.openai_api_key.get_secret_value() if url == first else ""), url


def _chat_model(settings: Settings, name: str, key: str, url: str) -> OpenAIChat:
    client = AsyncOpenAI(
        api_key=key or "none",  # local servers want none, the client wants one
        base_url=url or None,
        timeout=min(TIMEOUT_S, settings.turn_timeout_s),
        max_retries=MAX_RETRIES,
    )
    return OpenAIChat(name, client, cache=settings.home / "cache", hiding=hiding_of(settings))


def hiding_of(settings: Settings) -> Hiding:
    """What is hidden from the model's server, by the settings."""
    return Hiding(settings.hidden_kinds, settings.language_codes)


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
    # Servers mix up types; what they mean is read from the plain body.
    return plain(dump(mode="json", warnings=False) if dump else {"body": str(completion)[:2000]})
