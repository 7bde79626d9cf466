"""Signing in: only with the right password, not by guessing, and what was being written outlives a session."""

import re
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import expect

from sahut.models import Role
from sahut.store import operators
from tests.console.conftest import Hire
from tests.console.stage import PASSWORD, Stage
from tests.journeys.lines import UNKNOWN


def test_an_operator_signs_in_and_out(hire: Hire):
    budi = hire("Budi")
    budi.visits("/c/no-such-conversation")
    expect(budi.page).to_have_url(re.compile("/console/sign-in"))
    budi.fills_in("not the password")
    budi.sees("E-mail or password is wrong.")

    budi.signs_in()
    (cookie,) = [one for one in budi.context.cookies() if one["name"] == "sahut_session"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    budi.page.get_by_role("button", name="Sign out").click()
    expect(budi.page).to_have_url(re.compile("/console/sign-in"))
    budi.visits()
    expect(budi.page.get_by_label("Password")).to_be_visible()


def test_guessing_is_locked_out_and_says_until_when(hire: Hire):
    budi = hire("Budi")
    budi.visits()
    for _ in range(6):
        budi.fills_in("a guess")
        expect(budi.page.get_by_role("alert")).to_be_visible()
    budi.fills_in(PASSWORD)
    budi.sees("Too many failed attempts. Try again in")


def test_a_page_asked_for_before_signing_in_is_shown_afterwards(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Lestari"), hire("Budi").signs_in()
    stage.says(ani, UNKNOWN)
    budi.opens("Ani Lestari")
    path = urlsplit(budi.page.url).path.removeprefix("/console")
    citra = hire("Citra")
    citra.visits(path)
    citra.fills_in(PASSWORD)
    expect(citra.page.locator(".head h2")).to_have_text("Ani Lestari")


def test_signing_in_leads_to_no_other_site(stage: Stage, hire: Hire):
    budi = hire("Budi")
    budi.visits("/sign-in?next=//example.com/console/")
    budi.fills_in(PASSWORD)
    expect(budi.page.get_by_role("tablist")).to_be_visible()
    assert budi.page.url == f"{stage.address}/console/"


def test_a_draft_survives_a_session_that_ends_in_the_middle_of_a_reply(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Draft"), hire("Budi").signs_in()
    stage.says(ani, UNKNOWN)
    budi.claims("Ani Draft")
    budi.writes("Mohon maaf, tahun ini")

    stage.run(_end_sessions(stage, budi.email))
    budi.replies("Mohon maaf, tahun ini belum ada lowongan.")
    budi.sees("Your session has ended")
    assert len(stage.got(ani)) == 1

    budi.page.get_by_role("link", name="Sign in").click()
    budi.fills_in(PASSWORD)
    expect(budi.box).to_have_value("Mohon maaf, tahun ini belum ada lowongan.")
    budi.box.press("Enter")
    stage.eventually(lambda: "Mohon maaf, tahun ini belum ada lowongan." in stage.got(ani))
    expect(budi.box).to_have_value("")


def test_signing_out_leaves_no_draft_behind(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Pulang"), hire("Budi").signs_in()
    stage.says(ani, UNKNOWN)
    budi.claims("Ani Pulang")
    budi.writes("Rahasia")
    kept = "Object.keys(localStorage).filter((key) => key.startsWith('sahut.draft.')).length"
    assert budi.page.evaluate(kept) == 1
    budi.page.get_by_role("button", name="Sign out").click()
    expect(budi.page).to_have_url(re.compile("/console/sign-in"))
    assert budi.page.evaluate(kept) == 0


def test_an_operator_who_is_disabled_is_out_at_once(stage: Stage, hire: Hire):
    budi, admin = hire("Budi").signs_in(), hire("Ada", Role.ADMIN).signs_in()
    admin.visits("/people")
    admin.page.get_by_role("row").filter(has_text=budi.email).get_by_role("button", name="Disable").click()
    admin.sees("Disabled and signed out.")

    budi.looks_at("Spam")
    budi.sees("Your session has ended")


def test_an_admin_adds_somebody_who_can_sign_in(stage: Stage, hire: Hire):
    admin = hire("Ada", Role.ADMIN).signs_in()
    admin.visits("/people")
    form = admin.page.locator("form.card-form")
    form.get_by_label("Name").fill("Dewi")
    form.get_by_label("E-mail").fill("Dewi@Example.com")
    form.get_by_label("First password").fill(PASSWORD)
    form.get_by_role("button", name="Add").click()
    admin.sees("Added. They can sign in now.")

    dewi = hire("Somebody")
    dewi.email = "dewi@example.com"
    dewi.signs_in()
    answer = dewi.page.goto(f"{stage.address}/console/people")
    assert answer is not None
    assert answer.status == 403
    dewi.sees("Your role does not include this page.")


def test_forms_from_elsewhere_are_refused(stage: Stage):
    with httpx.Client(base_url=stage.address) as web:
        web.get("/console/sign-in")
        form = {"email": "budi@example.com", "password": PASSWORD, "token": "guessed"}
        assert web.post("/console/sign-in", data=form).status_code == 403
        foreign = {"Origin": "http://evil.example.com"}
        assert web.post("/console/sign-in", data=form, headers=foreign).status_code == 403
        for path in ("/console/people", "/console/people/1/disable", "/console/sign-in"):
            assert web.post(path, data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert web.post("/console/people", data=form).status_code == 401


async def _end_sessions(stage: Stage, email: str) -> None:
    async with stage.house.store.transaction() as tx:
        operator = await operators.named(tx, email)
        await operators.end_sessions(tx, operator.id)
