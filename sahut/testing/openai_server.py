"""A scripted OpenAI-compatible server: says what it is told to and remembers what it was asked.

    script = OpenAIScript([replies("Rp 50.000.", sources=[1])])
    client = AsyncOpenAI(..., http_client=httpx2.AsyncClient(transport=httpx2.ASGITransport(script.app)))

`script.app` may as well be served over real HTTP. It must not know who asks.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


@dataclass(frozen=True)
class Answer:
    """One scripted answer: `message` goes into a completion, `status` and `body` replace it."""

    message: dict[str, Any] = field(default_factory=dict)
    finish_reason: str = "stop"
    status: int = 200
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    usage: dict[str, int] | None = field(default_factory=lambda: dict(USAGE))


Scripted = Answer | Callable[[dict[str, Any]], Answer]


class OpenAIScript:
    """Answers one by one from a script, the last one for ever. A callable is given the request's body.

    `rejects` are parameters that this server answers with 400, as servers do that lack them. While `gate` is cleared
    nobody is answered.
    """

    def __init__(self, answers: Iterable[Scripted], *, rejects: Iterable[str] = ()) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._answers = list(answers)
        self._rejects = tuple(rejects)
        self.app = FastAPI()
        self.app.post("/v1/chat/completions")(self._complete)

    def says(self, *answers: Scripted) -> None:
        """From now on these answers, in the place of those that were left."""
        self._answers = list(answers)

    async def _complete(self, request: Request) -> Response:
        body: dict[str, Any] = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        unknown = next((name for name in self._rejects if name in body), None)
        if unknown:
            return _error(400, f"{unknown} is not supported")
        answer = self._next(body)
        await self.gate.wait()
        if answer.delay_s:
            await asyncio.sleep(answer.delay_s)
        if answer.body is not None:
            headers = {"content-type": "application/json", **answer.headers}
            return Response(answer.body, status_code=answer.status, headers=headers)
        if answer.status != 200:
            return _error(answer.status, "scripted", answer.headers)
        return JSONResponse(_completion(body, answer))

    def _next(self, body: dict[str, Any]) -> Answer:
        scripted = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return scripted if isinstance(scripted, Answer) else scripted(body)


def text(content: str, *, usage: dict[str, int] | None = None) -> Answer:
    """A completion whose content is this text."""
    return Answer({"content": content}, usage=usage or dict(USAGE))


def structured(decision: str, *said: tuple[str, list[int]], **more: Any) -> Answer:
    """A completion in the assistant's own answer format."""
    sentences = [{"text": sentence, "sources": sources} for sentence, sources in said]
    answer = {"decision": decision, "sentences": sentences, "small_talk": False, "reason": None, **more}
    return text(json.dumps(answer, ensure_ascii=False))


def replies(sentence: str, *, sources: Iterable[int] = ()) -> Answer:
    """A reply of one sentence."""
    return structured("reply", (sentence, list(sources)))


def calls(name: str, arguments: Any) -> Answer:
    """A tool call; `arguments` that are a string are sent as they are, valid JSON or not."""
    sent = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": sent}}
    return Answer({"content": None, "tool_calls": [call]}, finish_reason="tool_calls")


def fails(status: int, *, retry_after_s: float = 0.0) -> Answer:
    """An error of the server; the real client waits as long as `retry_after_s` says."""
    return Answer(status=status, headers={"retry-after-ms": str(int(retry_after_s * 1000))})


def slow(answer: Answer, seconds: float) -> Answer:
    """The same answer, late."""
    return Answer(**{**answer.__dict__, "delay_s": seconds})


def broken(body: str = '{"choices": [') -> Answer:
    """A body that claims to be JSON and is not."""
    return Answer(body=body)


def _completion(body: dict[str, Any], answer: Answer) -> dict[str, Any]:
    message = {"role": "assistant", "content": None, **answer.message}
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", ""),
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason, "logprobs": None}],
        "usage": answer.usage,
    }


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    error = {"message": message, "type": "scripted_error", "param": None, "code": None}
    return JSONResponse({"error": error}, status_code=status, headers=headers)
