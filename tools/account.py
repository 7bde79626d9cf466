"""Answers "is this really your number?" from Meta's own record of it, and teaches how to check. Knows no model.

It says what WhatsApp has checked and what not, and never more than the record does: without one it only teaches.
"""

from typing import Any

from sahut.store import account
from sahut.tool import ToolContext, tool

_EXAMPLES = (
    # Indonesian
    "apakah ini nomor resmi?",
    "ini beneran nomor resmi kalian?",
    "ini beneran nomor resmi kantor?",
    "ini bukan penipuan kan?",
    "apakah akun ini asli?",
    "jangan-jangan ini penipu",
    # English
    "is this really your official number?",
    "is this a scam?",
    "are you the real office or a fake account?",
    "is this the real office or a scammer?",
    "how do I know that this account is genuine?",
    # Portuguese
    "este é mesmo o número oficial de vocês?",
    "isto é um golpe?",
    "esta conta é verdadeira?",
    # Spanish
    "¿este es realmente su número oficial?",
    "¿esto es una estafa?",
    "¿esta cuenta es auténtica?",
    # Icelandic
    "er þetta í alvöru opinbera númerið ykkar?",
    "er þetta svindl?",
    "er þetta alvöru reikningurinn ykkar?",
)

Words = dict[str, str]

_NUMBER: Words = {
    "id": "Anda sedang menulis ke nomor {number}.",
    "en": "You are writing to {number}.",
    "pt": "Está a escrever para o número {number}.",
    "es": "Está escribiendo al número {number}.",
    "is": "Þú ert að skrifa í númerið {number}.",
}
_REVIEWED: Words = {
    "id": "Nomor ini terdaftar di WhatsApp dengan nama “{name}”, dan nama itu sudah diperiksa oleh WhatsApp.",
    "en": "WhatsApp lists it under the name “{name}”, and WhatsApp has reviewed that name.",
    "pt": "No WhatsApp está registado com o nome “{name}”, e o WhatsApp verificou esse nome.",
    "es": "En WhatsApp figura con el nombre «{name}», y WhatsApp ha revisado ese nombre.",
    "is": "Á WhatsApp er það skráð undir nafninu „{name}“ og WhatsApp hefur farið yfir nafnið.",
}
_NOT_REVIEWED: Words = {
    "id": "Nomor ini memakai nama “{name}” di WhatsApp, tetapi nama itu belum diperiksa oleh WhatsApp.",
    "en": "On WhatsApp it goes by the name “{name}”, but WhatsApp has not reviewed that name.",
    "pt": "No WhatsApp usa o nome “{name}”, mas o WhatsApp ainda não verificou esse nome.",
    "es": "En WhatsApp usa el nombre «{name}», pero WhatsApp no ha revisado ese nombre.",
    "is": "Á WhatsApp gengur það undir nafninu „{name}“ en WhatsApp hefur ekki farið yfir nafnið.",
}
_BADGE: Words = {
    "id": "Akun ini punya tanda centang biru akun bisnis resmi.",
    "en": "It carries the blue check of an official business account.",
    "pt": "Tem o selo azul de conta comercial oficial.",
    "es": "Tiene la insignia azul de cuenta de empresa oficial.",
    "is": "Það er með bláa merkið fyrir opinberan fyrirtækjareikning.",
}
_NO_BADGE: Words = {
    "id": "Akun ini tidak punya centang biru. Banyak kantor memang tidak memilikinya, jadi itu bukan bukti apa-apa.",
    "en": "It has no blue check. Many organisations have none, so that proves nothing either way.",
    "pt": "Não tem o selo azul. Muitas organizações não o têm, por isso isso não prova nada.",
    "es": "No tiene la insignia azul. Muchas organizaciones no la tienen, así que eso no prueba nada.",
    "is": "Það er ekki með bláa merkið. Margir hafa það ekki, svo það sannar ekkert.",
}
_UNKNOWN: Words = {
    "id": "Saat ini saya tidak bisa memeriksa data akun ini di WhatsApp, jadi saya tidak mau menebak.",
    "en": "I cannot look up this account's record at WhatsApp right now, so I will not guess.",
    "pt": "Neste momento não consigo consultar os dados desta conta no WhatsApp, por isso não vou adivinhar.",
    "es": "Ahora mismo no puedo consultar los datos de esta cuenta en WhatsApp, así que no voy a adivinar.",
    "is": "Ég get ekki flett þessum reikningi upp hjá WhatsApp núna og vil ekki giska.",
}
_CHECK: Words = {
    "id": "Cara memeriksanya: ketuk nama di atas percakapan ini, lihat nama dan nomornya, lalu cocokkan nomor itu "
    "dengan yang tertulis di situs atau kantor resmi kami, jangan dengan yang dikirim orang. Jangan pernah memberikan "
    "PIN, kata sandi, atau kode OTP kepada siapa pun, juga di sini.",
    "en": "To check it yourself: tap the name at the top of this chat, look at the name and the number, and compare "
    "the number with the one on our official website or at our office, not with one that somebody sent you. Never give "
    "anybody a PIN, a password or an OTP code, not here either.",
    "pt": "Para confirmar: toque no nome no topo desta conversa, veja o nome e o número e compare o número com o do "
    "nosso site oficial ou do nosso balcão, não com um que alguém lhe enviou. Nunca dê a ninguém um PIN, uma senha ou "
    "um código OTP, nem aqui.",
    "es": "Para comprobarlo: toque el nombre en la parte superior de este chat, mire el nombre y el número, y compare "
    "el número con el de nuestro sitio oficial o nuestra oficina, no con uno que le haya enviado alguien. Nunca dé a "
    "nadie un PIN, una contraseña ni un código OTP, tampoco aquí.",
    "is": "Svona athugarðu það: ýttu á nafnið efst í spjallinu, skoðaðu nafnið og númerið og berðu númerið saman við "
    "það sem stendur á opinberum vef okkar eða skrifstofu, ekki við það sem einhver sendi þér. Gefðu aldrei neinum "
    "PIN, lykilorð eða OTP-kóða, ekki heldur hér.",
}


@tool(effect="read", identity="anyone", examples=_EXAMPLES)
async def official_number(context: ToolContext) -> str:
    """Says what WhatsApp has on record about this very number (name, review, badge) and how to check it.

    Use it when the customer doubts who they are writing to: whether this is the official number, a real account, a
    scam. Repeat what it says as it is: never call the account verified beyond that.
    """
    async with context.store.reading() as tx:
        record = await account.record_behind(tx, context.conversation_id, now=context.now)
    told = _told(record) or [_UNKNOWN]
    return " ".join(_say(words, context.language, record) for words in (*told, _CHECK))


def _told(record: dict[str, Any]) -> list[Words]:
    """What the record holds, and nothing that it does not."""
    told = [_NUMBER] if record.get("display_phone_number") else []
    if record.get("verified_name") and record.get("name_status"):
        told.append(_REVIEWED if record["name_status"] == "APPROVED" else _NOT_REVIEWED)
    if isinstance(record.get("is_official_business_account"), bool):
        told.append(_BADGE if record["is_official_business_account"] else _NO_BADGE)
    return told


def _say(words: Words, language: str, record: dict[str, Any]) -> str:
    template = words.get(language, words["en"])
    return template.format(number=record.get("display_phone_number", ""), name=record.get("verified_name", ""))
