"""The phones in a real browser: what a person sees, taps and types, on a wide screen and on a narrow one."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from api.demo.stage import OFFICE
from api.mind import load_forms
from tests.journeys.lines import COMPLAINT, FINE
from tests.simulator.stage import Phone, Phones
from tests.simulator.test_phones import LIST

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# No sandbox, since tests run as root in containers; nothing but our own page is opened.
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
PATIENCE_MS = 20_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """The installed Chromium."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


# Who answers faster than Meta's pace for one customer waits for the replies: the play's customers take their time.
SOON = timedelta(seconds=20)


@asynccontextmanager
async def looking(browser: Browser, phones: Phones, *shown: Phone, size=None, **how) -> AsyncIterator[Page]:
    """The page with these phones on it. At the end it may not have complained, and nothing of ours ran as script."""
    context = await browser.new_context(viewport=size or WIDE, **how)
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(f"{phones.stage.address}/simulator")
    await expect(page.locator(".people button").first).to_be_visible()
    for phone in shown:
        name = (await phone.view())["name"]
        if await page.locator(f'[data-phone="{phone.key}"]').count() == 0:
            await page.locator(".people").get_by_role("button", name=name).click()
    yield page
    await context.close()
    assert [words for words in complaints if "Failed to load resource" not in words] == []


def on(page: Page, phone: Phone) -> Locator:
    return page.locator(f'[data-phone="{phone.key}"]')


async def types(phone: Locator, text: str) -> None:
    field = phone.get_by_label("Message", exact=True)
    await field.fill(text)
    await field.press("Enter")
    await expect(field).to_have_value("")


async def test_a_question_a_cited_answer_and_blue_ticks(phones: Phones, browser: Browser):
    ani = await phones.add("Ani Wide")
    async with looking(browser, phones, ani) as page:
        phone = on(page, ani)
        await types(phone, FINE)
        await expect(phone.locator(".theirs .bubble")).to_contain_text("Denda keterlambatan")
        await expect(phone.locator(".theirs .bubble")).to_contain_text("2%")
        await expect(phone.locator(".mine .ticks")).to_have_attribute("data-ticks", "3")
        line = page.locator('.lines li[data-what="send"]').filter(has_text="Ani Wide").first
        await line.locator("summary").click()
        await expect(line.locator("pre")).to_contain_text("biz_opaque_callback_data")


async def test_buttons_and_lists_are_tapped(phones: Phones, browser: Browser):
    bo = await phones.add("Bo Wide")
    async with looking(browser, phones, bo) as page:
        phone = on(page, bo)
        await types(phone, COMPLAINT)
        await phone.get_by_role("button", name="Ya, lanjutkan").click()
        await expect(phone.locator(".theirs .bubble").last).to_contain_text("T-")
        await expect(phone.get_by_role("button", name="Tidak, batalkan")).to_be_disabled()
        await phones.operator(bo, "messages", {"type": "interactive", "interactive": LIST})
        await phone.get_by_role("button", name="Lihat").click()
        sheet = phone.get_by_role("dialog")
        await page.keyboard.press("Escape")
        await expect(sheet).to_have_count(0)
        await phone.get_by_role("button", name="Lihat").click()
        await sheet.get_by_role("button", name="Pajak tahunan").click()
        await expect(phone.locator(".mine .bubble").last).to_contain_text("Pajak tahunan")
        await expect(phone.locator(".mine .quote").last).to_contain_text("Apa yang ingin diurus?")


async def test_a_form_filled_on_the_phone_ends_as_a_submission_and_a_ticket(phones: Phones, browser: Browser):
    house, rini = phones.stage.house, await phones.add("Rini Wide")
    await load_forms(house.store, OFFICE / "forms", house.clock)
    async with looking(browser, phones, rini) as page:
        phone = on(page, rini)
        await types(phone, "Saya mau minta pengembalian dana untuk B 1234 XY")
        await phone.get_by_role("button", name="Pilih").click()
        await phone.get_by_role("dialog").get_by_role("button", name="Bayar dua kali").click()
        last = phone.locator(".theirs .bubble").last
        for question, answer in (("Kapan", "3 Maret 2026"), ("rupiah", "250.000")):
            await expect(last).to_contain_text(question)
            house.clock.move(SOON)
            await types(phone, answer)
        await phone.get_by_role("button", name="Lewati").click()
        send = phone.get_by_role("button", name="Kirim", exact=True).last
        await expect(send).to_be_visible()
        house.clock.move(SOON)
        await send.click()
        await expect(last).to_contain_text("F-")
    async with await phones.stage.rest("reader") as rest:
        (submission,) = (await rest.get("submissions")).json()["items"]
        tickets = (await rest.get("tickets")).json()["items"]
    assert (submission["form"], submission["answers"]["plate"]) == ("refund", "B 1234 XY")
    assert submission["ticket_id"] in [ticket["id"] for ticket in tickets]


