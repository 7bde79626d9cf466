"""`sahut eval calibrate`: thresholds with a promise, fitted on an organisation's own cases."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.common import AsJson, quiet_logs, run, settings, show_json

if TYPE_CHECKING:
    from agent.calibration import Calibration, FittedOn
    from evals.calibrate import Promise
    from evals.played import PlayedCase

Budget = Annotated[
    float | None, typer.Option(min=0.001, max=0.5, help="Most wrong answers among those sent, for example 0.05.")
]
FalsePositives = Annotated[
    float | None, typer.Option(min=0.0005, max=0.5, help="Most genuine messages called spam: fits the spam threshold.")
]
Confidence = Annotated[float, typer.Option(min=0.5, max=0.999, help="How sure the promise is to hold.")]
Following = Annotated[
    int, typer.Option("--next", min=20, help="Answers of which the budget is promised; fewer of them take more cases.")
]
By = Annotated[str | None, typer.Option(help="`language`: a threshold for each language with enough cases.")]
Target = Annotated[Path | None, typer.Option(help="Where to write; by default calibration.json in SAHUT_HOME.")]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(calibrate)


def calibrate(
    cases: Annotated[Path, typer.Argument(help="A suite, or its cases (JSONL): those set aside for calibrating.")],
    max_wrong: Budget = None,
    confidence: Confidence = 0.9,
    following: Following = 200,
    by: By = None,
    max_false_positives: FalsePositives = None,
    out: Target = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Cases played at a time.")] = 4,
    as_json: AsJson = False,
) -> None:
    """Fit when an answer is sent without a human, with a guarantee for conversations like the cases.

    Plays every case and looks at what would have been said. With --max-false-positives it fits the spam threshold on
    cases that expect `spam` true or false. Refuses where the cases are too few for what is asked.
    """
    from agent.calibration import FILE_NAME

    quiet_logs()
    if (max_wrong is None) == (max_false_positives is None):
        raise typer.BadParameter("give --max-wrong for answers, or --max-false-positives for the spam threshold")
    if by not in (None, "language"):
        raise typer.BadParameter("--by knows `language`")
    target = out or settings().home / FILE_NAME
    if max_wrong is not None:
        _refuse_looser(max_wrong, target)
        from evals.calibrate import Promise

        promise = Promise(max_wrong, confidence, following)
        fitted = run(_answers(cases, promise, by_language=by is not None, at_once=at_once))
    else:
        fitted = run(_spam(cases, max_false_positives or 0.0, confidence, at_once=at_once))
    from evals.folder import write_whole

    write_whole(target, fitted.model_dump_json(indent=2))
    if as_json:
        show_json(fitted.model_dump(mode="json"))
    else:
        print(_told(fitted, spam=max_wrong is None))
        print(f"\nWritten: {target}")


def _refuse_looser(max_wrong: float, target: Path) -> None:
    """The service would not start over a promise that is looser than its budget, so it is never put in its way."""
    from agent.calibration import FILE_NAME, permits
    from sahut.errors import ConfigurationError

    chosen = settings()
    if target.resolve() == (chosen.home / FILE_NAME).resolve() and not permits(chosen.max_wrong, max_wrong):
        raise ConfigurationError(
            f"--max-wrong {max_wrong:g} promises less than SAHUT_MAX_WRONG ({chosen.max_wrong:g}) asks, and nothing"
            f" would start with it: set SAHUT_MAX_WRONG={max_wrong:g} first, or write it elsewhere with --out FILE"
        )


async def _answers(path: Path, promise: "Promise", *, by_language: bool, at_once: int) -> "Calibration":
    from agent.calibration import OPEN, SendRule
    from evals.calibrate import fit_languages, fit_slope, judged, mapped

    played, fitted_on = await _played(path, OPEN, at_once=at_once)
    found = judged(played)
    fits = fit_languages(found, promise, by_language=by_language)
    slope, intercept = fit_slope(found)
    pooled = fits["*"]
    source = fitted_on.model_copy(
        update={
            "answers": sum(bool(one.answers) for one in found),
            "sent": pooled.sent,
            "wrong": pooled.wrong,
        }
    )
    rule = SendRule(
        max_wrong=promise.max_wrong,
        following=promise.following,
        confidence=promise.confidence,
        thresholds=mapped(fits, slope, intercept),
        fitted_on=source,
    )
    return _there().model_copy(update={"slope": slope, "intercept": intercept, "send": rule})


async def _spam(path: Path, most: float, confidence: float, *, at_once: int) -> "Calibration":
    from agent.calibration import SpamRule
    from evals.calibrate import fit_spam, genuine_scores

    there = _there()
    played, fitted_on = await _played(path, there, at_once=at_once)
    genuine = genuine_scores(played)
    best = fit_spam(genuine, max_false_positives=most, confidence=confidence)
    source = fitted_on.model_copy(update={"answers": len(genuine), "sent": best.sent, "wrong": best.wrong})
    rule = SpamRule(max_false_positives=most, confidence=confidence, threshold=best.threshold, fitted_on=source)
    return there.model_copy(update={"spam": rule})


def _there() -> "Calibration":
    """What was fitted before: the part that is not fitted now stays."""
    from agent.calibration import read_calibration

    return read_calibration(settings().home, max_wrong=1.0)


async def _played(path: Path, calibration: "Calibration", *, at_once: int) -> "tuple[tuple[PlayedCase, ...], FittedOn]":
    """The cases as this installation's assistant answers them, and where they come from. Errors are no data."""
    import hashlib

    from agent.calibration import FittedOn
    from agent.prompts import PROMPT_VERSION
    from api.cli.eval_parts import bar, load, player
    from sahut.clock import SystemClock
    from sahut.errors import ConfigurationError

    suite = await load(path)
    async with player(settings(), at_once=at_once, calibration=calibration) as (plays, assistant):
        with bar(suite.name) as tell:
            played = await plays.play(suite, k=1, progress=tell)
    broken = [case.id for case in played.results if case.outcome == "error"]
    if broken:
        raise ConfigurationError(
            f"{path}: {len(broken)} cases had an error ({', '.join(broken[:3])}): nothing can be promised without them;"
            " `sahut eval run` shows what is wrong"
        )
    said = "\n".join(case.model_dump_json(exclude={"line"}) for case in suite.cases)
    return played.results, FittedOn(
        cases=path.name,
        sha256=hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest(),
        fitted_at=SystemClock().now(),
        conversations=len(suite.cases),
        answers=0,
        sent=0,
        wrong=0,
        model=assistant.model,
        embedder=assistant.embedder,
        prompt_version=PROMPT_VERSION,
        assistant=assistant.digest,
    )


