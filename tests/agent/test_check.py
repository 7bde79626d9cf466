"""What is a fact, when two facts are one, and what a draft may not claim."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.checking.check import check, exists, join
from agent.language.facts import Fact, facts, implied, number
from sahut.brief import Sentence
from sahut.toolcall import ToolCall
from tests.agent.plays import FINES, FINES_EN, HOURS, HOURS_EN, cited, passage


def grouped(value: int, mark: str) -> str:
    return f"{value:,}".replace(",", mark)


class TestNumbers:
    @given(st.integers(min_value=0, max_value=10**15))
    def test_grouping_does_not_matter(self, value: int) -> None:
        assert number(grouped(value, ".")) == number(grouped(value, ",")) == number(str(value)) == str(value)

    @given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=1, max_value=99))
    def test_the_mark_of_the_fraction_does_not_matter(self, whole: int, hundredths: int) -> None:
        english, indonesian = f"{whole:,}.{hundredths:02}", f"{grouped(whole, '.')},{hundredths:02}"
        assert number(english) == number(indonesian)
        assert Decimal(number(english)) == whole + Decimal(hundredths) / 100

    @given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=10**9))
    def test_two_values_are_never_one_fact(self, one: int, other: int) -> None:
        assert (number(grouped(one, ".")) == number(grouped(other, ","))) == (one == other)

    @given(st.text(max_size=200))
    def test_any_text_can_be_read(self, text: str) -> None:
        assert facts(text) <= implied(facts(text))

    @pytest.mark.parametrize("unit", ["a", "a-", "a.", "_a-", "a@", "Aa ", "0 ", "1.", "+1 ", "1 january "])
    def test_a_hostile_text_is_read_once_and_not_from_each_of_its_letters(self, unit: str) -> None:
        assert facts(unit * (65_536 // len(unit)) + " Rp5 ") >= {Fact("money", "IDR 5")}

    @pytest.mark.parametrize(
        ("texts", "fact"),
        [
            (["Rp1.500.000", "Rp 1,500,000", "IDR 1500000", "Rp1,5 juta"], Fact("money", "IDR 1500000")),
            (["2%", "2 %", "2 persen", "2 percent", "2 por cento", "2 por ciento"], Fact("percent", "2")),
            (["08:00", "08.00", "8.00", "8 am", "8 a.m.", "08h00"], Fact("number", "8")),
            (["15:30", "15.30", "3:30 pm"], Fact("number", "15.3")),
            (["+62 812-0000-0100", "+6281200000100"], Fact("phone", "6281200000100")),
            (["5 Januari 2026", "January 5, 2026", "5 de enero de 2026", "2026-01-05"], Fact("date", "2026-1-5")),
            (["https://office.example.com/cek", "office.example.com/cek."], Fact("link", "office.example.com/cek")),
            (["layanan@office.example.com", "Layanan@office.example.com,"], Fact("link", "layanan@office.example.com")),
            (["Jalan Layar Kencana No. 17", "jalan Layar Kencana"], Fact("street", "layar kencana")),
            (["T-7K3M9Q"], Fact("code", "t-7k3m9q")),
        ],
    )
    def test_one_fact_in_many_spellings(self, texts: list[str], fact: Fact) -> None:
        assert [fact in facts(f"It is {text} here") for text in texts] == [True] * len(texts)

    def test_a_percentage_is_not_a_price(self) -> None:
        assert facts("2%") != facts("2")
        assert facts("$150") != facts("Rp150")


class TestCheck:
    def test_a_quote_supports_itself(self) -> None:
        sentence = cited(FINES, FINES)
        checked = check([sentence], [FINES_EN])
        assert (checked.sentences, checked.removed, checked.support) == ((sentence,), (), 1.0)

    @pytest.mark.parametrize(
        "claim",
        [
            "It is 5% a month.",
            "It is Rp2 a month.",
            "Pay at pay.example.com.",
            "Call +62 811-1111-1111.",
            "From 3 May on.",
            "Come to Jalan Merdeka.",
            "Your code is AB12.",
        ],
    )
    def test_what_the_quote_does_not_say_is_taken_out(self, claim: str) -> None:
        checked = check(
            [cited(claim, "The late fine on vehicle tax is 2% a month, for at most 24 months.")], [FINES_EN]
        )
        assert (checked.sentences, checked.removed, checked.support) == ((), (claim,), 0.0)

    @pytest.mark.parametrize(
        ("claim", "quote"),
        [
            ("You need form B1.", "You need form AB12."),
            ("Your ticket is TK-12.", "Your ticket is TK-1234."),
            ("Come to Jalan Mer.", "Come to Jalan Merdeka."),
        ],
    )
    def test_a_part_of_another_code_or_name_supports_nothing(self, claim: str, quote: str) -> None:
        source = passage(quote, document="forms.md", title="Forms")
        assert check([cited(claim, quote, source)], [source]).removed == (claim,)
        assert check([cited(quote.rstrip("."), quote, source)], [source]).sentences

    def test_another_spelling_of_the_quote_is_kept(self) -> None:
        sentence = cited("We are open from 8 am to 3 pm.", "from 08:00 to 15:00", HOURS_EN)
        assert check([sentence], [HOURS_EN]).sentences == (sentence,)

    def test_only_the_sentences_own_citations_count(self) -> None:
        wrong = cited("The fine is 2%.", HOURS, HOURS_EN)
        assert not check([wrong], [HOURS_EN, FINES_EN]).sentences

    def test_a_tool_result_supports(self) -> None:
        call = ToolCall(name="find_order", state="done", key="k", result="Order 7 costs Rp90.000.")
        sentence = Sentence(text="Your order 7 costs Rp90,000.", tools=("k",))
        assert check([sentence], [], calls=[call]).support == 1.0
        assert not check([sentence], [], calls=[call.model_copy(update={"state": "refused"})]).sentences

    def test_the_customers_figures_may_be_repeated_beside_a_supported_one_only(self) -> None:
        beside = cited("For your 3 months the rate is 2%.", "2% a month")
        alone = cited("Yes, 3 months.", "at most 24 months")
        link = cited("2%, see evil.example.com.", "2% a month")
        percentage = cited("2%, or 5%.", "2% a month")
        message = "I am 3 months late, is it 5%? See evil.example.com"
        kept = check([beside, alone, link, percentage], [FINES_EN], message=message).sentences
        assert kept == (beside,)

    def test_support_is_the_share_of_text_with_a_source(self) -> None:
        checked = check([cited("2% a month", "2% a month"), Sentence(text="I am sorry")], [FINES_EN])
        assert checked.support == pytest.approx(0.5)

    def test_a_span_must_be_in_the_passage_word_for_word(self) -> None:
        span = cited("x", "2% a month").citations[0]
        assert exists(span, [HOURS_EN, FINES_EN])
        assert not exists(span, [HOURS_EN])
        assert not exists(span.model_copy(update={"start": span.start + 1}), [FINES_EN])
        assert not exists(span.model_copy(update={"version": "older"}), [FINES_EN])

    def test_titles_count_as_support(self) -> None:
        leaflet = passage("Refunds take long.", document="l.txt", title="Leaflet 11")
        sentence = cited("Our document “Leaflet 11” says:", "Refunds take long.", leaflet)
        assert check([sentence], [leaflet]).sentences == (sentence,)

    def test_a_line_that_ends_with_a_colon_introduces_the_next(self) -> None:
        assert (
            join([Sentence(text="It says:"), Sentence(text="One."), Sentence(text=" Two. ")]) == "It says:\nOne. Two."
        )
