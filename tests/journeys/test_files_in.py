"""Customers' files: fetched with care, read in a sandbox, shown to operators so that nothing in them can act."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from api.background.fetching import LOOK_AGAIN_S, OPENED_WITHIN
from api.simulator.media import Media
from api.simulator.samples import document, picture
from api.whatsapp.download import may_fetch
from sahut.errors import ModelFailed
from sahut.models import MediaState
from tests.journeys.lines import FINE, SPAM
from tests.journeys.stage import World, until

OGG = b"OggS" + b"\0" * 60


class Ears:
    """Hears what it is told to."""

    def __init__(self, *words: str) -> None:
        self.words = list(words)

    async def hear(self, file: Path, media_type: str) -> str:
        assert file.stat().st_size == len(OGG)  # noqa: ASYNC240
        word = self.words.pop(0)
        if word == "broken":
            raise ModelFailed("the server is down")
        if word == "confused":
            raise RuntimeError("nobody thought of this")
        return word


async def sends(world: World, kind: str, content: Any) -> Any:
    """Ani sends a file; the operator who looks, and the message as REST shows it."""
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.deliver(ani.message(kind, content))
    await world.settles()
    return budi, (await budi.messages(ani))[0]


async def opened(budi: Any, message: Any) -> Any:
    return await budi.rest.call("GET", f"messages/{message['id']}/file")


async def test_a_picture_is_kept_as_it_came_and_shown_safely(world: World):
    budi, message = await sends(world, "image", world.double.file("image/png", picture(), caption="ini STNK saya"))
    answer = await opened(budi, message)
    assert (answer.content, answer.headers["content-type"]) == (picture(), "image/png")
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    (row,) = await world.files()
    assert (world.house.settings.home / "incoming" / row.hash).read_bytes() == picture()


async def test_a_document_can_only_be_saved_and_its_name_leads_nowhere(world: World):
    file = world.double.file("text/plain", b"<script>alert(1)</script>", filename="../../etc/x\r\n.html")
    budi, message = await sends(world, "document", file)
    answer = await opened(budi, message)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''x%20.html"


async def test_a_files_text_reaches_the_assistant_as_nobodys_word(world: World):
    file = world.double.file("application/pdf", document(), filename="surat.pdf", caption="Berapa denda telat bayar?")
    _, message = await sends(world, "document", file)
    brief = world.model.briefs[-1]
    assert "Sample letter" in brief.turn.attached
    assert "Sample letter" not in brief.turn.text
    assert len(world.sent_to(world.customer("Ani"))) == 1
    assert message["text"] == "Berapa denda telat bayar?"


async def test_a_file_without_a_question_is_a_matter_for_a_person_who_sees_what_it_says(world: World):
    budi, _ = await sends(world, "document", world.double.file("application/pdf", document(), filename="surat.pdf"))
    (handoff,) = await budi.handoffs(world.customer("Ani"))
    assert handoff["reason"] == "media"
    assert "Sample letter" in handoff["summary"]


async def test_a_file_that_does_not_come_in_time_keeps_nobody_waiting(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    lost = {"id": "1", "mime_type": "application/pdf", "sha256": "", "caption": "Berapa denda telat bayar?"}
    await ani.deliver(ani.message("document", lost))
    await world.settles()
    await world.passes(60)
    assert len(await budi.handoffs(ani)) == 1


@pytest.mark.parametrize(
    ("kind", "media_type", "content", "words"),
    [
        ("image", "image/jpeg", b"<html><script>alert(1)</script></html>", "its content is another one"),
        ("audio", "audio/ogg", b"MZ" + b"\0" * 100, "its content is another one"),
        ("document", "application/pdf", b"MZ" + b"\0" * 100, "It is a program"),
        ("image", "image/png", b"", "empty"),
        ("sticker", "image/webp", b"RIFF\0\0\0\0WEBP" + b"\0" * 1024 * 1024, "larger than 1 MB"),
    ],
)
async def test_a_file_that_lies_is_refused(world: World, kind: str, media_type: str, content: bytes, words: str):
    budi, message = await sends(world, kind, world.double.file(media_type, content))
    answer = await opened(budi, message)
    assert (answer.status_code, words in answer.json()["detail"]) == (404, True)
    folder = world.house.settings.home / "incoming"
    assert not folder.exists() or list(folder.iterdir()) == []


async def test_a_file_with_another_hash_is_refused(world: World):
    file = world.double.file("image/png", picture())
    world.double.cupboard._kept[file["id"]] = Media("image/png", picture() + b"x"), world.clock.now()
    budi, message = await sends(world, "image", file)
    assert "its hash is another one" in (await opened(budi, message)).json()["detail"]


async def test_a_file_that_meta_could_not_take_says_so(world: World):
    budi, message = await sends(world, "image", {"caption": "ini"})
    assert "send it again" in (await opened(budi, message)).json()["detail"]


async def test_a_quarantined_file_is_fetched_when_somebody_opens_it(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("Halo")
    conversation = await budi.conversation(ani)
    await budi.rest.post(f"conversations/{conversation['id']}/spam")
    await ani.deliver(ani.message("image", world.double.file("image/png", picture())))
    await world.settles()
    assert not (world.house.settings.home / "incoming").exists()
    message = (await budi.messages(ani))[-1]
    assert (await opened(budi, message)).content == picture()


async def test_what_comes_with_spam_is_left_at_meta_until_somebody_opens_it(world: World):
    file = world.double.file("application/pdf", document(), filename="hadiah.pdf", caption=SPAM)
    budi, message = await sends(world, "document", file)
    assert not (world.house.settings.home / "incoming").exists()
    assert (await budi.conversation(world.customer("Ani")))["status"] == "spam"
    assert (await opened(budi, message)).content == document()


async def test_a_file_that_is_just_being_fetched_is_waited_for(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.deliver(ani.message("image", world.double.file("image/png", picture())))
    fetched_elsewhere = await world.house.fetcher.take()
    (message,) = await budi.messages(ani)
    opening = asyncio.create_task(opened(budi, message))
    await until(lambda: world.clock.sleepers == 1)
    await world.house.fetcher.fetch(fetched_elsewhere)
    world.clock.advance(LOOK_AGAIN_S)
    assert (await opening).content == picture()


async def test_who_opens_a_file_that_does_not_come_is_told_to_try_again(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.deliver(ani.message("image", world.double.file("image/png", picture())))
    await world.house.fetcher.take()  # by a worker that dies
    (message,) = await budi.messages(ani)
    opening = asyncio.create_task(opened(budi, message))
    await until(lambda: world.clock.sleepers == 1)
    world.clock.advance(OPENED_WITHIN.total_seconds())
    answer = await opening
    assert (answer.status_code, "try again" in answer.json()["detail"]) == (409, True)


async def test_without_a_key_nobody_sees_a_file(world: World):
    _, message = await sends(world, "image", world.double.file("image/png", picture()))
    assert (await world.rest(None).call("GET", f"messages/{message['id']}/file")).status_code == 401


async def test_a_withdrawn_file_is_gone(world: World):
    ani = world.customer("Ani")
    budi, message = await sends(world, "image", world.double.file("image/png", picture()))
    await ani.deliver(ani.message("revoke", {"original_message_id": message["wamid"]}))
    assert (await opened(budi, message)).status_code == 404


async def test_a_file_whose_message_was_withdrawn_before_it_came_is_not_fetched(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    sent = ani.message("image", world.double.file("image/png", picture()))
    await ani.deliver(ani.message("revoke", {"original_message_id": sent["id"]}))
    await ani.deliver(sent)
    await world.settles()
    assert not (world.house.settings.home / "incoming").exists()
    (message,) = [one for one in await budi.messages(ani) if one["wamid"] == sent["id"]]
    assert (await opened(budi, message)).status_code == 404


async def test_who_speaks_is_asked_to_type_once_and_heard_by_a_person_then(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    for _ in range(2):
        await ani.deliver(ani.message("audio", world.double.file("audio/ogg", OGG, voice=True)))
        await world.settles()
    assert "menuliskannya" in world.sent_to(ani)[0]
    (handoff,) = await budi.handoffs(ani)
    assert handoff["reason"] == "media"
    assert (await opened(budi, (await budi.messages(ani))[0])).headers["content-type"] == "audio/ogg"


async def test_a_voice_note_is_answered_where_somebody_can_listen(world: World):
    ani = world.customer("Ani")
    world.house.fetcher.hearing = Ears("Berapa denda kalau telat bayar pajak kendaraan?", "broken")
    await ani.deliver(ani.message("audio", world.double.file("audio/ogg", OGG, voice=True)))
    await world.settles()
    assert "2%" in world.sent_to(ani)[0]
    await ani.deliver(ani.message("audio", world.double.file("audio/ogg", OGG, voice=True)))
    await world.settles()
    assert "menuliskannya" in world.sent_to(ani)[1]


async def test_a_poll_is_politely_refused_once_and_is_no_case(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    for _ in range(2):
        await ani.deliver(ani.message("unsupported", {"type": "poll"}))
        await world.settles()
    assert len(world.sent_to(ani)) == 1
    assert await budi.handoffs(ani) == []


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", True),
        ("https://scontent.fbcdn.net/x", True),
        ("https://mmg.whatsapp.net/x", True),
        ("https://graph.example/v26.0/files/1", True),
        ("http://lookaside.fbsbx.com/x", False),
        ("https://lookaside.fbsbx.com:8443/x", False),
        ("https://lookaside.fbsbx.com.evil.example/x", False),
        ("https://evilfbcdn.net/x", False),
        ("https://user@lookaside.fbsbx.com/x", False),
        ("https://graph.example.evil/x", False),
        ("http://169.254.169.254/latest", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_our_token_goes_to_meta_alone(url: str, may: bool):
    assert may_fetch(url, "https://graph.example") is may


async def test_an_address_elsewhere_is_not_fetched(world: World):
    world.double.files_at = "http://127.0.0.1:1/steal"
    budi, message = await sends(world, "image", world.double.file("image/png", picture()))
    assert "none of its own" in (await opened(budi, message)).json()["detail"]


async def test_a_redirect_elsewhere_is_not_followed(world: World):
    world.double.redirects_to = "https://evil.example/x"
    budi, message = await sends(world, "image", world.double.file("image/png", picture()))
    assert "none of its own" in (await opened(budi, message)).json()["detail"]


async def test_a_bad_moment_of_metas_is_waited_out(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    token, world.double.token = world.double.token, "another"
    await ani.deliver(ani.message("image", world.double.file("image/png", picture())))
    await world.settles()
    message = (await budi.messages(ani))[0]
    assert (await opened(budi, message)).status_code == 409
    world.double.token = token
    await world.passes(30)
    assert (await opened(budi, message)).content == picture()


@pytest.mark.parametrize("somebody_opens", [True, False])
async def test_trouble_that_lasts_for_hours_loses_no_file(world: World, somebody_opens: bool):
    token, world.double.token = world.double.token, "another"
    budi, message = await sends(world, "image", world.double.file("image/png", picture()))
    await world.passes(6 * 3600)
    world.double.token = token
    if not somebody_opens:
        await world.passes(2 * 3600)
    assert (await opened(budi, message)).content == picture()


async def test_a_recording_that_nobody_can_make_sense_of_keeps_nobody_waiting(world: World):
    world.house.fetcher.hearing = Ears("confused")
    ani = world.customer("Ani")
    await ani.deliver(ani.message("audio", world.double.file("audio/ogg", OGG, voice=True)))
    await world.settles()
    assert "menuliskannya" in world.sent_to(ani)[0]
    (row,) = await world.files()
    assert (row.state, row.due_at, "in the log" in row.error) == (MediaState.KEPT, None, True)


class Hangs:
    """A Graph API that never answers."""

    async def media_record(self, number: str, media_id: str) -> Any:
        await asyncio.Event().wait()


async def test_a_file_that_never_ends_is_put_off(world: World):
    fetcher, graph = world.house.fetcher, world.house.fetcher.graph
    fetcher.graph, fetcher.fetch_within_s = Hangs(), 0.01
    budi, message = await sends(world, "image", world.double.file("image/png", picture()))
    (row,) = await world.files()
    assert (row.state, "did not come within" in row.error) == (MediaState.WANTED, True)
    fetcher.graph, fetcher.fetch_within_s = graph, 60
    await world.passes(30)
    assert (await opened(budi, message)).content == picture()


async def test_who_is_erased_while_their_file_comes_leaves_nothing(world: World):
    ani, admin = world.customer("Ani"), world.rest(await world.key("rina", "admin"))
    budi = await world.operator()
    await ani.deliver(ani.message("image", world.double.file("image/png", picture())))
    file = await world.house.fetcher.take()
    contact = (await budi.conversation(ani))["contact"]["id"]
    assert (await admin.post(f"contacts/{contact}/erase")).status_code == 200
    await world.house.fetcher.fetch(file)
    assert await world.files() == []


class Slow:
    """Listens until it is told to hear."""

    def __init__(self) -> None:
        self.listens, self.hears = asyncio.Event(), asyncio.Event()

    async def hear(self, file: Path, media_type: str) -> str:
        self.listens.set()
        await self.hears.wait()
        return FINE


async def test_a_file_that_takes_long_keeps_no_other_waiting(world: World):
    ani, bela, folder = world.customer("Ani"), world.customer("Bela"), world.house.settings.home / "incoming"
    ears = world.house.fetcher.hearing = Slow()
    fetching = asyncio.create_task(world.house.fetcher.run())
    await until(lambda: world.clock.sleepers == 1)
    await ani.deliver(ani.message("audio", world.double.file("audio/ogg", OGG, voice=True)))
    world.clock.advance(1)
    await until(ears.listens.is_set)
    await bela.deliver(bela.message("image", world.double.file("image/png", picture())))
    await until(lambda: world.clock.sleepers == 1)
    world.clock.advance(1)
    await until(lambda: len([file for file in folder.iterdir() if not file.name.startswith(".")]) == 2)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
