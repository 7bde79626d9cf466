"""The phones over HTTP, without a browser: what customers do, what they see, and what the switches break."""

import asyncio
from datetime import datetime, timedelta

import httpx
import pytest

from api.simulator.graph import TOKEN
from tests.journeys.lines import COMPLAINT, FINE, LOST
from tests.simulator.stage import Phones, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = {
    "type": "list",
    "body": {"text": "Apa yang ingin diurus?"},
    "action": {"button": "Lihat", "sections": [{"title": "Pajak", "rows": [{"id": "a", "title": "Pajak tahunan"}]}]},
}


async def test_a_question_is_read_and_answered(phones: Phones):
    ani = await phones.add("Ani")
    asked = await ani.says(FINE)
    answer = await ani.gets()
    assert "2%" in answer["text"]
    await ani.ticks(asked, 3)
    view = await ani.view()
    assert view["typing_s"] == 0
    assert view["window_closes_at"]
    await until(lambda: phones.wire("mark", "Ani"))
    (line,) = await phones.wire("send", "Ani")
    assert (line["out"], line["answer"]) == (False, 200)
    body = (await phones.web.get(f"/simulator/wire/{line['n']}")).json()
    assert body["text"]["body"] == answer["text"]


async def test_the_typing_mark_shows_while_a_reply_is_coming(phones: Phones):
    bo = await phones.add("Bo")
    phones.model.hold()
    try:
        await bo.says(FINE)

        async def typing() -> bool:
            return (await bo.view())["typing_s"] > 0

        await until(typing)
    finally:
        phones.model.go_on()
    await bo.gets()
    assert not await typing()


async def test_a_button_is_tapped_once(phones: Phones):
    citra = await phones.add("Citra")
    await citra.says(COMPLAINT)
    question = await citra.gets()
    choice = question["buttons"][0]["id"]
    await citra.does("tap", {"message": question["id"], "choice": "other"}, status=404)
    tapped = (await citra.does("tap", {"message": question["id"], "choice": choice}))["id"]
    assert "T-" in (await citra.gets(2))["text"]
    await citra.does("tap", {"message": question["id"], "choice": choice}, status=409)
    await citra.does("tap", {"message": tapped, "choice": choice}, status=404)
    assert (await citra.bubbles(mine=False))[0]["tapped"] == choice
    assert (await citra.bubbles(mine=True))[1]["quote"]["id"] == question["id"]


async def test_a_row_of_a_list_is_tapped(phones: Phones):
    dini = await phones.add("Dini")
    await dini.says(FINE)
    await dini.gets()
    await phones.operator(dini, "messages", {"type": "interactive", "interactive": LIST})
    question = await dini.gets(2)
    assert question["list"]["button"] == "Lihat"
    tapped = (await dini.does("tap", {"message": question["id"], "choice": "a"}))["id"]
    await dini.ticks(tapped, 2)
    assert [item["text"] for item in await phones.messages(dini)][-1] == "Pajak tahunan"


@pytest.mark.parametrize(
    ("what", "kind", "mime"),
    [("picture", "image", "image/png"), ("document", "document", "application/pdf"), ("voice", "audio", "audio/ogg")],
)
async def test_files_are_sent(phones: Phones, what: str, kind: str, mime: str):
    eka = await phones.add(f"Eka {what}")
    sent = (await eka.does("send", {"what": what, "caption": "ini"}))["id"]
    # Who speaks is read and asked to type; what must be looked at waits for a human's eyes.
    await eka.ticks(sent, 3 if what == "voice" else 2)
    (bubble,) = await eka.bubbles(mine=True)
    shown = await phones.web.get(f"/simulator/media/{bubble['media']['id']}")
    download = "attachment" if kind == "document" else "inline"
    assert (bubble["kind"], shown.status_code) == (kind, 200)
    assert shown.headers["content-disposition"].startswith(download)
    assert shown.headers["x-content-type-options"] == "nosniff"
    # The service finds the same bytes in two steps, as at Meta.
    graph = httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"})
    async with graph:
        record = (await graph.get(f"{_graph(phones)}/v26.0/{bubble['media']['id']}")).json()
        assert record["mime_type"] == mime
        assert (await graph.get(record["url"])).content == shown.content


async def test_a_location_is_sent_and_another_kind_is_not(phones: Phones):
    fajar = await phones.add("Fajar")
    await fajar.does("send", {"what": "location"})
    assert (await fajar.bubbles(mine=True))[0]["location"]["name"]
    assert "picture" in (await fajar.does("send", {"what": "virus"}, status=404))["detail"]


