"""What operators look at: the queue's order, the inbox, one conversation, a cited passage, on both databases."""

import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from sahut import rules
from sahut.errors import NotFound
from sahut.models import (
    Author,
    CitationRow,
    Contact,
    ContactIdentity,
    Conversation,
    Document,
    DocumentVersion,
    Handoff,
    HandoffState,
    IdentityKind,
    Message,
    Note,
    Operator,
    Receipt,
    State,
    Ticket,
)
from sahut.rules import Window
from sahut.store import Store, desk
from sahut.store.database import insert
from sahut.testing.clock import START

NUMBER = "106500000000001"
HOUR = timedelta(hours=1)
HOSTILE = '<img src=x onerror=alert(1)> \u202eevil\u202c 100%_off \\ "; DROP TABLE contact; --'


@pytest.fixture
async def store(blank_url: str) -> AsyncIterator[Store]:
    store = Store(blank_url)
    yield store
    await store.close()


@pytest.fixture
async def budi(store: Store) -> Operator:
    return await operator(store, "budi@example.com")


async def operator(store: Store, email: str) -> Operator:
    row = Operator(email=email, name=email.partition("@")[0], password_hash="none", created_at=START)
    await write(store, row)
    return row


async def write(store: Store, *rows: object) -> None:
    async with store.transaction() as tx:
        for row in rows:
            await insert(tx, row)  # type: ignore[arg-type]


async def conversation(
    store: Store, name: str = "Ani", phone: str | None = None, *, at: datetime = START, **more: object
) -> Conversation:
    contact = Contact(name=name, created_at=at)
    row = Conversation(number=NUMBER, contact_id=contact.id, created_at=at, updated_at=at, **more)
    await write(store, contact, row)
    if phone is not None:
        await write(store, ContactIdentity(contact_id=contact.id, kind=IdentityKind.PHONE, value=phone, created_at=at))
    return row


def said(row: Conversation, text: str, author: Author = Author.CONTACT, **more: object) -> Message:
    state = State.RECEIVED if author == Author.CONTACT else State.DELIVERED
    given = {"state": state, "author": author, "sent_at": START, "created_at": START, "body": {}, **more}
    return Message(conversation_id=row.id, number=NUMBER, text=text, **given)


def asked(row: Conversation, **more: object) -> Handoff:
    given = {"lane": "support", "reason": "asked_for_human", "due_at": START, "created_at": START, **more}
    return Handoff(conversation_id=row.id, **given)


async def test_the_queue_shows_what_is_lost_first(store: Store):
    """The window's last hour, then promises, then what is lost already; claimed ones behind."""
    plots = {
        "closed long ago": (START - 30 * HOUR, {"due_at": START - 29 * HOUR}),
        "overdue": (START - 5 * HOUR, {"due_at": START - 4 * HOUR}),
        "due soon": (START - HOUR, {"due_at": START + HOUR / 10}),
        "last minutes": (START - 24 * HOUR + HOUR / 6, {"due_at": START - 20 * HOUR}),
        "claimed": (START - 23.9 * HOUR, {"due_at": START, "state": HandoffState.CLAIMED, "claimed_by": "citra"}),
        "never wrote": (None, {"due_at": START - 48 * HOUR}),
    }
    for name, (opened, more) in plots.items():
        row = await conversation(store, name, window_opened_at=opened)
        await write(store, said(row, f"I am {name}"), asked(row, summary=f"about {name}", **more))
    closed = await conversation(store, "returned")
    spam = await conversation(store, "spammer")
    await write(store, asked(closed, state=HandoffState.RETURNED), asked(spam, lane="spam"))

    async with store.reading() as tx:
        waiting = await desk.queue(tx, "support", now=START)
        (quarantined,) = await desk.queue(tx, "spam", now=START)
        first = await desk.queue(tx, "support", now=START, limit=1)
    order = ["last minutes", "overdue", "due soon", "never wrote", "closed long ago", "claimed"]
    assert [one.contact.name for one in waiting] == order
    assert [one.contact.name for one in first] == order[:1]
    assert waiting[0].last is not None
    assert (waiting[0].last.text, waiting[0].summary) == ("I am last minutes", "about last minutes")
    assert waiting[-1].claimed_by == "citra"
    assert (quarantined.contact.name, quarantined.last) == ("spammer", None)


async def test_the_queue_is_ordered_as_the_rule_says(store: Store):
    luck = random.Random(7)
    for n in range(120):
        opened = None if n % 10 == 0 else START - timedelta(minutes=luck.randrange(0, 26 * 60))
        closed = luck.choice([None, None, START - timedelta(minutes=luck.randrange(0, 26 * 60))])
        row = await conversation(store, str(n), window_opened_at=opened, window_closed_at=closed)
        state = luck.choice([HandoffState.QUEUED, HandoffState.CLAIMED])
        await write(store, asked(row, state=state, due_at=START + timedelta(minutes=luck.randrange(-500, 500))))
    async with store.reading() as tx:
        waiting = await desk.queue(tx, "support", now=START, limit=500)
    places = [
        rules.urgency(claimed=one.state == "claimed", window=one.window, due_at=one.due_at, now=START)
        for one in waiting
    ]
    assert len(places) == 120
    assert places == sorted(places)
    assert {place[1] for place in places} == {0, 1, 2}


