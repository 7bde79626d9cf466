"""What stands beside a conversation: what was promised, what is known of the customer; settled and forgotten there."""

import re

from playwright.sync_api import expect

from sahut.models import Role
from tests.console.conftest import Hire
from tests.console.stage import Stage
from tests.console.test_safety import accessible
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


def test_two_contacts_who_are_one_person_are_merged_by_whoever_is_sure(stage: Stage, hire: Hire):
    ani, again = stage.customer("Ani Kembar"), stage.customer("Ani Kembar")
    budi, citra = hire("Budi").is_in(), hire("Citra", Role.SUPERVISOR).is_in()
    for customer, words in ((ani, UNKNOWN), (again, f"Saya lagi. {UNKNOWN}")):
        stage.says(customer, words)
        stage.eventually(lambda customer=customer: len(stage.got(customer)) == 1)
    expect(citra.row("Ani Kembar")).to_have_count(2)
    for operator, words in ((citra, "Kantor lagi"), (budi, "Saya lagi")):
        operator.row("Ani Kembar").filter(has_text=f"“{words}").click()
        expect(operator.bubble(words)).to_be_visible()
        if not operator.page.locator("aside.side").is_visible():
            operator.page.locator("[data-act=side]").click()
    expect(budi.page.get_by_label("Details")).to_contain_text(again.phone or "")
    expect(budi.page.locator("[data-act=merge]")).to_have_count(0)

    citra.page.locator("[data-act=merge]").click()
    dialog = citra.page.get_by_role("dialog", name="Merge with another contact")
    expect(dialog.get_by_role("button", name="Merge")).to_be_disabled()
    dialog.get_by_label("Find by name").fill("nobody of this name")
    expect(dialog).to_contain_text("Nobody else found.")
    dialog.get_by_label("Find by name").fill("kembar")
    expect(dialog.get_by_role("radio")).to_have_count(1)
    dialog.get_by_label(f"+{again.phone}").check()
    accessible(citra)
    dialog.get_by_role("button", name="Merge").click()
    citra.is_told("Merged: they are one contact now.")
    expect(citra.row("Ani Kembar")).to_have_count(1)
    expect(citra.bubble("Saya lagi")).to_be_visible()
    # Whoever looked at the thread that is a part of another now is told so.
    budi.sees("There is no such conversation")
