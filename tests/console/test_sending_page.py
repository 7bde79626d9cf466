"""Sending at the console: a paused number is seen by all and resumed by an admin; what failed is decided about."""

import asyncio

import pytest
from playwright.sync_api import expect

from api.simulator.faults import Refuse
from api.simulator.graph import NUMBER
from sahut.models import Role
from sahut.store import failures
from tests.console.conftest import Hire
from tests.console.stage import Stage
from tests.console.test_safety import accessible

QUESTION = "Berapa denda kalau telat bayar pajak kendaraan?"


@pytest.fixture(autouse=True)
def a_good_line(stage: Stage):
    yield
    stage.double.fault_for = None


def test_a_paused_number_is_seen_and_resumed(stage: Stage, hire: Hire):
    budi, eva = hire("Budi").is_in(), hire("Eva", Role.ADMIN).is_in()
    stage.double.fault_for = lambda _: Refuse(131042)
    ani = stage.customer("Ani Bayar")
    stage.says(ani, QUESTION)
    stage.eventually(lambda: bool(stage.double.refused))
    alarm = budi.page.get_by_role("alert").filter(has_text="payment problem")
    expect(alarm).to_be_visible(timeout=20_000)

    alarm.get_by_role("link").click()
    expect(budi.page.get_by_role("row").filter(has_text=NUMBER)).to_contain_text("paused")
    expect(budi.page.get_by_role("button", name="Resume")).to_have_count(0)
    accessible(budi)

    stage.double.fault_for = None
    eva.visits("/sending")
    eva.page.get_by_role("button", name="Resume").click()
    eva.sees("Resumed: what waits is being sent.")
    expect(eva.page.get_by_role("row").filter(has_text=NUMBER)).to_contain_text("sending")
    expect(eva.page.get_by_role("alert")).to_have_count(0)
    stage.eventually(lambda: len(stage.got(ani)) == 1)


def test_a_failed_message_is_tried_again_or_dismissed(stage: Stage, hire: Hire):
    budi = hire("Budi").is_in()
    ani, bela = stage.customer("Ani Gagal"), stage.customer("Bela Gagal")
    stage.double.fault_for = lambda _: Refuse(131026)
    for customer in (ani, bela):
        stage.says(customer, QUESTION)
    stage.run(_until_written_down(stage, 2))
    stage.double.fault_for = None
    budi.visits("/sending")
    accessible(budi)
    budi.page.get_by_role("row").filter(has_text="Ani Gagal").get_by_role("button", name="Try again").click()
    budi.sees("Queued once more, in your name.")
    stage.eventually(lambda: len(stage.got(ani)) == 1)
    budi.page.get_by_role("row").filter(has_text="Bela Gagal").get_by_role("button", name="Dismiss").click()
    budi.sees("Dismissed.")
    expect(budi.page.get_by_role("row").filter(has_text="Gagal")).to_have_count(0)
    assert stage.got(bela) == []


def test_only_an_admin_stops_a_number(stage: Stage, hire: Hire):
    ada, eva = hire("Ada", Role.SUPERVISOR).is_in(), hire("Eva", Role.ADMIN).is_in()
    refused = ada.context.request.post(f"{stage.address}/console/sending/numbers/{NUMBER}/pause", form={"why": "x"})
    assert refused.status == 403
    eva.visits("/sending")
    eva.page.get_by_label(f"Why {NUMBER} is paused").fill("<b>we move</b>")
    eva.page.get_by_role("button", name=f"Pause {NUMBER}").click()
    eva.sees("Paused: nothing is sent until an admin resumes it.")
    expect(eva.page.get_by_role("row").filter(has_text=NUMBER)).to_contain_text("<b>we move</b>")
    eva.page.get_by_role("button", name="Resume").click()
    eva.sees("Resumed: what waits is being sent.")


async def _until_written_down(stage: Stage, wanted: int) -> None:
    """Meta's answer is not yet the row that the page shows, and the page is read once."""
    found = 0
    while found < wanted:
        await asyncio.sleep(0.02)
        async with stage.house.store.reading() as tx:
            found = await failures.count(tx)
