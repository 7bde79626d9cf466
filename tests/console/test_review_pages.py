"""Gaps and recalls at the console: an article published from operators' answers, a correction sent with one click."""

from pathlib import Path

from playwright.sync_api import expect

from sahut.models import Role
from tests.console.conftest import Hire
from tests.console.stage import Stage
from tests.console.test_safety import accessible

QUESTION = "Does the office have wifi for visitors?"
PAPERS = "# Lockers\n\nA locker in the main hall costs {price} a day and is opened with a coin.\n"
LOCKER = "How much does a locker in the main hall cost?"


def learns(stage: Stage, ada, path: Path, text: str) -> None:
    path.write_text(text)
    ada.visits("/documents")
    ada.page.get_by_label("Files").set_input_files([path])
    ada.page.get_by_role("button", name="Upload and learn").click()
    expect(ada.page.locator("#progress")).to_contain_text("1 of 1 learned", timeout=20_000)


def test_a_gap_is_published_and_asked_again(stage: Stage, hire: Hire):
    ani = stage.customer("Ani Kolam")
    stage.says(ani, QUESTION)
    stage.eventually(lambda: len(stage.got(ani)) == 1)

    ada = hire("Ada", Role.SUPERVISOR).is_in()
    ada.visits("/gaps")
    accessible(ada)
    ada.page.get_by_role("link", name=QUESTION).click()
    accessible(ada)
    ada.page.get_by_label("Text").fill(
        "There is no wifi for visitors. A computer that <b>everybody</b> may use stands beside counter 4."
    )
    ada.page.get_by_role("button", name="Publish and ask again").click()
    ada.sees("Published, and the questions were asked again")
    expect(ada.page.get_by_text("Answered now:")).to_be_visible()

    citra = stage.customer("Citra Kolam")
    stage.says(citra, QUESTION)
    stage.eventually(lambda: len(stage.got(citra)) == 1)
    assert "no wifi" in stage.got(citra)[0]


def test_a_correction_is_sent_with_one_click(stage: Stage, hire: Hire, tmp_path: Path):
    ada = hire("Ada", Role.SUPERVISOR).is_in()
    learns(stage, ada, tmp_path / "lockers.md", PAPERS.format(price="Rp5.000"))
    ani = stage.customer("Ani Loker")
    stage.says(ani, LOCKER)
    stage.eventually(lambda: len(stage.got(ani)) == 1)
    assert "5.000" in stage.got(ani)[0]
    learns(stage, ada, tmp_path / "lockers.md", PAPERS.format(price="Rp7.500"))

    ada.visits("/recalls")
    accessible(ada)
    row = ada.page.get_by_role("article").filter(has_text="Ani Loker")
    expect(row.get_by_label("Correction")).to_have_value(
        "A correction to our earlier answer. We wrote: “A locker in the main hall costs Rp5.000 a day and is opened "
        "with a coin.” That has changed. What applies now: “A locker in the main hall costs Rp7.500 a day and is "
        "opened with a coin.”"
    )
    row.get_by_role("button", name="Send correction").click()
    ada.sees("The correction is on its way.")
    stage.eventually(lambda: len(stage.got(ani)) == 2)
    assert "7.500" in stage.got(ani)[1]


def test_these_pages_are_not_every_operators(stage: Stage, hire: Hire):
    budi = hire("Budi").is_in()
    for path in ("gaps", "recalls"):
        answer = budi.page.goto(f"{stage.address}/console/{path}")
        assert answer is not None
        assert answer.status == 403
        refused = budi.context.request.post(f"{stage.address}/console/{path}/x/dismiss", form={"token": "x"})
        assert refused.status == 403
