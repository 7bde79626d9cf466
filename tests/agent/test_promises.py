"""Promises heard in words, and kept out of the assistant's mouth unless a tool has made them true."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from agent.checking.promises import MOST, due, kind_of, promises_in, without_empty
from knowledge.embed import LocalEmbedder
from sahut.brief import Sentence
from sahut.hours import Hours, parse_hours
from sahut.testing.model import ScriptedModel
from sahut.toolcall import Promised, ToolCall
from tests.agent.plays import FINES_EN, Play, Shelf, cited, passage, play, says
from tests.databases import Templates

Stage = Callable[..., AbstractAsyncContextManager[Play]]
ZONE = "Asia/Jakarta"
HOURS = parse_hours("Mon-Fri 08:00-16:00", ZONE)
# A Thursday, 10:00 in Jakarta.
NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
QUESTION = "What is the late fine on vehicle tax?"
FINE = "The late fine on vehicle tax is 2% a month"


@pytest.fixture
def stage(templates: Templates, embedder: LocalEmbedder, tmp_path: Path) -> Stage:
    return partial(play, templates.sqlite(tmp_path / "play.db"), embedder)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("We will call you within two hours.", "call"),
        ("I'll get back to you tomorrow.", "contact"),
        ("A colleague is going to contact you.", "contact"),
        ("We will send you the form by e-mail.", "send"),
        ("Our team is going to look into it.", "other"),
        ("You'll hear from us in 3 working days.", "contact"),
        ("Kami akan menghubungi Anda besok.", "contact"),
        ("Nanti kami kabari ya kak", "contact"),
        ("Petugas kami akan segera menelepon Bapak.", "call"),
        ("Anda akan dihubungi dalam 2 hari kerja.", "contact"),
        ("Akan kami cek dulu.", "other"),
        ("Vamos ligar para você amanhã.", "call"),
        ("Entraremos em contato em breve.", "contact"),
        ("Um colega vai entrar em contacto consigo.", "contact"),
        ("Le llamaremos mañana a las 9.", "call"),
        ("Nos pondremos en contacto con usted.", "contact"),
        ("Un compañero le llamará en dos horas.", "call"),
        ("Við munum hringja í þig á morgun.", "call"),
    ],
)
def test_a_promise_is_heard_in_five_languages(words: str, kind: str) -> None:
    assert kind_of(words) == kind


@pytest.mark.parametrize(
    "words",
    [
        "You can call us on weekdays.",
        "We will not call you.",
        "Shall we call you?",
        "Please send us the form.",
        "The office will be open on Saturday.",
        "If you pay late, you will be fined.",
        "Kami tidak akan menghubungi Anda.",
        "Silakan hubungi kami.",
        "Não vamos ligar.",
        "No le llamaremos.",
        "Denda keterlambatan adalah 2% per bulan.",
        "",
    ],
)
def test_what_binds_nobody_is_no_promise(words: str) -> None:
    assert kind_of(words) is None


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("We will call you within two hours.", NOW + timedelta(hours=2)),
        ("Kami kabari dalam 1x24 jam.", NOW + timedelta(hours=24)),
        ("Le llamaremos en 30 minutos.", NOW + timedelta(minutes=30)),
        ("We will reply within a week.", NOW + timedelta(weeks=1)),
        # Thursday and three working days: Tuesday.
        ("We will reply in 3 working days.", datetime(2026, 12, 1, 3, 0, tzinfo=UTC)),
        # The office closes at 16:00 in Jakarta.
        ("Kami akan menghubungi Anda besok.", datetime(2026, 11, 27, 9, 0, tzinfo=UTC)),
        ("Vamos ligar amanhã às 10h.", datetime(2026, 11, 27, 3, 0, tzinfo=UTC)),
        ("A colleague will call you at 14:30.", datetime(2026, 11, 26, 7, 30, tzinfo=UTC)),
        # Six hours of business are left today, two more tomorrow.
        ("We will look into it.", datetime(2026, 11, 27, 3, 0, tzinfo=UTC)),
    ],
)
def test_a_promise_is_due_as_its_words_say(words: str, wanted: datetime) -> None:
    assert due(words, now=NOW, hours=HOURS, zone=ZONE) == wanted


@pytest.mark.parametrize("words", ["in 999 weeks", "at 99:99", "within 0 days", "on 31 February", "besok jam 77"])
def test_a_slip_of_the_pen_is_due_at_a_moment_all_the_same(words: str) -> None:
    moment = due(f"We will call you {words}", now=NOW, hours=Hours(), zone="UTC")
    assert NOW <= moment <= NOW + timedelta(days=366)


def test_each_promise_of_a_message_is_found_and_no_more_than_a_few() -> None:
    text = "Good morning! We will check it today. The fine is 2%. I'll get back to you tomorrow."
    found = promises_in(text, now=NOW, hours=HOURS, zone=ZONE)
    assert [(one.kind, one.what) for one in found] == [
        ("other", "We will check it today."),
        ("contact", "I'll get back to you tomorrow."),
    ]
    assert len(promises_in("We will call you. " * 500, now=NOW, hours=HOURS, zone=ZONE)) == MOST


def done(result: str, *, promise: str | None = None) -> ToolCall:
    made = Promised(kind=promise, what="x", due_at=NOW) if promise else None  # type: ignore[arg-type]
    return ToolCall(name="t", key="k", state="done", result=result, promise=made)


def test_a_promise_stands_where_a_tool_has_made_it_true() -> None:
    said = (Sentence(text="A colleague will call you at 10:00.", tools=("k",)),)
    assert without_empty(said, [done("Noted.", promise="call")]) == said
    assert without_empty(said, [done("Noted.")]) == ()
    assert without_empty(said, [done("Noted.", promise="contact")]) == ()
    assert without_empty(said, [done("Noted.", promise="call").model_copy(update={"state": "failed"})]) == ()
    assert without_empty(said, []) == ()


def test_a_tools_own_words_and_a_quote_stand() -> None:
    told = Sentence(text="Your ticket is open, and we will get back to you here.", tools=("k",))
    assert without_empty((told,), [done("Your ticket is open, and we will get back to you here.")]) == (told,)
    source = passage("We will contact you once the plate is ready.", document="plates.md", title="Plates")
    quoted = cited("We will contact you once the plate is ready.", source.text, source)
    paraphrased = cited("We will contact you within a day.", source.text, source)
    assert without_empty((quoted, paraphrased), []) == (quoted,)


@pytest.mark.parametrize(
    "text",
    [
        "We will call you tomorrow. Is that fine?",
        "We will call you tomorrow, is that fine?",
        "Is that fine? We will call you tomorrow.",
        "The counter is open and " * 60 + "we will call you tomorrow.",
    ],
)
def test_no_question_and_no_length_hides_a_promise(text: str) -> None:
    assert without_empty((Sentence(text=text),), []) == ()
    assert without_empty((Sentence(text=text),), [done("Noted.", promise="call")])


def test_a_question_alone_promises_nothing() -> None:
    for text in ("Shall we call you?", "If you wish, shall we call you?"):
        assert without_empty((Sentence(text=text),), [])


async def test_a_models_empty_promise_is_taken_out_and_the_answer_goes_on(stage: Stage) -> None:
    model = ScriptedModel([says(cited(f"{FINE}.", FINE), Sentence(text="We will call you tomorrow."))])
    async with stage(model=model, shelf=Shelf((FINES_EN,))) as customer:
        reply = await customer.says(QUESTION)
    assert (reply.decision, reply.text) == ("reply", f"{FINE}.")


@pytest.mark.parametrize("small_talk", [True, False])
async def test_a_reply_that_is_nothing_but_an_empty_promise_becomes_a_handoff(stage: Stage, small_talk: bool) -> None:
    model = ScriptedModel([says(Sentence(text="Thanks, a colleague will contact you soon."), small_talk=small_talk)])
    async with stage(model=model, shelf=Shelf(answerable=0.0)) as customer:
        reply = await customer.says("My neighbour has a very loud red car and I am fed up")
    assert reply.decision == "hand_off"
    assert "contact you soon" not in reply.text


async def test_an_open_promise_stands_in_the_handoffs_summary(stage: Stage) -> None:
    async with stage() as customer:
        await customer.says("Do you have a swimming pool for children?")
        assert customer.last is not None
        late = Promised(kind="call", what="Lost plates · +62812", due_at=NOW - timedelta(days=30), owner="Budi")
        customer.promises = (late,)
        reply = await customer.says("Is there a garden on the roof?")
    assert "Open promise: “Lost plates · +62812”, overdue since" in reply.summary
    assert "Budi" in reply.summary
