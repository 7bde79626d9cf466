"""`sahut contact erase`: asks first, says what is gone, and names a contact that is not there."""

import asyncio
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sahut.migrations import migrate
from sahut.models import Contact, Conversation, Message
from sahut.models import State as MessageState
from sahut.store import Store
from tests.cli.conftest import Sahut

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


@pytest.fixture
def ani(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    url = f"sqlite:///{tmp_path / 'sahut.db'}"
    monkeypatch.setenv("SAHUT_DATABASE_URL", url)

    async def comes() -> str:
        store = Store(url)
        await migrate(store)
        contact = Contact(name="Ani", created_at=NOW)
        talk = Conversation(number="1", contact_id=contact.id, created_at=NOW, updated_at=NOW)
        said = {"author": "contact", "kind": "text", "text": "Halo", "state": MessageState.RECEIVED, "number": "1"}
        async with store.transaction() as tx:
            tx.add(contact)
            await tx.flush()
            tx.add(talk)
            await tx.flush()
            tx.add(Message(conversation_id=talk.id, sent_at=NOW, created_at=NOW, **said))
        await store.close()
        return contact.id

    return asyncio.run(comes())


def test_a_person_is_erased_once_and_with_a_yes(sahut: Sahut, ani: str):
    unasked = sahut("contact", "erase", ani)
    assert (unasked.code, unasked.out) == (2, "")
    assert "--yes" in unasked.err

    gone = sahut("contact", "erase", ani, "--yes", "--json")
    told = json.loads(gone.out)
    assert (gone.code, told["contact"]) == (0, ani)
    assert told["erased"] == {"contact": 1, "conversation": 1, "files": 0, "message": 1}

    again = sahut("contact", "erase", ani, "--yes")
    assert (again.code, again.err.strip()) == (2, f"There is no contact {ani}.")
