"""The tool by which a chat model begins a form. It has no effect: the graph turns it into the form's first question.

What may be begun is what the tables offer now. Must not know how a form is filled.
"""

from collections.abc import Sequence

from sahut.forms import Edition, say_in
from sahut.store import Store, forms
from sahut.toolcall import ToolCall, ToolCard

NAME = "send_form"
_DESCRIPTION = """\
Begins a form in the chat: its questions are asked one by one, and nothing is sent before the customer agrees to a \
summary. Use it when the customer wants what a form is for; never to answer a question. The forms:
{forms}"""


async def offered(store: Store) -> tuple[Edition, ...]:
    """Every form that a customer may begin. Raises `StoreUnavailable`."""
    async with store.reading() as tx:
        return await forms.offered(tx)


def called(editions: Sequence[Edition], calls: Sequence[ToolCall]) -> Edition | None:
    """The form that a model calls for, if it is one of these."""
    wanted = next((call.arguments.get("form") for call in calls if call.name == NAME), None)
    return next((edition for edition in editions if edition.form.name == wanted), None)


def card(editions: Sequence[Edition]) -> ToolCard | None:
    """How the forms present themselves to a model, as one tool; `None` where there are none."""
    if not editions:
        return None
    listed = "\n".join(_line(edition) for edition in editions)
    implied = {phrase: {"form": edition.form.name} for edition in editions for phrase in edition.form.examples}
    return ToolCard(
        name=NAME,
        description=_DESCRIPTION.format(forms=listed),
        parameters={
            "type": "object",
            "properties": {"form": {"type": "string", "enum": [edition.form.name for edition in editions]}},
            "required": ["form"],
            "additionalProperties": False,
        },
        examples=tuple(implied),
        implied=implied,
        effect="write",
    )


def _line(edition: Edition) -> str:
    form = edition.form
    return f"- {form.name}: {say_in(form.title, 'en')}" + (f". {form.description}" if form.description else "")
