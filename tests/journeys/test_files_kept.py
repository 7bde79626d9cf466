"""How long customers' files are kept: their time, the reason that stays, and a content that two messages share."""

import os
import time
from datetime import timedelta
from pathlib import Path

from api.background.tidying import SETTLING_S, Tidier
from api.simulator.customers import Customer
from api.simulator.samples import document, picture
from sahut.shelf import Shelf, incoming_shelf
from tests.journeys.people import Operator
from tests.journeys.stage import World

DAY_S = 86_400


def tidier(world: World, days: int | None = 90) -> Tidier:
    keep = None if days is None else timedelta(days=days)
    return Tidier(world.house.store, world.clock, incoming_shelf(world.house.settings.home), keep)


def on_disk(world: World) -> list[Path]:
    folder: Path = world.house.settings.home / "incoming"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def nobody_touches(world: World) -> None:
    """For longer than a file may lie there before its row says so."""
    for place in on_disk(world):
        old = place.stat().st_mtime - 2 * SETTLING_S
        os.utime(place, (old, old))


async def sends(world: World, customer: Customer, content: bytes, media_type: str, kind: str, **more: str) -> None:
    await customer.deliver(customer.message(kind, world.double.file(media_type, content, **more)))
    await world.settles()


async def the_file(budi: Operator, customer: Customer) -> tuple[int, str]:
    message = (await budi.messages(customer))[0]
    answer = await budi.rest.call("GET", f"messages/{message['id']}/file")
    return answer.status_code, "" if answer.status_code == 200 else answer.json()["detail"]


async def test_a_file_is_forgotten_after_its_days_and_its_row_says_why(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await sends(world, ani, document(), "application/pdf", "document", filename="surat.pdf", caption="Berapa dendanya?")
    nobody_touches(world)
    world.clock.advance(90 * DAY_S - 1)
    await tidier(world).look()
    assert (await the_file(budi, ani))[0] == 200
    world.clock.advance(2)
    await tidier(world).look()

    assert await the_file(budi, ani) == (
        404,
        "The file was kept for 90 days, as long as files are kept here (SAHUT_FILES_KEPT_DAYS).",
    )
    (row,) = await world.files()
    assert (row.state, row.hash, row.text, row.filename) == ("forgotten", None, "", "surat.pdf")
    assert on_disk(world) == []
    assert (await budi.messages(ani))[0]["text"] == "Berapa dendanya?"


async def test_a_content_that_two_messages_brought_goes_with_the_last(world: World):
    ani, bela, budi = world.customer("Ani"), world.customer("Bela"), await world.operator()
    await sends(world, ani, picture(), "image/png", "image")
    world.clock.advance(60 * DAY_S)
    await sends(world, bela, picture(), "image/png", "image")
    nobody_touches(world)
    world.clock.advance(31 * DAY_S)
    await tidier(world).look()
    assert ((await the_file(budi, ani))[0], (await the_file(budi, bela))[0], len(on_disk(world))) == (404, 200, 1)

    # Erasing the other leaves no byte either.
    admin = world.rest(await world.key("admin", "admin"))
    contact = (await budi.conversation(bela))["contact"]["id"]
    assert (await admin.post(f"contacts/{contact}/erase")).json()["erased"]["files"] == 1
    assert on_disk(world) == []


async def test_what_is_just_coming_is_left_alone_and_what_nothing_names_is_not(world: World):
    ani, shelf = world.customer("Ani"), incoming_shelf(world.house.settings.home)
    await sends(world, ani, picture(), "image/png", "image")
    shelf.put(b"of a message that was withdrawn")
    shelf.room()
    await tidier(world).look()
    assert len(on_disk(world)) == 3
    nobody_touches(world)
    await tidier(world).look()
    (row,) = await world.files()
    assert [place.name for place in on_disk(world)] == [row.hash]


async def test_files_are_kept_for_ever_where_that_is_set(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await sends(world, ani, picture(), "image/png", "image")
    nobody_touches(world)
    world.clock.advance(4000 * DAY_S)
    await tidier(world, None).look()
    assert (await the_file(budi, ani))[0] == 200


class Moving(Shelf):
    """A shelf where one old content comes again while it is tidied, and another one cannot be removed."""

    def older(self, age_s: float) -> list[str]:
        names = super().older(age_s)
        os.utime(self._folder / names[0], (time.time(), time.time()))
        return names

    def remove_older(self, name: str, age_s: float) -> bool:
        if name == "stuck":
            raise PermissionError("not ours")
        return super().remove_older(name, age_s)


async def test_a_content_that_comes_again_while_it_is_tidied_stays_and_one_that_sticks_holds_up_no_other(world: World):
    folder = world.house.settings.home / "incoming"
    folder.mkdir()
    for name in ("again", "stuck", "unnamed"):
        (folder / name).write_bytes(name.encode())
    nobody_touches(world)
    await Tidier(world.house.store, world.clock, Moving(folder), None).look()
    assert [place.name for place in on_disk(world)] == ["again", "stuck"]
    assert [entry["file"] for entry in world.logs if "cannot be removed" in entry["event"]] == ["stuck"]


def test_a_file_that_is_gone_already_is_nobodys_trouble(tmp_path: Path):
    assert Shelf(tmp_path).remove_older("nowhere", 0) is False
