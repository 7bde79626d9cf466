"""What a chat model says in prose is held against what it cites: no figure gives a made-up sentence away."""

import pytest

from agent.checking.check import Checked
from agent.checking.grounding import LEAST, denies, grounded, likelihood
from knowledge.embed import LocalEmbedder
from sahut.brief import Sentence
from sahut.toolcall import ToolCall
from tests.agent.plays import cited, passage

CARDS = (
    "Office counters accept cash, debit cards and QRIS. Credit cards are not accepted at the counters or in the app."
)
CARDS_EN = passage(CARDS, document="payment.md", title="How to pay")


@pytest.mark.parametrize(
    "text",
    [
        "You can pay at the counter in cash, with a debit card or with QRIS.",
        "Di loket bisa bayar tunai, kartu debit, atau QRIS.",
        "Nos balcões pode pagar em dinheiro, com cartão de débito ou QRIS.",
        "No se aceptan tarjetas de crédito.",
    ],
)
async def test_a_paraphrase_in_any_language_is_likely(text: str, embedder: LocalEmbedder):
    assert await likelihood(text, [CARDS], embedder) >= LEAST


@pytest.mark.parametrize(
    "text",
    [
        "A colleague will call you this afternoon.",
        "Keluarga Anda boleh mewakili tanpa surat kuasa.",
        "The first week after the due date is free of any fine.",
        "O pedido precisa de um advogado.",
    ],
)
async def test_what_the_source_does_not_speak_of_is_not(text: str, embedder: LocalEmbedder):
    assert await likelihood(text, [CARDS], embedder) < LEAST


async def test_a_quote_is_certain_and_nothing_to_stand_on_is_nothing(embedder: LocalEmbedder):
    assert await likelihood("credit cards are not  accepted at the counters", [CARDS], embedder) == 1
    assert await likelihood("Credit cards are not accepted.", [], embedder) == 0


def test_a_denial_is_seen_in_each_language():
    texts = [
        "Credit cards are not accepted.",
        "Tidak bisa dicicil.",
        "Não é aceite.",
        "Sin coste.",
        "Þetta er ekki hægt.",
    ]
    assert all(map(denies, texts))
    assert not denies("Cash is accepted.")


async def test_only_what_stands_on_something_is_left(embedder: LocalEmbedder):
    told = cited("You can pay in cash, with a debit card or QRIS.", "Office counters accept cash", CARDS_EN)
    promise = cited("A colleague will call you this afternoon.", "Office counters accept cash", CARDS_EN)
    again = Sentence(text="So cash or a debit card will do at the counter.")
    bonus = Sentence(text="Members of our club get a present.")
    question = Sentence(text="Shall I tell you the way to the office?")
    draft = Checked((told, promise, again, bonus, question), ("It costs 5.",))

    left = await grounded(draft, (), embedder)

    assert left.sentences == (told, again, question)
    assert left.removed == ("It costs 5.", promise.text, bonus.text)


async def test_a_tools_result_is_something_to_stand_on(embedder: LocalEmbedder):
    call = ToolCall(
        name="find_order", arguments={}, key="k", state="done", result="Order 7 is on its way to the customer."
    )
    on_its_way = Sentence(text="Your order is on its way to you.", tools=("k",))
    lost = Sentence(text="Your neighbour has signed for the parcel and lost the key.", tools=("k",))

    left = await grounded(Checked((on_its_way, lost), ()), (call,), embedder)

    assert left.sentences == (on_its_way,)


async def test_under_another_embedder_nothing_is_judged(embedder: LocalEmbedder):
    class Other:
        name, dimension = "another", embedder.dimension

        async def embed(self, texts):
            raise AssertionError("not asked")

    draft = Checked((cited("Tomorrow we give away cars.", "Office counters", CARDS_EN),), ())
    assert await grounded(draft, (), Other()) is draft


@pytest.mark.parametrize(
    "text",
    [
        "The first week after the due date is free of any fine. Anything else?",
        "Hello! The first week after the due date is free of any fine.",
        "A lawyer has to come with you.\nWhich counter do you mean?",
    ],
)
async def test_a_question_or_a_greeting_beside_it_hides_no_claim(text: str, embedder: LocalEmbedder):
    asks = Sentence(text="Hello! Which counter do you mean?")
    said = (cited(text, CARDS, CARDS_EN), asks)
    assert (await grounded(Checked(said, ()), (), embedder)).sentences == (asks,)
