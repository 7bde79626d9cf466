"""Customers who are played: by a script that answers to what it hears, or by a chat model that has a wish.

Must not know the world they live in, and how the assistant answers.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from evals.environment import Heard
from sahut.errors import ModelFailed
from sahut.turn import Usage

DONE = "###DONE###"
OPENING = "(The chat is open. Write your first message.)"
SILENCE = "(No answer came.)"
CUSTOMER = f"""\
You play a customer who writes to {{organisation}} on WhatsApp. Who you are and what you want:

{{wish}}

Write the customer's next message and nothing else: short, in the customer's language and words, one thing at a time. \
Tell only what the text above says; what it does not say you do not know. Titles in [brackets] are buttons: to press \
one, write its title alone. Agree to what is shown to you only if it is what you want. Once you have what you want, or \
were told that it cannot be had, or that a colleague will go on, answer with {DONE} alone.
"""

# What a chat model says to rows in OpenAI's chat shape, and what that took. Raises `ModelFailed`.
Speak = Callable[[Sequence[dict[str, Any]]], Awaitable[tuple[str, Usage]]]


class ScriptedCustomer:
    """Opens with `opening`, then says the first line whose pattern is found in what it hears, each line once.

    Patterns are searched for in the reply with its buttons, whatever the case. Where none fits, the customer is done.
    """

    def __init__(self, opening: str, *lines: tuple[str, str]) -> None:
        self._opening = opening
        self._lines = [(re.compile(pattern, re.IGNORECASE), line) for pattern, line in lines]

    async def says(self, heard: Heard | None) -> str | None:
        """The next line. Raises nothing."""
        if heard is None:
            return self._opening
        for at, (pattern, line) in enumerate(self._lines):
            if pattern.search(heard.shown):
                del self._lines[at]
                return line
        return None


class ModelCustomer:
    """A chat model with a wish. What it hears is all that it knows of the conversation; `usage` is what it took."""

    def __init__(self, organisation: str, wish: str, speak: Speak) -> None:
        self._rows = [{"role": "system", "content": CUSTOMER.format(organisation=organisation, wish=wish)}]
        self._speak = speak
        self.usage = Usage()

    async def says(self, heard: Heard | None) -> str | None:
        """The next message. Raises `ModelFailed`."""
        told = OPENING if heard is None else heard.shown.strip() or SILENCE
        self._rows.append({"role": "user", "content": told})
        try:
            said, usage = await self._speak(self._rows)
        except ModelFailed as error:
            self.usage += error.usage or Usage()
            raise
        self.usage += usage
        said = said.strip()
        self._rows.append({"role": "assistant", "content": said})
        return None if DONE in said else said or None
