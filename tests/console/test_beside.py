"""What stands beside a conversation: what was promised, what is known of the customer; settled and forgotten there."""

import re

from playwright.sync_api import expect

from tests.console.conftest import Hire
from tests.console.stage import Stage
from tests.journeys.lines import UNKNOWN


def test_a_promise_is_seen_beside_the_conversation_and_settled_with_one_click(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Janji"), hire("Budi").is_in()
    stage.says(ani, UNKNOWN)
    budi.claims("Ani Janji")
    budi.replies("Kami akan menghubungi Ibu dalam 2 jam.")
    if not budi.page.locator("aside.side").is_visible():
        budi.page.locator("[data-act=side]").click()
    card = budi.page.locator("aside .card.promise")
    expect(card).to_contain_text("Kami akan menghubungi Ibu dalam 2 jam.")
    expect(card).to_contain_text("Budi")
    expect(card).to_contain_text(re.compile("due in (1 h|2 h|119|120)"))

    card.get_by_role("button", name="Kept", exact=True).click()
    budi.is_told("Noted: it is kept.")
    expect(card.locator(".chip")).to_have_text("Kept")
    expect(card.get_by_role("button")).to_have_count(0)
    expect(budi.page.locator("aside .history")).to_contain_text("said that a promise is kept")


def test_what_a_customer_said_of_themselves_is_seen_and_forgotten(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Fakta"), hire("Budi").is_in()
    stage.says(ani, f"Plat saya B 1234 XYZ. {UNKNOWN}")
    budi.opens("Ani Fakta")
    if not budi.page.locator("aside.side").is_visible():
        budi.page.locator("[data-act=side]").click()
    known = budi.page.locator("aside .known")
    expect(known).to_contain_text("B 1234 XYZ")
    known.get_by_role("button", name="Forget B 1234 XYZ").click()
    budi.is_told("Forgotten.")
    expect(known).to_have_count(0)
    expect(budi.bubble("Plat saya B 1234 XYZ")).to_be_visible()
