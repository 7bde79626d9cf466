"""What the plays of a session's end share: its one closing message, the taps on it, and what came of them."""

from typing import Any

from api.simulator.customers import Customer, Sent
from tests.journeys.lines import FINE
from tests.journeys.people import Operator
from tests.journeys.stage import World

HOUR_S, DAY_S = 3600, 24 * 3600
NEAR_THE_END_S = DAY_S - HOUR_S


def buttons_of(sent: Sent) -> list[dict[str, str]]:
    return [button["reply"] for button in sent.body["interactive"]["action"]["buttons"]]


def is_closing(sent: Sent) -> bool:
    return sent.kind == "interactive" and buttons_of(sent)[0]["id"].startswith("rating:")


def closings_of(customer: Customer) -> list[Sent]:
    return [sent for sent in customer.received if is_closing(sent)]


async def closed(world: World, customer: Customer) -> Sent:
    """The customer asked, was answered, and the window comes to its end."""
    await customer.says(FINE)
    await world.passes(NEAR_THE_END_S)
    (closing,) = closings_of(customer)
    return closing


async def taps(customer: Customer, closing: Sent, score: int, **more: Any) -> None:
    button = buttons_of(closing)[3 - score]
    await customer.sends(customer.presses(button["id"], button["title"], quote=closing.wamid, **more))


async def satisfaction(budi: Operator, customer: Customer) -> Any:
    conversation = await budi.conversation(customer)
    return (await budi.rest.get(f"conversations/{conversation['id']}"))["satisfaction"]
