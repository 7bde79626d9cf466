"""What several verbs share: settings, running async code, JSON to the terminal. Imports nothing heavy."""

import asyncio
import gc
import json
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from sahut.settings import Settings
    from sahut.store import Store
    from sahut.turn import Reply

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def settings() -> "Settings":
    """The settings in force; bad ones end the command with one line each."""
    from sahut.settings import read_settings

    return read_settings()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run async work to its end. An interrupt ends the command with 130, as shells expect.

    Where several things that went on at a time failed, the first failure is raised.
    """
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(work)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        raise SystemExit(130) from None
    except ExceptionGroup as several:
        raise _first(several) from several


def _first(error: Exception) -> Exception:
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


def _loop_factory() -> Any:
    """uvloop where there is one; None lets asyncio choose."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def warn_degraded(reply: "Reply") -> None:
    """Says on standard error why the answer is the fallback's, where the chat model gave none."""
    if reply.trouble is not None:
        from agent.chat.trouble import TROUBLES

        print(f"{TROUBLES[reply.trouble]} See `sahut doctor`.", file=sys.stderr)


async def warn_empty(store: "Store") -> None:
    """Says on standard error that nothing is learned yet, where that is so."""
    from sahut.store import library

    async with store.reading() as tx:
        if not await library.listed(tx, limit=1):
            print("Nothing is learned yet: `sahut learn FOLDER`", file=sys.stderr)


def settle_in() -> None:
    """For a process that stays: what is loaded by now lives as long, so the collector need not walk it again."""
    gc.collect()
    gc.freeze()


def show_json(value: Any) -> None:
    """Print one JSON value."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def quiet_logs() -> None:
    """Verbs speak for themselves: of the log only warnings and worse."""
    import logging

    from api.logs import start_logs

    start_logs(logging.WARNING, for_people=True)
