"""A turn's reply as one of Meta's message objects. Knows no conversation and sends nothing."""

from typing import Any

from api.whatsapp import outgoing
from api.whatsapp.limits import CAPTION, INTERACTIVE_BODY, TEXT_BODY
from api.whatsapp.marks import marked
from sahut.store import media
from sahut.text import cut
from sahut.turn import Reply


def shaped(reply: Reply) -> tuple[Reply, dict[str, Any]]:
    """The reply in WhatsApp's marks and within Meta's limits, and its message object: a file, a question, or text.

    A file is named by its content; what Meta calls it is put in when it is sent. What a customer agrees to stands as it
    is: marks leave words of Markdown out.
    """
    if not reply.text:
        return reply, {}
    if reply.confirmation is None:
        # Twice what can be sent: marks make a text shorter, and the rest would be cut off.
        reply = reply.model_copy(update={"text": marked(reply.text[: 2 * TEXT_BODY])})
    if reply.file is not None:
        text, name = cut(reply.text, CAPTION), f"{media.LOCAL}{reply.file.hash}"
        is_image = reply.file.kind == "image"
        body = outgoing.image(name, text) if is_image else outgoing.document(name, reply.file.filename, text)
        return reply.model_copy(update={"text": text}), body
    text = cut(reply.text, INTERACTIVE_BODY if reply.buttons or reply.menu else TEXT_BODY)
    choices = [(button.id, button.title) for button in reply.buttons]
    body = outgoing.buttons(text, choices) if choices else outgoing.text(text)
    if reply.menu is not None:
        body = outgoing.menu(text, reply.menu.button, [(row.id, row.title) for row in reply.menu.rows])
    return reply.model_copy(update={"text": text}), body