async def test_a_file_of_the_service_arrives(phones: Phones):
    gita = await phones.add("Gita")
    await gita.says(FINE)
    await gita.gets()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as graph:
        fields = {"messaging_product": "whatsapp", "type": "application/pdf"}
        file = {"file": ("formulir.pdf", b"%PDF-1.4 made up", "application/pdf")}
        url = f"{_graph(phones)}/v26.0/{phones.stage.double.number}/media"
        media_id = (await graph.post(url, data=fields, files=file)).json()["id"]
        bad = await graph.post(url, data={"type": "x"}, files=file)
    assert bad.json()["error"]["code"] == 100
    await phones.operator(gita, "messages", {"type": "document", "document": {"id": media_id, "filename": "f.pdf"}})
    bubble = await gita.gets(2)
    assert (bubble["media"]["id"], bubble["media"]["name"]) == (media_id, "f.pdf")
    # An id that Meta does not know is refused, and a person hears of it.
    await phones.operator(gita, "messages", {"type": "image", "image": {"id": "404"}})
    assert await until(lambda: _refused(phones, "Gita")) == 131053


async def test_quotes_and_reactions_in_both_directions(phones: Phones):
    hadi = await phones.add("Hadi")
    asked = await hadi.says(LOST)
    answer = await hadi.gets()
    await hadi.does("react", {"message": answer["id"], "emoji": "🙏"})
    assert (await hadi.bubbles(mine=False))[0]["reactions"] == ["🙏"]
    await hadi.does("react", {"message": answer["id"], "emoji": ""})
    assert (await hadi.bubbles(mine=False))[0]["reactions"] == []
    await hadi.says("ok", quote=answer["id"])
    assert (await hadi.bubbles(mine=True))[1]["quote"] == {
        "id": answer["id"],
        "mine": False,
        "text": answer["text"][:300],
    }
    reaction = {"type": "reaction", "reaction": {"message_id": asked, "emoji": "👍"}}
    await phones.operator(hadi, "messages", reaction)
    await until(lambda: _reactions(hadi))
    await hadi.does("say", {"text": "ok", "quote": "wamid.unknown"}, status=404)


async def test_what_customers_type_is_text(phones: Phones):
    ida = await phones.add("<b>Ida</b> \u202eabc", user_id="ID.77aB")
    hostile = "<script>alert(1)</script> \u202e {{7*7}} \x00" + "x" * 5000
    await ida.says(hostile)
    (bubble,) = await ida.bubbles(mine=True)
    assert bubble["text"] == hostile.replace("\x00", "")
    assert (await ida.view())["name"] == "<b>Ida</b> \u202eabc"
    record = await until(lambda: phones.record(ida))
    assert (record["contact"]["user_id"], record["contact"]["phone"]) == ("ID.77aB", None)


async def test_customers_are_told_apart(phones: Phones):
    await phones.post("customers", {"name": "J", "phone": "+62 (812) 7777-0001"}, status=201)
    await phones.post("customers", {"name": "K", "phone": "6281277770001"}, status=409)
    for wrong in (
        {"name": "L"},
        {"name": " ", "phone": "6281277770002"},
        {"name": "L", "phone": "12"},
        {"name": "L", "phone": "not a number"},
        {"name": "L", "user_id": "me"},
        {"name": "L", "phone": "6281277770002", "surprise": 1},
    ):
        await phones.post("customers", wrong, status=422)
    await phones.post("customers/nobody/say", {"text": "halo"}, status=404)
    await phones.post("customers/6281277770001/say", {"text": ""}, status=422)


# --- the switches


async def test_a_message_that_is_sent_twice_is_answered_once(phones: Phones):
    lia = await phones.add("Lia")
    await phones.turn(twice=True)
    asked = await lia.says(FINE)
    await phones.turn(twice=False)
    await lia.gets()
    await until(lambda: _lines(phones, "message", "Lia", 2))
    await _quiet(phones, lia)
    assert len(await lia.bubbles(mine=False)) == 1
    assert [item["wamid"] for item in await phones.messages(lia)].count(asked) == 1


async def test_a_lost_answer_is_settled_by_its_status(phones: Phones):
    mia = await phones.add("Mia")
    assert (await phones.turn(answers="lost"))["answers"] == "lost"
    await mia.says(FINE)
    await mia.gets()
    await _quiet(phones, mia)
    (line,) = await phones.wire("send", "Mia")
    assert (line["answer"], line["note"]) == (504, "taken, the answer was lost")
    assert len(await mia.bubbles(mine=False)) == 1
    assert (await phones.state())["switches"]["answers"] == "well"


async def test_a_refusal_is_tried_again_when_time_has_passed(phones: Phones):
    nina = await phones.add("Nina")
    await phones.turn(answers="refused", code=131056)
    await nina.says(FINE)
    assert await until(lambda: _refused(phones, "Nina")) == 131056
    assert await nina.bubbles(mine=False) == []

    async def later() -> bool:
        await phones.post("clock", {"seconds": 60})
        return bool(await nina.bubbles(mine=False))

    await until(later)
    await _quiet(phones, nina)
    assert len(await nina.bubbles(mine=False)) == 1
    await phones.turn(answers="well")
    assert "table" in (await phones.post("switches", {"answers": "refused", "code": 7}, status=409))["detail"]
    await phones.post("switches", {"answers": "badly"}, status=422)


