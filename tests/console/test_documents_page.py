"""Documents at the console: uploaded with progress, answered from, deleted; bad ones named with their reason."""

from pathlib import Path

from playwright.sync_api import expect

from sahut.models import Role
from tests.console.conftest import Hire
from tests.console.stage import Stage
from tests.console.test_safety import accessible

OPENING = "# Parking permits\n\nA parking permit for residents costs Rp75.000 a year and is issued at counter 9.\n"


def test_what_is_uploaded_is_answered_from(stage: Stage, hire: Hire, tmp_path: Path):
    good, bad = tmp_path / "parking-permits.md", tmp_path / "broken.pdf"
    good.write_text(OPENING + "<!-- " + "x" * 2_000_000 + " -->\n")
    bad.write_bytes(b"%PDF-1.7 but no more")
    ada = hire("Ada", Role.SUPERVISOR).is_in()
    ada.visits("/documents")
    accessible(ada)
    ada.page.get_by_label("Files").set_input_files([good, bad])
    ada.page.get_by_label("Collection").fill(" parking  office ")
    ada.page.get_by_role("button", name="Upload and learn").click()
    expect(ada.page.locator("#progress")).to_contain_text("1 of 2 learned, 1 not.", timeout=20_000)
    expect(ada.page.locator("#progress")).to_contain_text("broken.pdf")
    ada.page.get_by_role("link", name="Show the list").click()
    row = ada.page.get_by_role("row").filter(has_text="parking-permits.md")
    expect(row).to_contain_text("Collection parking office")

    ani = stage.customer("Ani Parkir")
    stage.says(ani, "How much does a parking permit for residents cost?")
    stage.eventually(lambda: len(stage.got(ani)) == 1)
    assert "75.000" in stage.got(ani)[0]

    ada.page.on("dialog", lambda asked: asked.accept())
    ada.page.get_by_role("row").filter(has_text="parking-permits.md").get_by_role("button", name="Delete").click()
    ada.sees("Deleted. The assistant does not know it any more.")
    expect(ada.page.get_by_role("row").filter(has_text="parking-permits.md")).to_have_count(0)


def test_what_contradicts_and_what_is_told_twice_is_listed_until_it_is_mended(stage: Stage, hire: Hire, tmp_path: Path):
    lamps = (
        "# Lamps\n\nA lantern for the evening queue is lent at counter {counter} for Rp{fee} a night to everybody.\n"
    )
    kites = "# Kites\n\nKites may be flown behind the annexe on every first Saturday of a dry month.\n"
    texts = {"lamps-old.md": lamps.format(counter=2, fee="3.000"), "lamps-new.md": lamps.format(counter=2, fee="4.000")}
    texts |= {"kites.md": kites, "kites-again.md": kites}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    ada = hire("Ada", Role.SUPERVISOR).is_in()
    ada.visits("/documents")
    ada.page.get_by_label("Files").set_input_files([tmp_path / name for name in texts])
    ada.page.get_by_role("button", name="Upload and learn").click()
    expect(ada.page.locator("#progress")).to_contain_text("4 of 4 learned", timeout=20_000)

    ada.visits("/documents")
    ada.page.get_by_role("link", name="What contradicts or repeats what").click()
    accessible(ada)
    lanterns = ada.page.get_by_role("article", name="contradiction").filter(has_text="lantern")
    for told in ("lamps-old.md", "Rp3.000", "lamps-new.md", "Rp4.000"):
        expect(lanterns).to_contain_text(told)
    twice = ada.page.get_by_role("article", name="duplicate").filter(has_text="annexe")
    expect(twice).to_contain_text("kites.md")
    expect(twice).to_contain_text("kites-again.md")

    ada.page.on("dialog", lambda asked: asked.accept())
    for name in ("lamps-old.md", "kites-again.md"):
        ada.visits("/documents")
        ada.page.get_by_role("row").filter(has_text=name).get_by_role("button", name="Delete").click()
        ada.sees("Deleted.")
    ada.visits("/documents/conflicts")
    expect(ada.page.get_by_role("article").filter(has_text="lantern")).to_have_count(0)
    expect(ada.page.get_by_role("article").filter(has_text="annexe")).to_have_count(0)


def test_documents_are_not_every_operators(stage: Stage, hire: Hire):
    budi = hire("Budi").is_in()
    answer = budi.page.goto(f"{stage.address}/console/documents")
    assert answer is not None
    assert answer.status == 403
    conflicts = budi.page.goto(f"{stage.address}/console/documents/conflicts")
    assert conflicts is not None
    assert conflicts.status == 403
    refused = budi.context.request.post(f"{stage.address}/console/documents/uploads?token=x", multipart={"file": "x"})
    assert refused.status == 403
