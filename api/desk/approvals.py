"""An operator's yes or no to a tool's call: agreed to once, done once, noted for colleagues. Knows no page."""

from api.house import House
from sahut.authority import Grant, Ground
from sahut.errors import ConfigurationError
from sahut.ids import ContactId, ConversationId
from sahut.models import ConfirmationRow, Note
from sahut.rules import Actor
from sahut.store import grants, proofs
from sahut.tool import ToolContext

_LONGEST_OUTCOME = 2000
_TELLER = "Sahut"


async def approve(house: House, actor: Actor, grant_id: str, *, digest: str, seen_version: int) -> ConfirmationRow:
    """Agree to exactly what was shown (`digest`) in a conversation as it was seen, and have it done.

    The yes is committed before the act, so that a second one finds it used; a colleague's note says what came of it.
    Raises `Conflict` and `NotFound` as `grants.grant`; then nothing has happened.
    """
    if house.toolbox is None:
        raise ConfigurationError("This process has no tools: agree where the assistant runs.")
    now = house.clock.now()
    async with house.store.transaction() as tx:
        row, conversation, _ = await grants.grant(
            tx, grant_id, actor=actor, digest=digest, seen_version=seen_version, now=now
        )
        identity = await proofs.level_of(tx, conversation.contact_id, now=now)
    guidance = (await house.switchboard.guidance())(conversation.number)
    context = ToolContext(
        key=row.id,
        conversation_id=ConversationId(row.conversation_id),
        contact_id=ContactId(conversation.contact_id),
        language=conversation.language or guidance.languages[0],
        now=now,
        store=house.store,
        guidance=guidance,
    )
    call = await house.toolbox.call(
        row.tool,
        row.arguments,
        context,
        ground=Ground("none", identity),
        grant=Grant(row.id, "operator", row.digest),
    )
    async with house.store.transaction() as tx:
        settled = await grants.settle(tx, row.id, call, actor=actor, now=house.clock.now())
        told = f"{row.tool}: {call.state}. {settled.outcome[:_LONGEST_OUTCOME]}".strip()
        tx.add(Note(conversation_id=row.conversation_id, author_name=_TELLER, text=told, created_at=house.clock.now()))
    return settled


async def refuse(house: House, actor: Actor, grant_id: str) -> ConfirmationRow:
    """Do not agree: nothing happens, and nobody can agree to it any more. Raises as `approve`."""
    async with house.store.transaction() as tx:
        return await grants.refuse(tx, grant_id, actor=actor, now=house.clock.now())
