"""What a chat server sent, as typed values: those that only resemble OpenAI's leave things out and mix up types.

What is no completion can be told and never breaks a turn. Knows no client and no shape of an answer.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError


class UnusableError(Exception):
    """The answer cannot be used; the text says why, in words that a model can act on."""


def _text(content: Any) -> Any:
    """A text; some servers send it in parts."""
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return "".join(str(part["text"]) for part in content if isinstance(part.get("text"), str))
    return content or ""


class Called(BaseModel):
    """A function call. `arguments` are JSON as a text, or with some servers the object itself."""

    name: str
    arguments: Any = None


class _Call(BaseModel):
    function: Called | None = None


class Message(BaseModel):
    """What the model said and called. `refusal` is whatever the server sent for one."""

    content: Annotated[str, BeforeValidator(_text)] = ""
    refusal: Any = None
    tool_calls: list[_Call | None] | None = None

    @property
    def calls(self) -> tuple[Called | None, ...]:
        """The functions it called; `None` for a call of no function."""
        return tuple(call.function if call else None for call in self.tool_calls or ())


class Choice(BaseModel):
    """A message, and why it ended."""

    message: Message
    finish_reason: Any = None


class _Completion(BaseModel):
    choices: list[Choice] = Field(min_length=1)


class _Counted(BaseModel):
    prompt_tokens: Annotated[int | None, Field(ge=0)] = None
    completion_tokens: Annotated[int | None, Field(ge=0)] = None


def choice_of(body: Any) -> Choice:
    """The first choice of a completion. Raises `UnusableError`."""
    try:
        return _Completion.model_validate(body).choices[0]
    except ValidationError:
        raise UnusableError("it was no chat completion with a message") from None


def said_in(body: Any) -> str:
    """The text of a completion. Raises `UnusableError` where there is none."""
    said = choice_of(body).message.content
    if not said.strip():
        raise UnusableError("it was empty")
    return said


def tokens_of(body: Any) -> tuple[int, int] | None:
    """Tokens in and out as the server counted them; `None` where it did not, or not in numbers."""
    usage = body.get("usage") if isinstance(body, dict) else None
    try:
        counted = _Counted.model_validate(usage)
    except ValidationError:
        return None
    return counted.prompt_tokens or 0, counted.completion_tokens or 0
