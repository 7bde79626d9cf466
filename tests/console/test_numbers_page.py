"""A number at the console: an admin adds it, says what holds for it, and no secret comes back."""

import pytest
from playwright.sync_api import expect

from sahut.models import Role
from sahut.ours import OurNumber
from tests.console.conftest import Hire
from tests.console.stage import Stage
from tests.console.test_safety import accessible

BRANCH = "106500000000002"
PLACE = f"/console/sending/numbers/{BRANCH}"
TOKEN = "EAAbranchtoken"


def known(stage: Stage) -> OurNumber:
    return stage.house.switchboard.known.of(BRANCH)


def test_an_admin_adds_a_number_and_says_what_holds_for_it(stage: Stage, hire: Hire):
    eva = hire("Eva", Role.ADMIN).is_in()
    page = eva.page
    eva.visits("/sending")
    page.get_by_label("One more number").fill(BRANCH)
    page.get_by_role("button", name="Add").click()
    eva.sees("Added. Give it a token")
    accessible(eva)

    page.get_by_label("Who speaks").fill("Kantor <b>Cabang</b> Timur")
    page.get_by_label("Tone and standing guidance").fill("Warm.\n</textarea><script>alert(1)</script>")
    page.get_by_label("Answer from these collections alone").check()
    page.get_by_label("Collections, with commas").fill("branch, prices , branch")
    page.get_by_label("Business hours").fill("whenever")
    page.get_by_label("Access token").fill(TOKEN)
    page.get_by_label("App secret").fill("first-secret")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Business hours: cannot read")).to_be_visible()
    expect(page.get_by_label("Who speaks")).to_have_value("Kantor <b>Cabang</b> Timur")
    expect(page.get_by_label("Access token")).to_have_value("")

    page.get_by_label("Business hours").fill("Mon-Fri 08:00-16:00")
    page.get_by_label("Time zone").fill("Asia/Jakarta")
    page.get_by_label("Access token").fill(TOKEN)
    page.get_by_label("App secret").fill("first-secret")
    page.get_by_role("button", name="Save").click()
    eva.sees("Saved. It is in force.")
    assert known(stage).token == TOKEN
    assert known(stage).guidance.organisation == "Kantor <b>Cabang</b> Timur"
    assert known(stage).guidance.collections == ("branch", "prices")
    assert known(stage).guidance.timezone == "Asia/Jakarta"
    assert TOKEN not in page.content()
    expect(page.get_by_role("row").filter(has_text="organisation, persona, collections")).to_contain_text("Eva")
    accessible(eva)


def test_a_secret_is_replaced_kept_and_forgotten(stage: Stage, hire: Hire):
    eva = hire("Eva", Role.ADMIN).is_in()
    page = eva.page
    eva.visits(f"/sending/numbers/{BRANCH}")
    page.get_by_label("App secret").fill("second-secret")
    page.get_by_role("button", name="Save").click()
    eva.sees("Saved. It is in force.")
    assert [secret.value for secret in known(stage).secrets] == ["second-secret", "first-secret"]
    assert known(stage).token == TOKEN

    page.get_by_label("Stop taking the one before it").check()
    page.get_by_label("Forget it").first.check()
    page.get_by_role("button", name="Save").click()
    eva.sees("Saved. It is in force.")
    assert [secret.value for secret in known(stage).secrets] == ["second-secret"]
    assert known(stage).token == stage.double.token
    page.get_by_text("not set: that of the settings").wait_for()


def test_an_admin_puts_an_operator_into_a_team(stage: Stage, hire: Hire):
    eva, budi = hire("Eva", Role.ADMIN).is_in(), hire("Budi")
    eva.visits("/people")
    eva.page.get_by_label(f"Team of {budi.email}").fill(" east \u0007 wing ")
    eva.page.get_by_role("button", name=f"Save the team of {budi.email}").click()
    eva.sees("Saved. It holds from the next page they open.")
    expect(eva.page.get_by_label(f"Team of {budi.email}")).to_have_value("east wing")
    accessible(eva)


def test_a_number_is_removed_by_whoever_is_sure(stage: Stage, hire: Hire):
    spare, eva = "106500000000009", hire("Eva", Role.ADMIN).is_in()
    page = eva.page
    eva.visits("/sending")
    page.get_by_label("One more number").fill(spare)
    page.get_by_role("button", name="Add").click()
    eva.sees("Added.")
    page.get_by_role("button", name="Remove", exact=True).click()
    assert page.url.endswith(f"/{spare}?said=added")
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Remove", exact=True).click()
    eva.sees("Removed. Its conversations stay")
    expect(page.get_by_role("link", name=spare)).to_have_count(0)
    assert not stage.house.switchboard.known.is_ours(spare)
    eva.visits(f"/sending/numbers/{stage.double.number}")
    expect(page.get_by_role("button", name="Save")).to_be_visible()
    expect(page.get_by_role("button", name="Remove", exact=True)).to_have_count(0)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.SUPERVISOR])
def test_it_is_not_every_operators(stage: Stage, hire: Hire, role: Role):
    budi = hire("Budi", role).is_in()
    answer = budi.page.goto(f"{stage.address}{PLACE}")
    assert answer is not None
    assert answer.status == 403
    web = budi.context.request
    assert web.post(f"{stage.address}{PLACE}", form={"access_token": "x"}).status == 403
    assert web.post(f"{stage.address}/console/sending/numbers", form={"number": "106500000000003"}).status == 403


def test_a_form_from_elsewhere_and_an_unknown_number_are_refused(stage: Stage, hire: Hire):
    eva = hire("Eva", Role.ADMIN).is_in()
    web = eva.context.request
    assert web.post(f"{stage.address}{PLACE}", form={"access_token": "x", "token": "forged"}).status == 403
    answer = eva.page.goto(f"{stage.address}/console/sending/numbers/999999")
    assert answer is not None
    assert answer.status == 404
    eva.visits("/sending")
    eva.page.get_by_label("One more number").fill("+62 811")
    eva.page.get_by_role("button", name="Add").click()
    eva.sees("That number was not added. Number: give Meta's id")
