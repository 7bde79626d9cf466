"""What does not say of what it asks is asked back with choices; what is nobody's here is declined: each once."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from agent.choosing import choices_of, which
from agent.filling.questions import MOST_CHARACTERS
from agent.language.phrases import say
from agent.reading.burst import names_no_subject
from knowledge.embed import LocalEmbedder
from sahut.found import Passage
from sahut.text import utf16_length
from tests.agent.plays import Play, Shelf, passage, play
from tests.agent.test_model import brief
from tests.databases import Templates

Stage = Callable[..., AbstractAsyncContextManager[Play]]


@pytest.fixture
def stage(templates: Templates, embedder: LocalEmbedder, tmp_path: Path) -> Stage:
    return partial(play, templates.sqlite(tmp_path / "play.db"), embedder)


RENEWAL = passage("A renewal costs Rp50,000.", document="renewal.md", title="Renewal")
TRANSFER = passage(
    "A transfer of ownership costs Rp75,000.",
    document="transfer.md",
    title="Transfer of ownership, also of motorcycles",
)
BIAYA = passage("Biaya perpanjangan adalah Rp50.000.", document="perpanjangan.md", title="Perpanjangan", language="id")
SHEET = passage("It costs Rp2,000.", document="faq.csv", title="Faq", headings=("What does parking cost?",))
FEES = (SHEET, RENEWAL, BIAYA, TRANSFER)

# Far from every passage, and the search has looked at meanings.
FAR = {"dense": 1.0, "strained": 0.0}


def far(*, score: float = 0.02, answerable: float = 0.04, **features: float) -> Shelf:
    passages: tuple[Passage, ...] = (RENEWAL.model_copy(update={"score": score}),)
    return Shelf(passages, answerable=answerable, features=FAR | features)


class TestWhichOfThem:
    async def test_the_choice_is_answered_as_one_question(self, stage: Stage) -> None:
        shelf = Shelf(FEES)
        async with stage(shelf=shelf) as customer:
            asked = await customer.says("How much is the fee?")
            answer = await customer.says("Transfer of ownership,…")
        assert asked.decision == "clarify"
        assert asked.text.splitlines() == [say("which", "en"), "1. Renewal", f"2. {TRANSFER.title}"]
        assert asked.menu is not None
        assert [row.title for row in asked.menu.rows] == ["Renewal", "Transfer of ownership,…"]
        assert shelf.asked == ["How much is the fee?", f"How much is the fee?\n{TRANSFER.title}"]
        assert (answer.decision, answer.citations[0].document) == ("reply", "transfer.md")

    @pytest.mark.parametrize("said", ["1", "1.", "renewal", "RENEWAL"])
    async def test_a_number_or_a_title_chooses(self, stage: Stage, said: str) -> None:
        shelf = Shelf(FEES)
        async with stage(shelf=shelf) as customer:
            await customer.says("How much is the fee?")
            await customer.says(said)
        assert shelf.asked[-1] == "How much is the fee?\nRenewal"

    async def test_a_title_in_another_language_changes_no_language(self, stage: Stage) -> None:
        async with stage(shelf=Shelf((RENEWAL, TRANSFER))) as customer:
            asked = await customer.says("Quanto custa a taxa?")
            answer = await customer.says(TRANSFER.title)
        assert (asked.language, answer.language) == ("pt", "pt")

    async def test_it_is_asked_once(self, stage: Stage) -> None:
        async with stage(shelf=Shelf(FEES, answerable=0.05)) as customer:
            first = await customer.says("How much is the fee?")
            second = await customer.says("the usual one for my grandmother's helicopter")
        assert (first.decision, second.decision) == ("clarify", "hand_off")

    async def test_where_one_document_alone_speaks_of_it_it_answers(self, stage: Stage) -> None:
        async with stage(shelf=Shelf((RENEWAL, BIAYA))) as customer:
            reply = await customer.says("How much is the fee?")
        assert reply.decision != "clarify"

    async def test_what_was_talked_about_before_is_the_subject(self, stage: Stage) -> None:
        shelf = Shelf(FEES)
        async with stage(shelf=shelf) as customer:
            await customer.says("How do I apply for a renewal?")
            reply = await customer.says("And how much does it cost me?")
        assert shelf.asked[-1] == "How do I apply for a renewal?\nAnd how much does it cost me?"
        assert reply.decision != "clarify"

    def test_a_few_short_choices_are_buttons(self) -> None:
        ending = which(("Renewal", "Transfer"), "en")
        assert [button.title for button in ending.buttons] == ["Renewal", "Transfer"]
        assert ending.menu is None

    def test_the_best_document_comes_first_however_often_it_was_found(self) -> None:
        again = RENEWAL.model_copy(update={"text": "The fee of a renewal is Rp50,000.", "start": 900})
        asked = brief("How much is the fee?", passages=(RENEWAL, TRANSFER, again))
        assert choices_of(asked) == (RENEWAL.title, TRANSFER.title)

    def test_long_titles_fit_into_one_message_and_can_still_be_picked(self) -> None:
        ending = which(tuple(f"{number} {'🚗' * 300}" for number in range(10)), "en")
        assert utf16_length(ending.text) <= MOST_CHARACTERS
        assert len(ending.text.splitlines()) == 11
        assert len(ending.menu.rows if ending.menu else ()) == 10

    def test_a_row_holds_what_whatsapp_allows(self) -> None:
        ending = which(("Perpanjangan lima tahunan: STNK dan pelat nomor", "Mutasi"), "id")
        assert ending.menu is not None
        assert all(utf16_length(row.title) <= 24 for row in ending.menu.rows)


@pytest.mark.parametrize(
    "question",
    [
        "How much is the fee?",
        "what documents do I need?",
        "How much do I have to pay?",
        "Syaratnya apa saja ya?",
        "Berapa lama prosesnya?",
        "Quanto custa a taxa?",
        "¿Qué documentos necesito?",
        "Hvað kostar þetta?",
    ],
)
def test_a_detail_without_its_subject(question: str) -> None:
    assert names_no_subject(question)


@pytest.mark.parametrize(
    "question",
    ["How can I pay?", "What is the fine?", "When are you open?", "Where is the office?", "biaya balik nama?", "Hello"],
)
def test_what_names_its_subject(question: str) -> None:
    assert not names_no_subject(question)


class TestOutOfScope:
    QUESTION = "Which film won the Oscar last year?"

    async def test_it_is_declined_and_a_person_sees_it_when_it_comes_again(self, stage: Stage) -> None:
        async with stage(shelf=far()) as customer:
            first = await customer.says(self.QUESTION)
            second = await customer.says("I really want to know who won the Oscar last year")
        assert (first.decision, first.text) == ("clarify", say("out_of_scope", "en", organisation="the office"))
        assert (second.decision, second.reason) == ("hand_off", "no_answer")

    @pytest.mark.parametrize(
        "shelf",
        [far(score=0.4), far(answerable=0.3), far(dense=0.0), far(strained=0.9), Shelf(answerable=0.0, features=FAR)],
        ids=["near a passage", "perhaps answered", "words alone", "badly understood", "no documents"],
    )
    async def test_whatever_may_be_in_scope_goes_to_a_person(self, stage: Stage, shelf: Shelf) -> None:
        async with stage(shelf=shelf) as customer:
            reply = await customer.says(self.QUESTION)
        assert reply.decision == "hand_off"