async def test_a_ticket_is_followed_on_its_own_page(phones: Phones, browser: Browser):
    sari = await phones.add("Sari Wide")
    async with looking(browser, phones, sari) as page:
        phone = on(page, sari)
        await types(phone, COMPLAINT)
        await phone.get_by_role("button", name="Ya, lanjutkan").click()
        link = phone.locator(".theirs .bubble a").last
        await expect(link).to_be_visible()
        tracking = await page.context.new_page()
        await tracking.goto(await link.get_attribute("href"))
        await expect(tracking.locator("body")).to_contain_text("T-")
        await expect(tracking.locator("body")).not_to_contain_text("Sari")
        async with await phones.stage.rest("budi") as rest:
            tickets = (await rest.get("tickets?limit=200")).json()["items"]
            said = (await tracking.locator("body").inner_text()).split()
            (ticket,) = [ticket for ticket in tickets if ticket["reference"] in said]
            await rest.post(f"tickets/{ticket['id']}/updates", json={"text": "Sedang kami periksa.", "public": True})
        await tracking.reload()
        await expect(tracking.locator("body")).to_contain_text("Sedang kami periksa.")
        await expect(phone.locator(".theirs .bubble").last).to_contain_text("Sedang kami periksa.")


async def test_the_ticks_of_a_message_that_is_held_back(phones: Phones, browser: Browser):
    citra = await phones.add("Citra Wide")
    async with looking(browser, phones, citra) as page:
        phone = on(page, citra)
        await page.get_by_label("Hold everything back").check()
        await types(phone, FINE)
        await expect(phone.locator(".mine .ticks")).to_have_attribute("data-ticks", "1")
        await expect(page.get_by_text("1 waiting")).to_be_visible()
        phones.model.hold()
        await page.get_by_role("button", name="Bring in order").click()
        await expect(phone.locator(".typing")).to_be_visible()
        phones.model.go_on()
        await expect(phone.locator(".theirs .bubble")).to_have_count(1)
        await expect(phone.locator(".typing")).to_be_hidden()
        await expect(phone.locator(".mine .ticks")).to_have_attribute("data-ticks", "3")


async def test_sent_twice_and_an_answer_lost_give_one_answer(phones: Phones, browser: Browser):
    dini = await phones.add("Dini Wide")
    async with looking(browser, phones, dini) as page:
        phone = on(page, dini)
        await page.get_by_label("Send every message twice").check()
        await page.get_by_role("button", name="Lose the next").click()
        await expect(page.get_by_role("button", name="Lose the next")).to_have_attribute("aria-pressed", "true")
        await types(phone, FINE)
        await expect(phone.locator(".theirs .bubble")).to_contain_text("2%")
        lines = page.locator(".lines li").filter(has_text="Dini Wide")
        await expect(lines.filter(has_text="message")).to_have_count(2)
        await expect(lines.filter(has_text="the answer was lost")).to_have_count(1)
        await expect(page.get_by_role("button", name="Well")).to_have_attribute("aria-pressed", "true")
        await page.get_by_label("Send every message twice").uncheck()
        await page.get_by_role("button", name="+15 min").click()
        await expect(page.get_by_text("ahead of this machine")).to_be_visible()
        await expect(phone.locator(".theirs .bubble")).to_have_count(1)


async def test_the_window_is_closed(phones: Phones, browser: Browser):
    eka = await phones.add("Eka Wide")
    await eka.says(FINE)
    await eka.gets()
    async with looking(browser, phones, eka) as page:
        phone = on(page, eka)
        await expect(phone.locator(".window")).to_have_attribute("data-open", "yes")
        await phone.locator(".window-menu summary").click()
        await phone.get_by_role("button", name="To its last minute").click()
        await expect(phone.locator(".window")).to_have_attribute("data-open", "soon")
        await phone.get_by_role("button", name="Close it").click()
        await expect(phone.locator(".window")).to_have_attribute("data-open", "no")
        await phone.get_by_role("button", name="To its last minute").click()
        await expect(page.get_by_role("alert")).to_contain_text("closed")


