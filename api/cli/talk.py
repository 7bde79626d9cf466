"""`sahut ask`, `sahut screen` and `sahut chat`: the assistant without a channel.

Write tools are recorded, never performed.
"""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from api.cli.common import AsJson, quiet_logs, run, settings, show_json, warn_degraded, warn_empty

if TYPE_CHECKING:
    from api.mind import Mind
    from sahut.turn import Reply, Screening, Turn

Message = Annotated[str | None, typer.Argument(help="What the customer writes.")]
Batch = Annotated[Path | None, typer.Option(help="JSONL in.")]
Out = Annotated[Path | None, typer.Option(help="JSONL out.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(ask)
    app.command()(screen)
    app.command()(chat)


def ask(message: Message = None, batch: Batch = None, out: Out = None, as_json: AsJson = False) -> None:
    """One turn: decision, text, citations, confidence."""
    quiet_logs()
    if message is None:
        _batch(batch, out, _ask_batch)
    if batch is not None or out is not None:
        raise typer.BadParameter("give a message, or --batch IN.jsonl --out OUT.jsonl, not both")
    if not message.strip():
        raise typer.BadParameter("give a message")
    shape = run(_ask(message))
    if as_json:
        show_json(shape)
        return
    print(shape["text"] or "(no text to the customer)")
    reason = f" ({shape['reason']})" if shape["reason"] else ""
    print(f"\n{shape['decision']}{reason}, confidence {shape['confidence']:.2f}")
    for citation in shape["citations"]:
        print(f"  {citation['document']} {citation['start']}-{citation['end']}: {citation['quote']}")


def screen(message: Message = None, batch: Batch = None, out: Out = None, as_json: AsJson = False) -> None:
    """Spam, injection, wish for a human, distress, abuse, language."""
    quiet_logs()
    if message is None:
        _batch(batch, out, _screen_batch)
    if batch is not None or out is not None:
        raise typer.BadParameter("give a message, or --batch IN.jsonl --out OUT.jsonl, not both")
    if not message.strip():
        raise typer.BadParameter("give a message")
    shape = run(_screen(message))
    if as_json:
        show_json(shape)
        return
    print(f"{shape['label']} ({shape['score']:.2f}), language {shape['language']}")
    print(f"injection {shape['injection']:.2f}, wants a human {shape['wants_human']:.2f}")
    for reason in shape["reasons"]:
        print(f"  {reason}")


def chat() -> None:
    """Talk to the assistant in the terminal; an empty line ends it."""
    quiet_logs()
    run(_chat())


def _batch(batch: Path | None, out: Path | None, work: Any) -> NoReturn:
    if batch is None or out is None:
        raise typer.BadParameter("give a message, or --batch IN.jsonl --out OUT.jsonl")
    from api.cli.batch import check_files

    check_files(batch, out)
    raise typer.Exit(1 if run(work(batch, out)) else 0)


async def _ask(message: str) -> dict[str, Any]:
    from agent.dialogue import turn_from_text
    from api.mind import guidance_of, open_mind
    from sahut.clock import SystemClock

    chosen = settings()
    turn = turn_from_text(message, now=SystemClock().now(), guidance=guidance_of(chosen))
    async with open_mind(chosen) as mind:
        await warn_empty(mind.store)
        await mind.warm_up()
        return await _answer(mind, turn)


async def _ask_batch(source: Path, out: Path) -> int:
    from agent.dialogue import turn_from_messages
    from api.cli.batch import Row, run_batch, text_of
    from api.mind import guidance_of, open_mind
    from sahut.clock import SystemClock

    chosen = settings()
    guidance = guidance_of(chosen)
    async with open_mind(chosen) as mind:
        await mind.warm_up()

        async def work(row: Row) -> Row:
            said = row.get("messages")
            messages = [{"role": "user", "content": text_of(row, "question")}] if said is None else said
            turn = turn_from_messages(messages, now=SystemClock().now(), guidance=guidance)
            return await _answer(mind, turn)

        return await run_batch(source, out, work)


async def _answer(mind: "Mind", turn: "Turn") -> dict[str, Any]:
    began = time.perf_counter()
    reply = await mind.assistant.take_turn(turn)
    warn_degraded(reply)
    return _shape(reply, ms=(time.perf_counter() - began) * 1000)


def _shape(reply: "Reply", *, ms: float) -> dict[str, Any]:
    citations = [c.model_dump(include={"document", "version", "start", "end", "quote"}) for c in reply.citations]
    calls = [
        {
            "name": call.name,
            "arguments": call.arguments,
            "state": "refused" if call.state == "failed" else call.state,
        }
        for call in reply.tool_calls
    ]
    return {
        "decision": reply.decision,
        "text": reply.text,
        "language": reply.language,
        "confidence": round(reply.confidence, 6),
        "citations": citations,
        "tool_calls": calls,
        "verdict": reply.verdict.model_dump(mode="json"),
        "reason": reply.reason,
        "ms": round(ms, 1),
        "usage": reply.usage.model_dump(),
    }


async def _screen(message: str) -> dict[str, Any]:
    from agent.screening.screen import Screen
    from api.mind import spam_threshold
    from knowledge.embed import LocalEmbedder

    chosen = settings()
    screener = Screen(LocalEmbedder(), languages=chosen.language_codes)
    return _screening(await screener.screen(message, spam_threshold=spam_threshold(chosen)))


async def _screen_batch(source: Path, out: Path) -> int:
    from agent.screening.screen import Screen
    from api.cli.batch import Row, run_batch, text_of
    from api.mind import spam_threshold
    from knowledge.embed import LocalEmbedder

    chosen = settings()
    screener = Screen(LocalEmbedder(), languages=chosen.language_codes)

    async def work(row: Row) -> Row:
        return _screening(await screener.screen(text_of(row, "text"), spam_threshold=spam_threshold(chosen)))

    return await run_batch(source, out, work)


def _screening(screening: "Screening") -> dict[str, Any]:
    return {
        "label": screening.verdict.label,
        "score": round(screening.verdict.score, 6),
        "injection": round(screening.injection, 6),
        "wants_human": round(screening.wants_human, 6),
        "language": screening.language,
        "reasons": list(screening.verdict.reasons),
    }


async def _chat() -> None:
    import asyncio

    from agent.dialogue import next_turn, turn_from_text
    from api.mind import guidance_of, open_mind
    from sahut.clock import SystemClock

    chosen, clock = settings(), SystemClock()
    async with open_mind(chosen) as mind:
        await mind.warm_up()
        print(f"You are talking to the assistant of {chosen.organisation}. An empty line ends it.")
        turn: Turn | None = None
        reply: Reply | None = None
        while text := (await asyncio.to_thread(_read_line)).strip():
            turn = (
                turn_from_text(text, now=clock.now(), guidance=guidance_of(chosen))
                if turn is None or reply is None
                else next_turn(turn, reply, text, now=clock.now())
            )
            reply = await mind.assistant.take_turn(turn)
            _print_reply(reply)
            _tell_recorded(turn, reply)
            warn_degraded(reply)


def _tell_recorded(turn: "Turn", reply: "Reply") -> None:
    """A yes that would act for a customer acts for nobody here, which must not look as if it had."""
    if turn.confirmation is not None and any(call.state == "done" for call in reply.tool_calls):
        print("Nothing was really done: tools that write are only recorded here.", file=sys.stderr)


def _read_line() -> str:
    print("\nyou: ", end="", flush=True)
    return sys.stdin.readline()


def _print_reply(reply: "Reply") -> None:
    print(f"assistant: {reply.text or '(silence)'}")
    titles = [button.title for button in reply.buttons] + [row.title for row in (reply.menu.rows if reply.menu else ())]
    buttons = "".join(f"[{title}]  " for title in titles)
    reason = f", {reply.reason}" if reply.reason else ""
    print(f"  {buttons}({reply.decision}{reason}, confidence {reply.confidence:.2f})")
