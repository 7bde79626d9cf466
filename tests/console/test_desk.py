"""At the desk: what waits is seen, taken by one, answered, given back; notes stay inside, mistakes are undone."""

import re
from datetime import timedelta

from playwright.sync_api import expect
from sqlmodel import select

from api.simulator.customers import Customer
from api.simulator.faults import Refuse
from sahut.ids import ConversationId
from sahut.models import ContactIdentity, Conversation, Role
from sahut.store import handoffs
from tests.console.conftest import Hire
from tests.console.stage import PAID, Stage
from tests.journeys.lines import FINE, SPAM, UNKNOWN

REPLY = "Tahun ini belum ada lowongan."


def test_a_request_appears_and_a_reply_reaches_the_phone(stage: Stage, hire: Hire):
    budi, ani = hire("Budi").is_in(), stage.customer("Ani Satu")
    stage.says(ani, UNKNOWN)
    expect(budi.row("Ani Satu")).to_contain_text("unsure answer")
    expect(budi.row("Ani Satu")).to_contain_text(re.compile("due in 1[45] min"))
    expect(budi.page).to_have_title(re.compile(r"^\(\d+\) Desk"))

    budi.claims("Ani Satu")
    budi.replies(REPLY)
    stage.eventually(lambda: stage.got(ani)[1:] == [REPLY])
    expect(budi.bubble(REPLY).get_by_role("img", name="Read")).to_be_visible()
    expect(budi.box).to_have_value("")


def test_what_the_assistant_was_unsure_of_is_a_draft_for_the_operator(stage: Stage, hire: Hire):
    draft, ani, budi = "Dendanya 2% per bulan.", stage.customer("Ani Satu Setengah"), hire("Budi").is_in()
    stage.says(ani, FINE)
    stage.eventually(lambda: len(stage.got(ani)) == 1)
    stage.run(_suggests(stage, ani, draft))
    budi.opens("Ani Satu Setengah")
    expect(budi.page.get_by_label("Suggested reply")).to_contain_text(draft)
    budi.presses("Claim")
    budi.page.get_by_role("button", name="Use as a draft").click()
    expect(budi.box).to_have_value(draft)
    expect(budi.page.get_by_label("Suggested reply")).to_have_count(0)
    budi.replies(f"{draft} Paling lama 24 bulan.")
    stage.eventually(lambda: stage.got(ani)[-1] == f"{draft} Paling lama 24 bulan.")


async def _suggests(stage: Stage, customer: Customer, draft: str) -> None:
    """A request for a human with a draft, as a turn records it."""
    async with stage.house.store.transaction() as tx:
        contact = (
            await tx.execute(select(ContactIdentity).where(ContactIdentity.value == customer.phone))
        ).scalar_one()
        query = select(Conversation.id).where(Conversation.contact_id == contact.contact_id)
        key = ConversationId((await tx.execute(query)).scalar_one())
        facts = {"reason": "low_confidence", "lane": "support", "summary": "Asked (id)", "language": "id"}
        assert await handoffs.open_handoff(tx, key, **facts, suggestion=draft, now=stage.house.clock.now())


def test_of_two_who_claim_one_wins_and_the_other_is_told(stage: Stage, hire: Hire):
    ani, budi, citra = stage.customer("Ani Dua"), hire("Budi").is_in(), hire("Citra").is_in()
    stage.says(ani, UNKNOWN)
    for operator in (budi, citra):
        operator.opens("Ani Dua")
        expect(operator.act("Claim")).to_be_visible()
    # Both press before either hears of the other.
    press = "document.querySelector('[data-act=claim]').click()"
    budi.page.evaluate(press)
    citra.page.evaluate(press)

    for operator in (budi, citra):
        expect(operator.page.locator(".toast")).to_be_visible()
    told = [operator.page.locator(".toast").inner_text() for operator in (budi, citra)]
    won = next(at for at, text in enumerate(told) if text.startswith("Yours."))
    winner, loser = ((budi, "Budi"), (citra, "Citra")) if won == 0 else ((citra, "Citra"), (budi, "Budi"))
    loser[0].is_told(f"by {winner[1]}" if "already" in told[1 - won] else f"held by {winner[1]}")
    expect(winner[0].box).to_be_enabled()
    loser[0].sees(f"{winner[1]} is answering here.")
    expect(loser[0].box).to_have_count(0)


