"""The rows and the double's log at the end of a play, as the checks look at them."""

from collections import Counter

from sqlmodel import col, select

from sahut.models import (
    AuditEntry,
    Author,
    ConfirmationRow,
    Contact,
    ContactIdentity,
    Conversation,
    FillingRow,
    Handoff,
    InboundFile,
    Message,
    Submission,
    Ticket,
)
from sahut.store import Store
from tests.storm.play import Play
from tests.storm.plot import Says


class Scene:
    """The rows and the double's log at the end of a play. `inbound` are the messages that customers wrote to us."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.arrived = Counter(sent.callback or "" for sent in play.double.sent)

    async def load(self, store: Store) -> "Scene":
        async with Store.reading(store) as tx:
            self.messages = list((await tx.execute(select(Message).order_by(col(Message.id)))).scalars())
            self.conversations = {row.id: row for row in (await tx.execute(select(Conversation))).scalars()}
            self.handoffs = list((await tx.execute(select(Handoff))).scalars())
            self.tickets = list((await tx.execute(select(Ticket))).scalars())
            self.fillings = list((await tx.execute(select(FillingRow))).scalars())
            self.submissions = list((await tx.execute(select(Submission))).scalars())
            self.confirmations = list((await tx.execute(select(ConfirmationRow))).scalars())
            self.files = list((await tx.execute(select(InboundFile))).scalars())
            # That operators were warned brings none of them.
            acts = await tx.execute(select(AuditEntry.conversation_id).where(AuditEntry.action != "window_ending"))
            self.touched = {row for row in acts.scalars() if row}
            names = (await tx.execute(select(ContactIdentity))).scalars()
            self.owners = {row.value: row.contact_id for row in names}
            contacts = (await tx.execute(select(Contact))).scalars()
            self.flagged = {row.id for row in contacts if row.review or row.number_changed_at}
        self.inbound = [row for row in self.messages if row.wamid in self.play.said]
        self.outbound = [row for row in self.messages if row.author != Author.CONTACT]
        return self

    def said(self, row: Message) -> Says:
        """What a customer's message was in the plot."""
        return self.play.said[row.wamid or ""]

    def contact_of(self, conversation_id: str) -> str:
        return self.conversations[conversation_id].contact_id
