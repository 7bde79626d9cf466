"""What the embedded model quotes, and when it proposes a tool."""

import pytest

from agent.checking.features import word_likeness
from agent.confidence import BUDGETS, probability, threshold
from agent.extractive import MOST_CHARACTERS, Extractive, candidates_of, wants_figure
from agent.language.concepts import told
from agent.reading.burst import leans
from agent.reading.proposing import asks, fill, propose, topic
from knowledge.embed import LocalEmbedder
from sahut.brief import Brief
from sahut.found import Passage
from sahut.ids import ContactId, ConversationId, MessageId, TurnId
from sahut.toolcall import ToolCall, ToolCard
from sahut.turn import Incoming, Turn
from tests.agent.plays import FINES_EN, FINES_ID, HOURS_EN, NOW, passage
from tools.tickets import create_ticket
from tools.toolbox import Toolbox

[TICKET] = Toolbox([create_ticket]).cards


def brief(text: str, *passages: Passage, language: str = "en", **more: object) -> Brief:
    turn = Turn(
        id=TurnId("t"),
        conversation_id=ConversationId("c"),
        contact_id=ContactId("k"),
        burst=(Incoming(id=MessageId("m"), text=text),),
        now=NOW,
    )
    return Brief(turn=turn, question=text, language=language, passages=passages, **more)


@pytest.fixture
def model(embedder: LocalEmbedder) -> Extractive:
    return Extractive(embedder)


class TestQuotes:
    async def test_every_quote_is_the_documents_own_text(self, model: Extractive) -> None:
        draft = await model.think(brief("What is the late fine?", HOURS_EN, FINES_EN))
        spans = [span for sentence in draft.sentences for span in sentence.citations]
        assert spans
        assert all(FINES_EN.text[span.start - 40 : span.end - 40] == span.quote for span in spans)

    async def test_the_customers_language_is_preferred(self, model: Extractive) -> None:
        draft = await model.think(brief("Berapa denda keterlambatan?", FINES_EN, FINES_ID, language="id"))
        assert draft.sentences[0].text == "Menurut dokumen kami “Denda keterlambatan”:"

    async def test_an_answer_fits_a_phone(self, model: Extractive) -> None:
        long = passage(
            " ".join(f"The fine in district {n} is {n}% a month." for n in range(60)), document="l", title="L"
        )
        draft = await model.think(brief("How much is the fine?", long))
        assert sum(len(sentence.text) for sentence in draft.sentences[1:]) <= MOST_CHARACTERS

    async def test_of_a_question_and_answer_sheet_the_answer_is_quoted_whole(self, model: Extractive) -> None:
        sheet = passage(
            "Free for two hours. Then Rp2,000 an hour.", document="faq.csv", title="FAQ", headings=("Is parking free?",)
        )
        draft = await model.think(brief("How much is parking?", sheet))
        assert [one.text for one in candidates_of(sheet)] == [sheet.text]
        assert draft.sentences[1].text == sheet.text

    async def test_with_nothing_to_quote_it_calls_a_human(self, model: Extractive) -> None:
        draft = await model.think(brief("What is the late fine?"))
        assert (draft.decision, draft.reason) == ("hand_off", "no_answer")

    async def test_a_tools_result_is_told(self, model: Extractive) -> None:
        done = ToolCall(name="find_order", state="done", key="k", result="It left.")
        draft = await model.think(brief("Where is it?", done=(done,)))
        assert (draft.sentences[0].text, draft.sentences[0].tools) == ("It left.", ("k",))


