"""Reads what a message of any kind holds: its words, its file, what it is about. Knows nothing of who sent it or where.

Customers' messages and the echoes of our own have the same kinds. Source: Meta's webhook reference.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from api.whatsapp.clean import Json, child, clean_json, clean_text, identifier, objects
from sahut.events import File, Referral

FILE_KINDS = frozenset({"image", "video", "audio", "document", "sticker"})
# Where a kind keeps its words, inside the object that has the kind's own name.
_WORDS = {"text": "body", "button": "text", "system": "body", **dict.fromkeys(FILE_KINDS, "caption")}
# Of a message that names a hundred people or things, a reader needs the first ones.
_MOST_NAMED = 20
_SHORT = 256
_FLOW_LIMIT = 100_000
_TOLD = ("forwarded", "frequently_forwarded")


def words_of(item: Json) -> str:
    """What can be read as words in a message; "" where nothing can.

    A text's body, a caption, a button's or row's title, a form's summary, an address, names and numbers, an order's
    lines, the emoji of a reaction, the new words of an edit.
    """
    kind = item.get("type")
    if not isinstance(kind, str):
        return ""
    if kind in _WORDS:
        return clean_text(child(item, kind).get(_WORDS[kind]))
    read = _READERS.get(kind)
    return read(item) if read else ""


def extras_of(kind: str, item: Json) -> dict[str, Any]:
    """The fields of `sahut.events.Inbound` and `Echo` that only this kind has."""
    if kind in FILE_KINDS:
        return {"file": _file(child(item, kind))}
    read = _EXTRAS.get(kind)
    return read(item) if read else {}


def surroundings_of(item: Json) -> dict[str, Any]:
    """What any kind may carry: the message that it quotes, whether it was forwarded, the advertisement before it."""
    found: dict[str, Any] = {}
    if "context" in item:
        context = child(item, "context")
        found = {
            "context_wamid": identifier(context.get("id")),
            "forwarded": any(context.get(key) is True for key in _TOLD),
        }
    if isinstance(item.get("referral"), dict):
        found["referral"] = _referral(item["referral"])
    return found


def choice_of(item: Json) -> str | None:
    """The id of the button that was pressed or the row that was chosen; `None` in any other message."""
    if item.get("type") == "button":
        return identifier(child(item, "button").get("payload"))
    interactive = child(item, "interactive")
    kind = interactive.get("type")
    if item.get("type") != "interactive" or kind not in ("button_reply", "list_reply"):
        return None
    chosen = child(interactive, kind).get("id")
    return chosen if isinstance(chosen, str) else None


def _file(content: Json) -> File:
    media_type = clean_text(content.get("mime_type"), _SHORT).partition(";")[0].strip().lower()
    return File(
        id=identifier(content.get("id"), _SHORT),
        media_type=media_type,
        sha256=clean_text(content.get("sha256"), _SHORT),
        filename=clean_text(content.get("filename"), _SHORT),
        voice=content.get("voice") is True,
        animated=content.get("animated") is True,
    )


def _referral(given: Json) -> Referral:
    return Referral(
        kind=clean_text(given.get("source_type"), 64),
        id=clean_text(given.get("source_id"), _SHORT),
        url=clean_text(given.get("source_url"), 2048),
        headline=clean_text(given.get("headline"), 1024),
        body=clean_text(given.get("body"), 4096),
        click_id=clean_text(given.get("ctwa_clid"), 1024),
    )


def _chosen(item: Json) -> str:
    """The title of a pressed button or chosen row, or the summary of a sent form (`nfm_reply`)."""
    interactive = child(item, "interactive")
    kind = interactive.get("type")
    reply = child(interactive, kind) if isinstance(kind, str) else {}
    return clean_text(reply.get("title")) or clean_text(reply.get("body"))


def _place(item: Json) -> str:
    place = child(item, "location")
    told = [clean_text(place.get(key), 1024) for key in ("name", "address")]
    at = [place.get(key) for key in ("latitude", "longitude")]
    if all(isinstance(number, int | float) and not isinstance(number, bool) for number in at):
        told.append(f"{clean_json(at[0])}, {clean_json(at[1])}")
    return "\n".join(filter(None, told))


def _people(item: Json) -> str:
    return "\n".join(filter(None, map(_person, objects(item, "contacts")[:_MOST_NAMED])))


def _person(contact: Json) -> str:
    name = child(contact, "name")
    called = clean_text(name.get("formatted_name"), _SHORT) or clean_text(name.get("first_name"), _SHORT)
    numbers = [clean_text(phone.get("phone"), 64) for phone in objects(contact, "phones")[:_MOST_NAMED]]
    return ", ".join(filter(None, [called, *numbers]))


def _order(item: Json) -> str:
    order = child(item, "order")
    products = objects(order, "product_items")[:_MOST_NAMED]
    return "\n".join(filter(None, [clean_text(order.get("text")), *map(_product, products)]))


def _product(product: Json) -> str:
    name = clean_text(product.get("product_retailer_id"), _SHORT)
    price = " ".join(filter(None, [_figure(product.get("item_price")), clean_text(product.get("currency"), 8)]))
    counted = " × ".join(filter(None, [_figure(product.get("quantity")), name]))
    return f"{counted} ({price})" if counted and price else counted


def _figure(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    return clean_text(str(clean_json(value)), 32)


def _changed(item: Json) -> str:
    message = child(child(item, "edit"), "message")
    return "" if message.get("type") == "edit" else words_of(message)


def _emoji(item: Json) -> str:
    return clean_text(child(item, "reaction").get("emoji"), 64)


def _reaction(item: Json) -> dict[str, Any]:
    about = identifier(child(item, "reaction").get("message_id"))
    return {"about": about, "emoji": _emoji(item)}


def _about(kind: str) -> Callable[[Json], dict[str, Any]]:
    return lambda item: {"about": identifier(child(item, kind).get("original_message_id"))}


def _reply(item: Json) -> dict[str, Any]:
    """What an `interactive` or `button` brings: the id behind it, or what was filled in."""
    return {"choice": choice_of(item), "answers": _answers(child(child(item, "interactive"), "nfm_reply"))}


def _answers(reply: Json) -> dict[str, Any] | None:
    """What a form brought: Meta sends it as a string of JSON, which may be broken, huge or absent."""
    given = reply.get("response_json")
    if not isinstance(given, str) or len(given) > _FLOW_LIMIT:
        return None
    try:
        answers = json.loads(given)
    except (ValueError, RecursionError):
        return None
    return clean_json(answers) if isinstance(answers, dict) else None


_READERS: dict[str, Callable[[Json], str]] = {
    "interactive": _chosen,
    "location": _place,
    "contacts": _people,
    "order": _order,
    "edit": _changed,
    "reaction": _emoji,
}
_EXTRAS: dict[str, Callable[[Json], dict[str, Any]]] = {
    "interactive": _reply,
    "button": _reply,
    "reaction": _reaction,
    "edit": _about("edit"),
    "revoke": _about("revoke"),
}


def details_of(body: Json) -> Iterator[tuple[str, str]]:
    """What a reader should see beside the words: a form's answers, what could not be shown and why."""
    kind = body.get("type")
    if kind == "interactive":
        for key, value in (_answers(child(child(body, "interactive"), "nfm_reply")) or {}).items():
            if key != "flow_token" and isinstance(value, str | int | float):
                yield key[:_SHORT], clean_text(str(value), 1024)
    if kind == "unsupported":
        yield "kind", clean_text(child(body, "unsupported").get("type"), 64) or "unknown"
    for error in objects(body, "errors")[:1]:
        told = clean_text(child(error, "error_data").get("details"), 1024) or clean_text(error.get("title"), 1024)
        if told:
            yield "problem", told
