"""Sending the organisation's own files: only those that it has learned, by their names, never by a path.

Knows no model, and no channel beyond what it calls a file.
"""

from typing import Annotated

from pydantic import Field

from sahut.models import Attachment
from sahut.store import media
from sahut.tool import Told, ToolContext, tool
from sahut.toolcall import SentFile

Name = Annotated[str, Field(min_length=1, max_length=200)]

_HERE = {
    "id": "Ini “{name}”.",
    "en": "Here is “{name}”.",
    "pt": "Aqui está “{name}”.",
    "es": "Aquí tiene «{name}».",
    "is": "Hér er „{name}“.",
}

_DOCUMENTS = (
    # Indonesian
    "kirim formulirnya dong",
    "tolong kirimkan dokumennya",
    "boleh minta daftar harganya",
    "minta file PDF-nya",
    "kirimkan formulir pendaftaran",
    # English
    "can you send me the price list",
    "please send me the form",
    "send me the document",
    "I need the application form as a PDF",
    # Portuguese
    "pode me enviar o formulário",
    "envie-me o documento, por favor",
    "me manda a tabela de preços",
    # Spanish
    "¿me puede enviar el formulario?",
    "envíeme el documento, por favor",
    "mándeme la lista de precios",
    # Icelandic
    "getið þið sent mér eyðublaðið",
    "sendið mér skjalið",
    "sendu mér verðlistann",
)
_IMAGES = (
    # Indonesian
    "kirim gambarnya dong",
    "tolong kirim peta lokasinya",
    "boleh lihat fotonya",
    # English
    "can you send me the map",
    "send me a picture of it",
    "show me the photo",
    # Portuguese
    "pode me enviar o mapa",
    "me manda a foto",
    # Spanish
    "¿me puede enviar el mapa?",
    "mándeme la foto",
    # Icelandic
    "getið þið sent mér kortið",
    "sendu mér myndina",
)


@tool(effect="read", identity="anyone", per_day=30, examples=_DOCUMENTS)
async def send_document(context: ToolContext, name: Name) -> Told | str:
    """Sends one of the organisation's files (a form, a price list, a leaflet) with your answer.

    Use it when the customer asks for the document or form itself, not for what stands in it. `name` is one of the
    names listed for it.
    """
    return await _send(context, name, "document")


@tool(effect="read", identity="anyone", per_day=30, examples=_IMAGES)
async def send_image(context: ToolContext, name: Name) -> Told | str:
    """Sends one of the organisation's pictures (a map, a photo, a poster) with your answer.

    Use it when the customer asks to see the picture itself. `name` is one of the names listed for it.
    """
    return await _send(context, name, "image")


async def _send(context: ToolContext, name: str, kind: str) -> Told | str:
    async with context.store.reading() as tx:
        files = await media.present(tx, kind=kind, collections=context.guidance.answers_from)
    wanted = name.casefold().strip()
    found = next((file for file in files if wanted in map(str.casefold, file.names)), None)
    if found is None:
        return f"There is no {kind} of this name that may be sent."
    text = _HERE.get(context.language, _HERE["en"]).format(name=found.name)
    return Told(text, _sent(found))


def _sent(file: Attachment) -> SentFile:
    return SentFile(
        name=file.name, kind="image" if file.kind == "image" else "document", hash=file.hash, filename=file.filename
    )
