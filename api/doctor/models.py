"""The chat models: whether they answer, what they took, and what was promised of their answers."""

from api.doctor.finding import Finding
from sahut.clock import SystemClock
from sahut.settings import Settings


async def model(settings: Settings) -> Finding:
    """The chat model has what it needs, and its server answers."""
    name = settings.chat_model
    if name == "extractive":
        says = "extractive: answers quote the documents, no server needed"
        if settings.rerank:
            return Finding("warn", "model", f"{says}; SAHUT_RERANK is of no use without a chat model")
        return Finding("ok", "model", says)
    from agent.model import make_chat_models

    for model in make_chat_models(settings):  # says what it lacks
        await model.close()
    key = settings.openai_api_key.get_secret_value()
    trouble = await _trouble(key, settings.openai_base_url)
    if trouble:
        says = f"the server does not answer ({trouble}): check OPENAI_API_KEY and OPENAI_BASE_URL"
        return Finding("fail", "model", says)
    return Finding("ok", "model", f"{name}: the server answers")


async def fallback(settings: Settings) -> Finding:
    """The second model, on a server of its own or on the first one's."""
    name = settings.fallback_model
    if not name or settings.chat_model == "extractive":
        says = f"{name}: not used, as SAHUT_MODEL is extractive" if name else "none: the embedded answers quote"
        return Finding("warn" if name else "ok", "fallback model", says)
    from agent.model import fallback_server

    trouble = await _trouble(*fallback_server(settings))
    if trouble:
        says = f"{name}'s server does not answer ({trouble}): check SAHUT_FALLBACK_BASE_URL and SAHUT_FALLBACK_API_KEY"
        return Finding("fail", "fallback model", says)
    return Finding("ok", "fallback model", f"{name}: the server answers")


async def _trouble(key: str, url: str) -> str:
    """Why a chat server cannot be used; empty where it can."""
    from openai import AsyncOpenAI, OpenAIError

    client = AsyncOpenAI(api_key=key or "none", base_url=url or None, timeout=10, max_retries=0)
    try:
        await client.models.list()
    except OpenAIError as error:
        return type(error).__name__
    finally:
        await client.close()
    return ""


async def spending(settings: Settings) -> Finding:
    """What the models took today, and whether customers get quotes in place of the model's answers."""
    from agent.chat.spending import limits_of
    from api.mind import open_store
    from sahut.store import spending
    from sahut.store.spending import Spent

    if settings.chat_model == "extractive":
        return Finding("ok", "spending", "nothing: no chat model is used")
    limits, today = limits_of(settings), SystemClock().now().date()
    async with open_store(settings) as store, store.reading() as tx:
        spent, _ = await spending.spent(tx, today, spending.EVERYBODY)
        beyond = await spending.contacts_beyond(
            tx, today, tokens=limits.tokens_per_contact, cost_usd=limits.usd_per_contact
        )
    of = [f" of ${limits.usd_per_day:g}"] if limits.usd_per_day is not None else []
    took = f"${spent.cost_usd:.2f}{''.join(of)} and {spent.tokens} tokens today (UTC)"
    if limits.reached(spent, Spent()):
        says = f"{took}: the day's limit is reached, answers quote the documents; see SAHUT_SPEND_LIMIT_USD_PER_DAY"
        return Finding("warn", "spending", says)
    if beyond:
        says = f"{took}; {beyond} contact(s) reached their own limit (SAHUT_SPEND_LIMIT_..._PER_CONTACT)"
        return Finding("warn", "spending", says)
    return Finding("ok", "spending", took)


async def embedder(settings: Settings) -> Finding:
    """The embedder has what it needs."""
    from knowledge.embed import make_embedder
    from knowledge.space import space_of

    name = space_of(make_embedder(settings)).name
    return Finding("ok", "embedder", name if settings.embedder == "local" else f"{name}, asked at the model's server")


async def calibration(settings: Settings) -> Finding:
    """What was promised of sent answers, and whether it holds for what runs now."""
    from agent.prompts import PROMPT_VERSION
    from api.mind import calibration_of
    from knowledge.embed import make_embedder
    from knowledge.space import space_of

    rule = calibration_of(settings).send
    if rule is None or rule.fitted_on is None:
        says = (
            "answers are sent on shipped defaults, fitted to the sample office and not to yours: set cases of your own"
            f" aside and run `sahut eval calibrate CASES --max-wrong {settings.max_wrong:g}`"
        )
        return Finding("warn", "calibration", says)
    on = rule.fitted_on
    model = " ".join(filter(None, (settings.chat_model, settings.openai_base_url)))
    now = {"model": model, "embedder": space_of(make_embedder(settings)).name, "prompt_version": PROMPT_VERSION}
    changed = [name.replace("_", " ") for name, value in now.items() if getattr(on, name) != value]
    sent = f"{rule.following} sent answers" if rule.following else "sent answers"
    promise = f"at most {rule.max_wrong:.1%} of {sent} wrong, {rule.confidence:.0%} confidence, on {on.cases}"
    if changed:
        says = f"the promise ({promise}) was made for another {', '.join(changed)}: run `sahut eval calibrate` again"
        return Finding("warn", "calibration", says)
    return Finding("ok", "calibration", f"{promise} of {on.fitted_at:%Y-%m-%d}")
