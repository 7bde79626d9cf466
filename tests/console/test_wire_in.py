"""What comes in from WhatsApp beside words, as operators see it: files, changes, warnings, and templates to choose."""

from playwright.sync_api import expect

from api.simulator.samples import document, picture
from sahut.store import templates
from tests.console.conftest import Hire
from tests.console.stage import Stage
from tests.journeys.lines import UNKNOWN

REOPEN = {
    "id": "1",
    "name": "reopen",
    "language": "id",
    "status": "APPROVED",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Halo {{1}}, balasan kami sudah ada."}],
}


def test_pictures_are_shown_documents_saved_and_changes_seen(stage: Stage, hire: Hire):
    budi, ani = hire("Budi").is_in(), stage.customer("Ani Gambar")
    stage.sends(ani, "image", stage.double.file("image/png", picture(), caption="ini STNK saya"))
    budi.opens("Ani Gambar")
    photo = budi.bubble("ini STNK saya").locator("img.photo")
    expect(photo).to_be_visible()
    assert photo.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0

    stage.sends(ani, "document", stage.double.file("application/pdf", document(), filename="surat.pdf"))
    link = budi.page.get_by_role("link", name="surat.pdf")
    expect(link).to_have_attribute("download", "")
    with budi.page.expect_download() as saved:
        link.click()
    assert saved.value.suggested_filename == "surat.pdf"
    expect(budi.page.get_by_text("Text of the file")).to_be_visible()

    message = ani.text("Salah ketik")
    stage.run(ani.deliver(message))
    new = {"type": "text", "text": {"body": "Sudah benar"}}
    stage.run(ani.deliver(ani.message("edit", {"original_message_id": message["id"], "message": new})))
    expect(budi.bubble("Sudah benar").locator("footer")).to_contain_text("edited")
    stage.run(ani.deliver(ani.message("revoke", {"original_message_id": message["id"]})))
    budi.sees("Deleted by the sender.")
    expect(budi.bubble("Sudah benar")).to_have_count(0)


def test_a_template_is_what_is_offered_when_the_window_is_closed(stage: Stage, hire: Hire):
    budi, ani = hire("Budi").is_in(), stage.customer("Ani Tutup")
    stage.run(_know(stage))
    stage.says(ani, UNKNOWN)
    budi.claims("Ani Tutup")
    stage.change(ani, window_closed_at=stage.house.clock.now())
    budi.sees("only a template reaches the customer")
    send = budi.page.get_by_role("button", name="Send template")
    expect(send).to_be_disabled()
    budi.page.get_by_label("body 1").fill("Ani")
    send.click()
    stage.eventually(lambda: any(sent.kind == "template" for sent in ani.received))
    budi.sees("Halo Ani, balasan kami sudah ada.")


def test_a_changed_number_is_a_warning_until_somebody_is_sure(stage: Stage, hire: Hire):
    budi, ani = hire("Budi").is_in(), stage.customer("Ani Pindah")
    stage.says(ani, UNKNOWN)
    budi.claims("Ani Pindah")
    system = {"type": "user_changed_number", "body": "Ani", "wa_id": f"99{ani.phone}", "user_id": "ID.77"}
    stage.run(ani.deliver(ani.message("system", system)))
    budi.sees("Make sure that it is them")
    budi.presses("It is them")
    budi.is_told("Noted")
    expect(budi.page.get_by_text("Make sure that it is them")).to_have_count(0)


async def _know(stage: Stage) -> None:
    async with stage.house.store.transaction() as tx:
        await templates.keep(tx, stage.double.account, [REOPEN], now=stage.house.clock.now())
