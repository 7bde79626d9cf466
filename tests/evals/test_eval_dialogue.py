"""Turns made of plain conversations."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.dialogue import next_turn, turn_from_messages, turn_from_text
from sahut.errors import ConfigurationError
from sahut.toolcall import Confirmation
from sahut.turn import HISTORY_LINES, Guidance, Reply

NOW = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)


def said(*pairs):
    return [{"role": role, "content": content} for role, content in pairs]


def test_a_text_is_a_fresh_conversation():
    guidance = Guidance(organisation="Samsat Nusa Raya")
    first = turn_from_text("jam buka?", now=NOW, guidance=guidance)
    second = turn_from_text("jam buka?", now=NOW)
    assert (first.text, first.history, first.now, first.guidance) == ("jam buka?", (), NOW, guidance)
    assert first.language is None
    assert first.window_closes_at is None
    ids = {value for turn in (first, second) for value in (turn.id, turn.conversation_id, turn.contact_id)}
    assert len(ids) == 6


def test_the_last_user_messages_are_the_burst():
    messages = said(("user", "halo"), ("assistant", "Halo!"), ("user", "denda"), ("user", "berapa?"))
    turn = turn_from_messages(messages, now=NOW)
    assert [line.model_dump() for line in turn.history] == [
        {"role": "user", "content": "halo", "author": "contact"},
        {"role": "assistant", "content": "Halo!", "author": "assistant"},
    ]
    assert turn.text == "denda\nberapa?"
    assert turn.burst[0].id != turn.burst[1].id


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([], "empty"),
        (said(("user", "a"), ("system", "b")), "Message 2: the role .*'system'"),
        (said(("user", "a"), ("assistant", "b")), "ends with the assistant"),
        (said(("user", "  ")), "Message 1: `content` is empty"),
        ([{"role": "user", "content": None}], "Message 1: `content` must be a text"),
        ([{"content": "a"}], "Message 1: the role"),
        (["hi"], "Message 1 is not an object"),
    ],
)
def test_bad_messages_are_told_by_their_place(messages, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        turn_from_messages(messages, now=NOW)


def test_the_next_turn_carries_history_and_a_proposed_confirmation():
    waiting = Confirmation(id="c1", tool="create_ticket", arguments={"topic": "clerk"})
    first = turn_from_text("saya mau mengadu", now=NOW)
    asked = Reply(decision="clarify", text="Buka tiket?", language="id", confirmation=waiting)
    second = next_turn(first, asked, "ya", now=NOW + timedelta(minutes=1))
    assert [line.content for line in second.history] == ["saya mau mengadu", "Buka tiket?"]
    assert (second.confirmation, second.language, second.text) == (waiting, "id", "ya")
    assert (second.conversation_id, second.contact_id) == (first.conversation_id, first.contact_id)
    assert second.id != first.id
    assert second.now == NOW + timedelta(minutes=1)


def test_a_confirmation_waits_for_one_turn_and_silence_leaves_no_line():
    first = turn_from_text("mengadu", now=NOW).model_copy(
        update={"confirmation": Confirmation(id="c1", tool="create_ticket", arguments={})}
    )
    second = next_turn(first, Reply(decision="silent"), "halo", "ada orang?")
    assert second.confirmation is None
    assert [line.content for line in second.history] == ["mengadu"]
    assert second.text == "halo\nada orang?"
    assert second.now == NOW


@pytest.mark.parametrize("texts", [(), ("",), ("a", " ")])
def test_the_next_turn_needs_text(texts):
    with pytest.raises(ConfigurationError, match="empty"):
        next_turn(turn_from_text("a", now=NOW), Reply(decision="reply", text="b"), *texts)


def test_the_history_is_bounded():
    many = said(*[(role, str(i)) for i in range(30) for role in ("user", "assistant")], ("user", "last"))
    turn = turn_from_messages(many, now=NOW)
    assert len(turn.history) == HISTORY_LINES
    assert len(next_turn(turn, Reply(decision="reply", text="x"), "more").history) == HISTORY_LINES