async def test_whatever_is_typed_stays_text(phones: Phones, browser: Browser):
    hostile = "<img src=x onerror=\"document.title='taken'\"> *<b>tebal</b>* javascript:alert(1)"
    fay = await phones.add('"><script>document.title="taken"</script>')
    async with looking(browser, phones, fay) as page:
        phone = on(page, fay)
        await types(phone, hostile)
        await types(phone, "שלום, كم تبلغ الغرامة؟")
        await fay.gets()
        await phones.operator(fay, "messages", {"type": "text", "text": {"body": hostile + "\n" + "panjang " * 300}})
        await phone.get_by_role("button", name="Read more").click()
        assert await page.title() == "Phones · Sahut"
        assert await phone.locator(".messages img, .messages b, .messages script, .messages a").count() == 0
        await expect(phone.locator(".mine strong")).to_have_text("<b>tebal</b>")
        assert await page.locator("#people script").count() == 0
        box = await phone.locator(".screen").bounding_box()
        for bubble in await phone.locator(".bubble").all():
            inner = await bubble.bounding_box()
            assert box["x"] <= inner["x"]
            assert inner["x"] + inner["width"] <= box["x"] + box["width"] + 1


async def test_files_quotes_and_emoji(phones: Phones, browser: Browser):
    gita = await phones.add("Gita Wide")
    async with looking(browser, phones, gita) as page:
        phone = on(page, gita)
        for what in ("picture", "document", "voice", "location"):
            await phone.get_by_role("button", name="Attach").click()
            await phone.locator(f'[data-what="{what}"]').click()
        await expect(phone.locator("img.picture")).to_have_js_property("naturalWidth", 480)
        await expect(phone.locator(".file")).to_contain_text("sample-letter.pdf")
        await expect(phone.locator(".place")).to_contain_text("Kedai Contoh")
        await phone.get_by_label("Play the voice note").click()
        await phone.get_by_role("button", name="Emoji").click()
        await phone.locator(".emoji-board button").first.click()
        await expect(phone.get_by_label("Message", exact=True)).to_have_value("😀")
        await page.keyboard.press("Escape")
        await expect(phone.locator(".emoji-board")).to_be_hidden()
        answer = phone.locator(".theirs .holder").first
        await answer.hover()
        await answer.get_by_label("React with 👍").click()
        await expect(answer.locator(".reactions")).to_have_text("👍")
        await answer.hover()
        await answer.get_by_label("Answer this message").click()
        await phone.get_by_role("button", name="Send").click()
        await expect(phone.locator(".mine .quote")).to_have_count(1)


async def test_somebody_is_added_and_put_away(phones: Phones, browser: Browser):
    async with looking(browser, phones) as page:
        await page.get_by_role("button", name="Add").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Name", exact=True).fill("Hadi Wide")
        await dialog.get_by_label("Known by").select_option("user_id")
        await dialog.get_by_label("Number or id").fill("me")
        await dialog.get_by_role("button", name="Add", exact=True).click()
        await expect(page.locator("#toast")).to_contain_text("business-scoped user id looks like")
        await dialog.get_by_label("Number or id").fill("ID.Wide1")
        await dialog.get_by_role("button", name="Add", exact=True).click()
        phone = page.get_by_role("region", name="Hadi Wide")
        await types(phone, FINE)
        await expect(phone.locator(".theirs .bubble")).to_contain_text("2%")
        await phone.get_by_role("button", name="Put this phone away").click()
        await expect(phone).to_have_count(0)
        await page.reload()
        await expect(page.locator(".people button").first).to_be_visible()
        await expect(phone).to_have_count(0)


async def test_one_phone_at_a_time_on_a_narrow_screen(phones: Phones, browser: Browser):
    ida = await phones.add("Ida Narrow")
    async with looking(browser, phones, ida, size=NARROW, has_touch=True) as page:
        phone = on(page, ida)
        await types(phone, FINE)
        await expect(phone.locator(".theirs .bubble")).to_contain_text("2%")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        assert (await phone.bounding_box())["width"] == 360
        await expect(page.locator("#panel")).to_be_hidden()
        await page.get_by_role("button", name="Switches").click()
        await expect(page.get_by_label("Send every message twice")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_anybody_can_use_it(phones: Phones, browser: Browser, scheme: str):
    joko = await phones.add(f"Joko {scheme}")
    await joko.says(COMPLAINT)
    await joko.gets()
    await joko.does("send", {"what": "picture"})
    async with looking(browser, phones, joko, color_scheme=scheme, reduced_motion="reduce") as page:
        await expect(on(page, joko).locator(".theirs .bubble").first).to_be_visible()
        found = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
        serious = [item for item in found.response["violations"] if item["impact"] in ("serious", "critical")]
        assert [(item["id"], [node["html"][:120] for node in item["nodes"]][:3]) for item in serious] == []