async def test_the_inbox_is_read_in_pages_newest_first(store: Store, budi: Operator):
    for n in range(7):
        # Two changed at the same moment: the page's border may fall between them.
        row = await conversation(store, f"c{n}", at=START + HOUR * (n // 2))
        await write(store, said(row, f"hello {n}"))
    seen, before = [], None
    async with store.reading() as tx:
        while page := await desk.inbox(tx, budi.id, before=before, limit=2):
            assert len(page) <= 2
            seen += page
            before = page[-1].cursor
    assert [row.contact.name for row in seen] == [f"c{n}" for n in range(6, -1, -1)]
    assert [row.last.text for row in seen if row.last] == [f"hello {n}" for n in range(6, -1, -1)]
    assert {row.unread for row in seen} == {1}


@pytest.mark.parametrize("cursor", ["", "~", "yesterday~x", "2026-01-01~x", "2026-01-01T00:00:00~x"])
async def test_a_forged_cursor_is_no_page(store: Store, budi: Operator, cursor: str):
    with pytest.raises(NotFound):
        async with store.reading() as tx:
            await desk.inbox(tx, budi.id, before=cursor)


async def test_the_inbox_is_filtered(store: Store, budi: Operator):
    await conversation(store, "open")
    await conversation(store, "mine", holder="operator", held_by=budi.id)
    await conversation(store, "theirs", holder="operator", held_by="somebody")
    await conversation(store, "spam", status="spam")
    for filters, names in (
        ({}, {"open", "mine", "theirs", "spam"}),
        ({"status": "spam"}, {"spam"}),
        ({"holder": "operator"}, {"mine", "theirs"}),
        ({"mine": True}, {"mine"}),
        ({"mine": True, "status": "spam"}, set()),
    ):
        async with store.reading() as tx:
            assert {row.contact.name for row in await desk.inbox(tx, budi.id, **filters)} == names


async def test_search_takes_what_is_typed_literally(store: Store, budi: Operator):
    ani = await conversation(store, "Ani Ásta", "6281234567890")
    await conversation(store, HOSTILE, "6289900000001")
    await conversation(store, "Percent 100 off", "6289900000002")
    ticket = Ticket(
        reference="T-7K3M9Q",
        call_key="k",
        conversation_id=ani.id,
        contact_id=ani.contact_id,
        topic="x",
        created_at=START,
        updated_at=START,
    )
    await write(store, ticket)
    for search, names in (
        ("ani", ["Ani Ásta"]),
        ("ásta", ["Ani Ásta"]),
        ("  ANI ", ["Ani Ásta"]),
        ("0812-3456", ["Ani Ásta"]),
        ("+62 812 3456 7890", ["Ani Ásta"]),
        ("t-7k3m9q", ["Ani Ásta"]),
        ("100%", [HOSTILE]),
        ("%_off", [HOSTILE]),
        ("_", [HOSTILE]),
        ("\\", [HOSTILE]),
        ("DROP TABLE", [HOSTILE]),
        ("\u202e", [HOSTILE]),
        ("%%", []),
        ("nobody", []),
        ("x" * 5000, []),
    ):
        async with store.reading() as tx:
            found = [row.contact.name for row in await desk.inbox(tx, budi.id, search=search)]
        assert found == names, search


async def test_unread_is_what_a_customer_said_since_an_operator_looked(store: Store, budi: Operator):
    citra = await operator(store, "citra@example.com")
    row = await conversation(store, holder="operator", held_by=budi.id)
    other = await conversation(store, "Bela")
    lines = [said(row, "1"), said(row, "ours", Author.ASSISTANT), said(row, "2"), said(row, "3")]
    await write(store, *lines, said(other, "hi"), asked(other), asked(row, lane="spam"))

    async def look(who: Operator) -> tuple[int, desk.Counts]:
        async with store.reading() as tx:
            (found,) = await desk.inbox(tx, who.id, search="Ani")
            return found.unread, await desk.counts(tx, who.id)

    async def see(who: Operator, message: Message) -> None:
        async with store.transaction() as tx:
            await desk.mark_seen(tx, who.id, row.id, message.id)

    assert await look(budi) == (3, desk.Counts(support=1, spam=1, mine=1, unread=1))
    await see(budi, lines[2])
    assert (await look(budi))[0] == 1
    await see(budi, lines[3])
    await see(budi, lines[0])
    assert await look(budi) == (0, desk.Counts(support=1, spam=1, mine=1, unread=0))
    assert await look(citra) == (3, desk.Counts(support=1, spam=1, mine=0, unread=0))
    await write(store, said(row, "4"))
    assert await look(budi) == (1, desk.Counts(support=1, spam=1, mine=1, unread=1))


async def test_only_a_message_of_the_conversation_can_be_seen(store: Store, budi: Operator):
    row, other = await conversation(store), await conversation(store, "Bela")
    theirs = said(other, "hi")
    await write(store, theirs)
    for conversation_id, message_id in ((row.id, theirs.id), (row.id, "zzz"), ("nowhere", theirs.id)):
        with pytest.raises(NotFound):
            async with store.transaction() as tx:
                await desk.mark_seen(tx, budi.id, conversation_id, message_id)


async def test_a_thread_has_messages_and_notes_in_the_order_of_writing(store: Store):
    row = await conversation(store, HOSTILE, "62811", window_opened_at=START, language="id")
    lines = [
        said(row, "Berapa denda?"),
        said(row, "2% sebulan.", Author.ASSISTANT, state=State.READ),
        Note(conversation_id=row.id, author_name="Budi", text="Pelanggan lama", created_at=START),
        said(row, "Saya bantu", Author.OPERATOR, state=State.FAILED, error="not delivered", error_code=131026),
    ]
    receipt = Receipt(
        message_id=lines[1].id,
        turn_id="t",
        decision="reply",
        confidence=0.93,
        verdict={"label": "fine"},
        created_at=START,
    )
    cited = [
        CitationRow(message_id=lines[1].id, document="a.md", version="v", start=0, end=2, quote=quote)
        for quote in ("one", "two")
    ]
    await write(store, *lines, receipt, *cited, asked(row))

    async with store.reading() as tx:
        thread = await desk.thread(tx, row.id)
    assert [line.text for line in thread.lines] == [line.text for line in lines]
    question, answer, note, failed = thread.lines
    assert (question.author, question.decision, question.cited) == ("contact", None, ())
    assert (answer.decision, answer.confidence, answer.verdict, answer.state) == ("reply", 0.93, "fine", "read")
    assert [(source.quote, source.id) for source in answer.cited] == [(row.quote, row.id) for row in cited]
    assert (note.is_note, note.author_name, note.state) == (True, "Budi", "")
    assert (failed.state, failed.error, failed.error_code) == ("failed", "not delivered", 131026)
    assert (thread.contact.name, thread.contact.phone) == (HOSTILE, "62811")
    assert thread.window == Window(START)
    assert thread.handoff is not None
    assert thread.before is None


async def test_a_long_thread_is_read_backwards_without_a_gap(store: Store):
    row = await conversation(store)
    lines = [
        Note(conversation_id=row.id, author_name="Budi", text=str(n), created_at=START)
        if n % 3 == 0
        else said(row, str(n))
        for n in range(20)
    ]
    await write(store, *lines)
    pages, before = [], None
    async with store.reading() as tx:
        while True:
            thread = await desk.thread(tx, row.id, before=before, limit=6)
            pages.insert(0, [line.text for line in thread.lines])
            if (before := thread.before) is None:
                break
    assert [len(page) for page in pages] == [2, 6, 6, 6]
    assert [text for page in pages for text in page] == [str(n) for n in range(20)]


@pytest.mark.parametrize("conversation_id", ["", "nowhere", "' OR 1=1 --", "x" * 1000])
async def test_a_forged_id_is_no_conversation(store: Store, conversation_id: str):
    with pytest.raises(NotFound):
        async with store.reading() as tx:
            await desk.thread(tx, conversation_id)


async def test_a_citation_is_shown_within_its_version(store: Store):
    row = await conversation(store)
    answer = said(row, "2%", Author.ASSISTANT)
    text = "é" * 5000 + "Denda 2% sebulan." + "z" * 10
    document = Document(path="denda.md", title="Denda", updated_at=START)
    version = DocumentVersion(
        document_id=document.id, hash="h1", media_type="text/markdown", text=text, created_at=START
    )
    document.version_id = version.id
    namesake = Document(path="other.md", updated_at=START)
    copy = DocumentVersion(document_id=namesake.id, hash="h1", media_type="text/markdown", text=text, created_at=START)
    cited = CitationRow(
        message_id=answer.id, document="denda.md", version="h1", start=5000, end=5017, quote=text[5000:5017]
    )
    gone = CitationRow(message_id=answer.id, document="denda.md", version="h0", start=0, end=1, quote="x")
    await write(store, answer, document, namesake, version, copy, cited, gone)

    async with store.reading() as tx:
        passage = await desk.passage(tx, cited.id)
        for citation_id in (gone.id, "nowhere"):
            with pytest.raises(NotFound):
                await desk.passage(tx, citation_id)
    assert passage.quote == cited.quote == "Denda 2% sebulan."
    assert passage.before + passage.quote + passage.after == text[1000:]
    assert (passage.cut_before, passage.cut_after) == (True, False)
    assert (passage.document, passage.title, passage.is_current) == ("denda.md", "Denda", True)