def test_what_is_returned_is_answered_by_the_assistant_again(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Tiga"), hire("Budi").is_in()
    stage.says(ani, UNKNOWN)
    budi.claims("Ani Tiga")
    stage.says(ani, FINE)
    expect(budi.bubble(FINE)).to_be_visible()
    budi.presses("Return to assistant")
    budi.is_told("Returned. The assistant answers the next message.")
    assert len(stage.got(ani)) == 1

    stage.says(ani, FINE)
    stage.eventually(lambda: len(stage.got(ani)) == 2)
    assert "2%" in stage.got(ani)[-1]
    budi.sees("2% per bulan")


def test_spam_is_quarantined_and_the_mistake_undone(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Empat"), hire("Budi").is_in()
    stage.says(ani, UNKNOWN)
    budi.opens("Ani Empat")
    budi.presses("Spam")
    budi.is_told("Marked as spam")
    expect(budi.page.locator(".head .status")).to_have_text("Spam")
    budi.page.locator(".toast").get_by_role("button", name="Undo").click()
    budi.is_told("Not spam. The assistant answers.")
    expect(budi.page.locator(".head .status")).not_to_have_text("Spam")


def test_what_the_screen_took_for_spam_waits_in_its_lane(stage: Stage, hire: Hire):
    promo, budi = stage.customer("Promo Lima"), hire("Budi").is_in()
    stage.says(promo, SPAM)
    budi.looks_at("Spam")
    budi.opens("Promo Lima")
    stage.says(promo, FINE)
    expect(budi.bubble(FINE)).to_be_visible()
    assert stage.got(promo) == []
    budi.presses("Not spam")
    budi.is_told("Not spam. The assistant answers.")
    stage.eventually(lambda: "2%" in "".join(stage.got(promo)))
    expect(budi.row("Promo Lima")).to_have_count(0)


def test_a_note_never_leaves_the_house(stage: Stage, hire: Hire):
    ani, budi, citra = stage.customer("Ani Enam"), hire("Budi").is_in(), hire("Citra").is_in()
    stage.says(ani, UNKNOWN)
    citra.opens("Ani Enam")
    budi.claims("Ani Enam")
    budi.notes("Sudah tanya bagian kepegawaian.")
    expect(citra.bubble("Sudah tanya bagian kepegawaian.")).to_contain_text("internal note")
    expect(budi.page.get_by_role("button", name="Reply", exact=True)).to_have_attribute("aria-pressed", "true")
    budi.replies(REPLY)
    stage.eventually(lambda: len(stage.got(ani)) == 2)
    assert stage.got(ani)[1:] == [REPLY]


def test_a_source_is_one_click_from_its_passage(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Tujuh"), hire("Budi").is_in()
    stage.says(ani, FINE)
    budi.looks_at("All")
    budi.opens("Ani Tujuh")
    expect(budi.bubble("2%").locator(".receipt")).to_contain_text(re.compile(r"\d+% sure"))
    budi.page.get_by_role("button", name=re.compile("Source 1 of .* in denda-keterlambatan.md")).click()
    passage = budi.page.get_by_role("dialog")
    expect(passage.locator("mark")).to_contain_text("2% per bulan")
    expect(passage.locator(".document")).to_contain_text("Membayar denda")
    budi.page.keyboard.press("Escape")
    expect(passage).to_have_count(0)


def test_a_running_conversation_is_taken_over_and_resolved(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Delapan"), hire("Budi").is_in()
    stage.says(ani, FINE)
    budi.looks_at("All")
    budi.opens("Ani Delapan")
    budi.sees("The assistant is answering. Take over to reply.")
    budi.presses("Take over")
    budi.replies("Halo, saya Budi.")
    stage.eventually(lambda: "Halo, saya Budi." in stage.got(ani))
    budi.presses("Resolve")
    budi.page.get_by_label("Closing note").fill("Sudah jelas.")
    budi.page.get_by_role("dialog").get_by_role("button", name="Resolve").click()
    budi.is_told("Resolved.")
    expect(budi.page.locator(".head .status")).to_have_text("Resolved")


def test_a_colleague_is_given_a_conversation(stage: Stage, hire: Hire):
    ani, budi, citra = stage.customer("Ani Sembilan"), hire("Budi").is_in(), hire("Citra Assigned").is_in()
    stage.says(ani, UNKNOWN)
    budi.opens("Ani Sembilan")
    budi.page.get_by_label("Assign to").select_option("Citra Assigned")
    budi.is_told("Assigned.")
    citra.looks_at("Mine")
    expect(citra.row("Ani Sembilan")).to_contain_text("You")


def test_a_supervisor_may_write_where_somebody_else_holds(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Sepuluh"), hire("Budi").is_in()
    stage.says(ani, UNKNOWN)
    budi.claims("Ani Sepuluh")
    ada = hire("Ada", Role.SUPERVISOR).is_in()
    ada.opens("Ani Sepuluh")
    ada.replies("Saya bantu juga.")
    stage.eventually(lambda: "Saya bantu juga." in stage.got(ani))
    expect(budi.bubble("Saya bantu juga.")).to_contain_text("Ada")


def test_a_closed_window_says_so_and_keeps_the_reply(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Sebelas"), hire("Budi").is_in()
    stage.says(ani, UNKNOWN)
    budi.claims("Ani Sebelas")
    budi.writes("Sebentar ya")
    stage.change(ani, window_opened_at=stage.house.clock.now() - timedelta(hours=24, minutes=1))
    budi.sees("The 24-hour window is closed. You can write again as soon as the customer does.")
    expect(budi.box).to_be_disabled()
    expect(budi.box).to_have_value("Sebentar ya")
    stage.says(ani, "Halo?")
    expect(budi.box).to_be_enabled()


# A page that nobody looks at tells by notifications; what it told is remembered.
UNSEEN = """
window.told = [];
window.Notification = class {
  static permission = "granted";
  constructor(title, more) { window.told.push(`${title} ${more.body}`); }
};
localStorage.setItem("sahut.notices", "true");
Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
"""


def test_a_window_that_ends_soon_is_marked_and_told_until_the_customer_writes(stage: Stage, hire: Hire):
    ani, budi, citra = stage.customer("Ani Sebelas Setengah"), hire("Budi"), hire("Citra").is_in()
    budi.page.add_init_script(UNSEEN)
    budi.is_in()
    stage.says(ani, UNKNOWN)
    row = budi.row("Ani Sebelas Setengah")
    expect(row).to_contain_text("unsure answer")
    expect(row).not_to_contain_text("window ends soon")
    stage.change(ani, window_opened_at=stage.house.clock.now() - timedelta(hours=22, minutes=5))
    expect(row).to_contain_text("window ends soon")
    expect(row).to_contain_text(re.compile("1 h 5[345] min left"))
    budi.page.wait_for_function(
        "told.filter((text) => /^Ani Sebelas Setengah.*window ends soon$/.test(text)).length === 1"
    )

    citra.claims("Ani Sebelas Setengah")
    citra.sees("Sahut warned that the window ends soon")
    stage.says(ani, "Halo?")
    expect(row).not_to_contain_text("window ends soon")


def test_a_message_that_failed_says_why(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Duabelas"), hire("Budi").is_in()
    stage.says(ani, UNKNOWN)
    budi.claims("Ani Duabelas")
    stage.double.fail_next(Refuse(131026))
    budi.replies(REPLY)
    expect(budi.bubble(REPLY)).to_contain_text("Not delivered")
    expect(budi.bubble(REPLY)).to_contain_text("131026")


def test_what_is_not_text_is_named(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Tigabelas"), hire("Budi").is_in()
    stage.sends(ani, "image", {"id": "1", "mime_type": "image/jpeg", "sha256": "x", "caption": "surat saya"})
    budi.opens("Ani Tigabelas")
    expect(budi.bubble("surat saya")).to_contain_text("Photo")


def test_older_lines_come_when_they_are_asked_for(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Empatbelas"), hire("Budi").is_in()
    stage.says(ani, UNKNOWN)
    budi.claims("Ani Empatbelas")
    for number in range(70):
        stage.says(ani, f"baris {number}")
    expect(budi.bubble("baris 69")).to_be_visible()
    budi.page.reload()
    expect(budi.bubble("baris 69")).to_be_visible()
    expect(budi.bubble("Kantor lagi buka")).to_have_count(0)
    budi.page.get_by_role("button", name="Show earlier messages").click()
    expect(budi.bubble("Kantor lagi buka")).to_have_count(1)
    assert budi.page.locator(".line .text").all_inner_texts()[-70:] == [f"baris {number}" for number in range(70)]


def test_the_keyboard_is_enough(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Limabelas"), hire("Budi").is_in()
    stage.says(ani, UNKNOWN)
    expect(budi.row("Ani Limabelas")).to_be_visible()
    budi.page.keyboard.press("/")
    budi.page.keyboard.type("limabelas")
    expect(budi.page.locator(".row")).to_have_count(1)
    budi.page.keyboard.press("Escape")
    budi.page.keyboard.press("j")
    expect(budi.page.locator(".head h2")).to_have_text("Ani Limabelas")
    budi.page.keyboard.press("c")
    expect(budi.box).to_be_enabled()
    budi.page.keyboard.press("r")
    expect(budi.box).to_be_focused()
    budi.page.keyboard.type("Halo")
    budi.page.keyboard.press("Enter")
    stage.eventually(lambda: "Halo" in stage.got(ani))


def test_what_a_tool_wants_is_shown_whole_and_done_once(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Refund"), hire("Budi").is_in()
    stage.says(ani, UNKNOWN)
    budi.opens("Ani Refund")
    stage.wants(ani, order="<b>7</b>", amount=250)
    shown = budi.page.get_by_label("Needs your yes")
    expect(shown).to_contain_text("pay_back")
    expect(shown).to_contain_text("<b>7</b>")
    expect(shown).to_contain_text("250")

    # The customer writes meanwhile; the page that is up to date may agree.
    stage.says(ani, "Tolong segera ya")
    expect(budi.bubble("Tolong segera ya")).to_be_visible()
    shown.get_by_role("button", name="Do it").click()
    budi.is_told("Agreed.")
    expect(shown).to_have_count(0)
    budi.sees("pay_back: done. 250 paid back for <b>7</b>.")
    assert PAID == [("<b>7</b>", 250)]
    assert budi.complaints == []


def test_what_a_tool_wants_may_be_refused(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Nothing"), hire("Budi").is_in()
    PAID.clear()
    stage.says(ani, UNKNOWN)
    stage.wants(ani, order="7", amount=1)
    budi.opens("Ani Nothing")
    shown = budi.page.get_by_label("Needs your yes")
    shown.get_by_role("button", name="Refuse").click()
    budi.is_told("Refused")
    expect(shown).to_have_count(0)
    assert PAID == []