def _told(fitted: "Calibration", *, spam: bool) -> str:
    from evals.calibrate import HELD

    rule: Any = fitted.spam if spam else fitted.send
    on = rule.fitted_on
    if spam:
        lines = [
            f"A message is spam from {rule.threshold:.3f} on.",
            f"Promise: at most {rule.max_false_positives:.2%} of genuine messages,"
            f" with {rule.confidence:.0%} confidence.",
            f"Fitted on {on.answers} genuine messages of {on.cases}; {on.wrong} of them would be called spam.",
        ]
    else:
        lines = [f"An answer is sent from these confidences on: {_spoken(rule.thresholds)}."]
        lines += [
            f"Promise: of the next {rule.following} conversations with an answer, at most {rule.max_wrong:.1%} get a"
            f" wrong one (in {HELD:.0%} of such samples), with {rule.confidence:.0%} confidence.",
            f"Fitted on {on.conversations} conversations of {on.cases}: {on.answers} have an answer, {on.sent} would be"
            f" sent, {on.wrong} of them wrong.",
        ]
    lines.append("It holds for conversations like these, answered by this model with these documents and prompts;")
    lines.append("calibrate again when one of them changes much, and check it on cases kept aside (`sahut eval run`).")
    return "\n".join(lines)


def _spoken(thresholds: dict[str, float]) -> str:
    words = []
    for name, bar in sorted(thresholds.items()):
        who = "others" if name == "*" and len(thresholds) > 1 else "all languages" if name == "*" else name
        words.append(f"{who} {bar:.3f}" if bar <= 1 else f"{who} never (always a human)")
    return ", ".join(words)
