"""Opening a case in the back office, once for each call's key. Knows no model and no channel."""

from hashlib import sha256
from itertools import count
from typing import Annotated

from pydantic import Field

from sahut.models import Ticket
from sahut.store import tools as queries
from sahut.tool import ToolContext, tool

# Neither I, L, O, U nor 0, 1: a reference is read out over the telephone.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH = 6

_OPENED = {
    "id": "Tiket Anda sudah dibuat dengan nomor {reference}. Kabar selanjutnya kami sampaikan di percakapan ini.",
    "en": "Your ticket is open. Its number is {reference}, and we will get back to you here.",
    "pt": "O seu pedido foi aberto com o número {reference}. Daremos notícias aqui nesta conversa.",
    "es": "Su caso ha quedado abierto con el número {reference}. Le avisaremos por aquí.",
    "is": "Málið þitt er skráð með númerinu {reference}. Við látum þig vita hér.",
}

_QUESTIONS = {
    "id": "Saya bisa membuat tiket untuk rekan kami tentang “{topic}”:\n\n{description}\n\nApakah sudah benar?",
    "en": "I can open a ticket for our team about “{topic}”:\n\n{description}\n\nIs that right?",
    "pt": "Posso abrir um pedido para a nossa equipa sobre “{topic}”:\n\n{description}\n\nEstá correto?",
    "es": "Puedo abrir un caso para nuestro equipo sobre «{topic}»:\n\n{description}\n\n¿Es correcto?",
    "is": "Ég get skráð mál fyrir starfsfólk okkar um „{topic}“:\n\n{description}\n\nEr þetta rétt?",
}

_EXAMPLES = (
    # Indonesian
    "Saya mau mengadu",
    "saya mau komplain",
    "saya ingin menyampaikan keluhan",
    "tolong buatkan tiket",
    "saya mau lapor masalah",
    "saya mau melaporkan petugas yang kasar",
    "saya kecewa dengan pelayanannya",
    # English
    "I want to file a complaint",
    "I would like to make a complaint",
    "please open a ticket for me",
    "I want to report a problem",
    "I want to report a rude member of staff",
    "a member of staff was rude to me",
    "I am unhappy with the service I got",
    # Portuguese
    "Quero fazer uma reclamação",
    "gostaria de apresentar uma queixa",
    "abra um chamado para mim, por favor",
    "quero relatar um problema",
    "quero reclamar do atendimento",
    "fui mal atendido por um funcionário",
    # Spanish
    "Quiero presentar una queja",
    "quiero poner una reclamación",
    "abra un caso, por favor",
    "quiero reportar un problema",
    "quiero quejarme de la atención",
    "un empleado me trató mal",
    # Icelandic
    "Ég vil leggja fram kvörtun",
    "ég vil kvarta",
    "getið þið opnað mál fyrir mig",
    "ég vil tilkynna vandamál",
)


@tool(effect="write", examples=_EXAMPLES, questions=_QUESTIONS)
async def create_ticket(
    context: ToolContext,
    topic: Annotated[str, Field(min_length=1, max_length=200)],
    description: Annotated[str, Field(min_length=1, max_length=8000)],
) -> str:
    """Opens a ticket (a case) with the office's team.

    Use it for a complaint, or when the customer asks to open a ticket or to report a problem; never to answer a
    question. `topic` is a few words, `description` is what happened in the customer's own words.
    """
    opened = None
    attempts = count()
    async with context.store.transaction() as tx:
        while opened is None:
            ticket = Ticket(
                reference=reference(context.key, next(attempts)),
                call_key=context.key,
                conversation_id=context.conversation_id,
                contact_id=context.contact_id,
                topic=topic,
                description=description,
                created_at=context.now,
            )
            opened = await queries.open_ticket(tx, ticket)
    return _OPENED.get(context.language, _OPENED["en"]).format(reference=opened.reference)


def reference(key: str, attempt: int = 0) -> str:
    """A reference for humans, "T-7K3M9Q": the same for the same key; `attempt` gives another where it is taken."""
    number = int.from_bytes(sha256(f"{attempt}:{key}".encode()).digest()[:8], "big")
    letters = []
    for _ in range(_REFERENCE_LENGTH):
        number, digit = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[digit])
    return "T-" + "".join(letters)
