"""What an operator can do on the page, by name, and how it is told. Who may do what is said by the desk's rules."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from api.desk import approvals
from api.desk.conversations import Desk
from api.house import House
from sahut.errors import ConfigurationError, Conflict, SahutError, StoreUnavailable
from sahut.models import PromiseState
from sahut.rules import Actor
from sahut.store import desk

log = structlog.get_logger(__name__)
Answer = dict[str, Any]
_LONGEST_COUNT = 10
_SETTLED = (PromiseState.KEPT, PromiseState.BROKEN, PromiseState.DISMISSED)


class Acts:
    """The acts of one operator."""

    def __init__(self, house: House, me: Actor) -> None:
        self._house, self._desk, self._me = house, Desk(house), me
        # name -> what is said afterwards, and the act that takes it back
        self._told: dict[str, tuple[str, str | None]] = {
            "claim": ("Yours. The assistant is silent here now.", "give_back"),
            "take_over": ("Yours. The assistant is silent here now.", "give_back"),
            "give_back": ("Returned. The assistant answers the next message.", "take_over"),
            "resolve": ("Resolved. The next message opens it again.", None),
            "mark_spam": ("Marked as spam: nobody answers it.", "unmark_spam"),
            "unmark_spam": ("Not spam. The assistant answers.", "mark_spam"),
            "assign": ("Assigned.", "take_over"),
            "verified": ("Noted: it is them.", None),
            "reply": ("", None),
            "template": ("Queued.", None),
            "note": ("", None),
            "approve": ("Agreed. The note below says what came of it.", None),
            "refuse": ("Refused: nothing was done.", None),
            "merge": ("Merged: they are one contact now.", None),
            "forget_fact": ("Forgotten. The message that said it stays.", None),
            "promise_kept": ("Noted: it is kept.", None),
            "promise_broken": ("Noted: it was not kept.", None),
            "promise_dismissed": ("Noted: it was no promise.", None),
        }

    async def do(self, name: str, conversation_id: str, *, text: str = "", to: str = "") -> Answer:
        """Do it; `said` and `undo`, or `error`: what went wrong and what to do."""
        works: dict[str, Callable[[], Awaitable[Any]]] = {
            "claim": lambda: self._claim(conversation_id),
            "take_over": lambda: self._desk.take_over(self._me, conversation_id),
            "give_back": lambda: self._desk.give_back(self._me, conversation_id),
            "resolve": lambda: self._desk.resolve(self._me, conversation_id, text),
            "mark_spam": lambda: self._desk.mark_spam(self._me, conversation_id),
            "unmark_spam": lambda: self._desk.unmark_spam(self._me, conversation_id),
            "assign": lambda: self._desk.assign(self._me, conversation_id, to),
            "verified": lambda: self._desk.verified(self._me, conversation_id),
            "reply": lambda: self._desk.reply(self._me, conversation_id, text),
            "template": lambda: self._template(conversation_id, to, text),
            "note": lambda: self._desk.note(self._me, conversation_id, text),
            "approve": lambda: self._approve(to, text),
            "merge": lambda: self._merge(conversation_id, to),
            "forget_fact": lambda: self._desk.forget_fact(self._me, conversation_id, to),
            **{f"promise_{state}": self._settling(to, state) for state in _SETTLED},
            "refuse": lambda: approvals.refuse(self._house, self._me, to),
        }
        if name not in works:
            return {"error": "There is no such action. Reload the page."}
        try:
            await works[name]()
        except SahutError as error:
            return {"error": words_of(error)}
        except Exception:
            log.exception("an act at the console failed", act=name)
            return {"error": "Something unexpected happened; it is in the log. Try again."}
        said, undo = self._told[name]
        return {"said": said, "undo": undo}

    def _settling(self, promise_id: str, state: PromiseState) -> Callable[[], Awaitable[Any]]:
        return lambda: self._desk.settle_promise(self._me, promise_id, state)

    async def _template(self, conversation_id: str, template_id: str, given: str) -> None:
        """`given` is what the form on the page holds, as JSON: the words by slot."""
        try:
            values = json.loads(given or "{}")
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise ConfigurationError("The values of the template did not arrive. Reload the page and try again.")
        words = {str(key): value for key, value in values.items() if isinstance(value, str)}
        await self._desk.send_template(self._me, conversation_id, template_id, words)

    async def _approve(self, grant_id: str, bound: str) -> None:
        """`bound` is what the page showed: the arguments' digest and how far the conversation had come."""
        digest, _, seen = bound.partition(":")
        if not (seen.isascii() and seen.isdigit() and len(seen) < _LONGEST_COUNT):
            raise ConfigurationError("What you agree to did not arrive. Reload the page and try again.")
        await approvals.approve(self._house, self._me, grant_id, digest=digest, seen_version=int(seen))

    async def _merge(self, conversation_id: str, other: str) -> None:
        """The contact of the conversation that is open stays."""
        async with self._house.store.reading() as tx:
            kept = (await desk.thread(tx, conversation_id, limit=1)).contact
        await self._desk.merge(self._me, kept.id, other)

    async def _claim(self, conversation_id: str) -> None:
        async with self._house.store.reading() as tx:
            waiting = (await desk.thread(tx, conversation_id, limit=1)).handoff
        if waiting is None:
            raise Conflict("Nobody asks for a person here any more.")
        await self._desk.claim(self._me, waiting.id)


def words_of(error: SahutError) -> str:
    """An error as an operator should read it."""
    if isinstance(error, StoreUnavailable):
        log.error("the database cannot be used", error=str(error))
        return "The database cannot be used at the moment. Nothing was changed: try again."
    return str(error)
