"""Rows that are made at once: their defaults are their own, and the ORM stores and follows them as any other."""

import pytest
from sqlmodel import select

from sahut.models import Contact, Message, NumberSettings
from sahut.store import Store
from sahut.testing.clock import START


def test_no_two_rows_share_a_default():
    first, second = (Message(conversation_id="c", number="1", sent_at=START, created_at=START) for _ in range(2))
    assert first.id != second.id
    first.body["text"] = "mine"
    assert second.body == {}


def test_a_name_that_is_no_column_is_refused():
    with pytest.raises(TypeError, match="Contact has no column nickname"):
        Contact(nickname="Bela", created_at=START)


async def test_a_row_is_stored_and_its_changes_with_it(blank_url: str):
    store = Store(blank_url)
    async with store.transaction() as tx:
        settings = NumberSettings(number="1", organisation="Samsat", created_at=START, updated_at=START)
        tx.add(settings)
        await tx.flush()
        settings.organisation = "Samsat Nusa Raya"
    async with store.transaction() as tx:
        settings = (await tx.execute(select(NumberSettings))).scalar_one()
        assert (settings.organisation, settings.persona, settings.updated_at) == ("Samsat Nusa Raya", None, START)
        settings.persona = "kind"
    async with store.reading() as tx:
        assert (await tx.execute(select(NumberSettings.persona))).scalar_one() == "kind"
    await store.close()