class TestProposals:
    @pytest.mark.parametrize(
        "text",
        [
            "Saya mau mengadu, petugas di loket 2 membentak saya kemarin siang.",
            "I'd like to complain. The service today was terrible",
            "abra um chamado por favor, o aplicativo não funciona",
            "Quiero presentar una queja sobre la ventanilla 4",
            "Ég vil kvarta yfir starfsmanni",
        ],
    )
    async def test_a_request_in_other_words_is_understood(self, text: str, embedder: LocalEmbedder) -> None:
        call = await propose(text, [TICKET], embedder)
        assert call is not None
        assert call.arguments["description"] == text

    async def test_thousands_of_clauses_are_not_all_looked_at(self, embedder: LocalEmbedder) -> None:
        call = await propose("I want to complain! " + "no, no, " * 8000, [TICKET], embedder)
        assert call is not None
        assert len(call.arguments["description"]) > 60_000

    @pytest.mark.parametrize(
        "text",
        [
            "How many days does it take until a complaint is answered?",
            "gimana cara komplain?",
            "I want to pay my tax",
            "I want to request a refund",
            "saya mau balik nama",
            "what should I include in a complaint",
        ],
    )
    async def test_a_question_or_another_wish_is_not(self, text: str, embedder: LocalEmbedder) -> None:
        assert await propose(text, [TICKET], embedder) is None

    async def test_a_refused_proposal_is_not_made_again(self, model: Extractive) -> None:
        refused = ToolCall(name="create_ticket", state="refused")
        draft = await model.think(brief("I want to file a complaint", tools=(TICKET,), done=(refused,)))
        assert draft.tool_calls == ()

    def test_the_topic_is_the_matter_without_the_request(self) -> None:
        message = "I want to complain: the clerk at counter 3 shouted."
        assert topic(message, "I want to complain") == "the clerk at counter 3 shouted"
        assert topic("I want to complain", "I want to complain") == "I want to complain"
        assert len(topic("word " * 50)) <= 60

    def test_an_argument_that_words_cannot_fill_ends_the_proposal(self) -> None:
        card = ToolCard(
            name="t",
            description="d",
            parameters={"required": ["amount"], "properties": {"amount": {"type": "integer"}}},
        )
        assert fill(card, "I want it") is None

    def test_a_question_is_told_from_a_request(self) -> None:
        assert asks("Bagaimana cara komplain?")
        assert asks("I would like to know how to complain")
        assert not asks("can you open a ticket for me?")


class TestWords:
    def test_concepts_meet_across_spellings_and_languages(self) -> None:
        assert told("telat") == told("keterlambatan") == told("atraso")
        assert told("los jueves") == told("hari Kamis") - told("hari")
        assert told("biayanya berapa ya") == told("fees")

    async def test_the_word_that_nothing_speaks_of_is_found(self, embedder: LocalEmbedder) -> None:
        near = await word_likeness("tax on a car", "The tax on cars is 2%.", embedder)
        far = await word_likeness("tax on an electric helicopter", "The tax on cars is 2%.", embedder)
        assert min(near) == 1.0
        assert min(far) < 0.6

    def test_what_asks_for_a_figure(self) -> None:
        assert wants_figure("Berapa denda kalau telat?")
        assert wants_figure("until when can I pay, what is the deadline")
        assert not wants_figure("Can I pay with my card?")

    @pytest.mark.parametrize("text", ["kalau motor?", "and on Saturday?", "y los sábados?", "dan untuk truk besar?"])
    def test_a_follow_up_leans_on_what_was_said(self, text: str) -> None:
        assert leans(text)

    def test_a_full_question_stands_alone(self) -> None:
        assert not leans("jam berapa kantor tutup hari Jumat?")


class TestConfidence:
    def test_more_support_is_never_less_sure(self) -> None:
        low = {"answerable": 0.3, "words": 0.6, "weakest": 0.3, "likeness": 0.2, "support": 1.0, "own": 0.5}
        for name, value in low.items():
            assert probability({**low, name: value + 0.2}) > probability(low)

    def test_nothing_known_is_nothing_sure(self) -> None:
        assert probability({}) < 0.001
        assert probability(dict.fromkeys(("answerable", "words", "weakest", "likeness", "support", "own"), 1.0)) > 0.95

    def test_a_smaller_budget_asks_for_more(self) -> None:
        asked = [threshold(share) for share in (0.0, 0.01, 0.03, 0.05, 0.2, 0.9)]
        assert asked == sorted(asked, reverse=True)
        assert threshold(0.05) == dict(BUDGETS)[0.05]