async def test_meta_comes_back(phones: Phones):
    oki = await phones.add("Oki")
    await phones.turn(answers="down")
    await oki.says(FINE)
    await until(lambda: _lines(phones, "send", "Oki", 1))
    assert await oki.bubbles(mine=False) == []
    await phones.turn(answers="well")

    async def later() -> bool:
        await phones.post("clock", {"seconds": 60})
        return bool(await oki.bubbles(mine=False))

    await until(later)
    await _quiet(phones, oki)
    assert len(await oki.bubbles(mine=False)) == 1


async def test_webhooks_are_held_back_and_come_the_newest_first(phones: Phones):
    putu = await phones.add("Putu")
    assert (await phones.turn(held=True))["held"]
    first = await putu.says("Halo")
    second = await putu.says(FINE)
    assert (await phones.state())["switches"]["waiting"] == 2
    assert [bubble["ticks"] for bubble in await putu.bubbles(mine=True)] == [1, 1]
    assert not (await phones.turn(held=False, newest_first=True))["held"]
    assert "2%" in (await putu.gets())["text"]
    assert [item["wamid"] for item in await phones.messages(putu)][:2] == [second, first]


async def test_a_window_that_meta_closes_is_learned_by_a_refusal(phones: Phones):
    qori = await phones.add("Qori")
    await qori.says(FINE)
    await qori.gets()
    await qori.does("close-window")
    assert (await qori.view())["window_closes_at"] is None
    taken = await phones.operator(qori, "messages", {"type": "text", "text": {"body": "masih di sana?"}})
    assert taken.status_code == 202

    async def failed() -> bool:
        return (await phones.messages(qori))[-1]["state"] == "failed"

    await until(failed)
    assert len(await qori.bubbles(mine=False)) == 1
    again = await phones.operator(qori, "messages", {"type": "text", "text": {"body": "halo?"}})
    assert again.status_code == 403


async def test_time_goes_to_the_last_minute_and_never_back(phones: Phones):
    rudi = await phones.add("Rudi")
    await rudi.says(FINE)
    await rudi.gets()
    before = (await rudi.view())["window_closes_at"]
    switches = await rudi.does("last-minute")
    assert 55 < (_time(before) - _time(switches["now"])).total_seconds() <= 60
    await rudi.does("last-minute", status=409)
    await phones.post("clock", {"seconds": 60})
    assert (await rudi.view())["window_closes_at"] is None
    assert "open" in (await phones.record(rudi))["status"]
    for wrong in (-1, 0, 10**9, "soon"):
        await phones.post("clock", {"seconds": wrong}, status=422)


async def test_a_jump_of_the_clock_during_a_turn_gives_one_answer(phones: Phones):
    sari = await phones.add("Sari")
    thoughts = len(phones.model.briefs)
    phones.model.hold()
    await sari.says(FINE)

    async def thinking() -> bool:
        return len(phones.model.briefs) > thoughts

    await until(thinking)
    await phones.post("clock", {"seconds": 3600})
    await asyncio.sleep(0)
    phones.model.go_on()
    assert "2%" in (await sari.gets())["text"]
    await _quiet(phones, sari)
    assert len(await sari.bubbles(mine=False)) == 1


# --- looking


def _graph(phones: Phones) -> str:
    return phones.stage.house.settings.whatsapp_graph_url


def _time(given: str) -> datetime:
    return datetime.fromisoformat(given)


async def _lines(phones: Phones, what: str, who: str, number: int) -> bool:
    return len(await phones.wire(what, who)) >= number


async def _refused(phones: Phones, who: str) -> int | None:
    codes = [line["note"].partition(":")[0] for line in await phones.wire("send", who) if line["answer"] >= 400]
    return int(codes[0]) if codes else None


async def _reactions(phone) -> list[str]:
    return (await phone.bubbles(mine=True))[0]["reactions"]


async def _quiet(phones: Phones, phone) -> None:
    """Until the service knows that everything it sent was read, and a sweep and more has passed."""

    async def settled() -> bool:
        messages = await phones.messages(phone)
        states = {item["state"] for item in messages if item["author"] != "contact"}
        return states == {"read"}

    await until(settled)
    await phones.post("clock", {"seconds": timedelta(minutes=2).total_seconds()})
    for wake in await phones.stage.house.worker.look():
        await (phones.stage.house.worker.attend if wake[0] == "turn" else phones.stage.house.worker.deliver)(wake[1])
