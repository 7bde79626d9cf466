"""What comes from outside stays text, what comes from elsewhere stays out, and everybody can use the page."""

import asyncio

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from api import auth
from api.house import House
from sahut.models import Operator as OperatorRow
from tests.console.conftest import Hire
from tests.console.people import Operator
from tests.console.stage import Stage
from tests.journeys.lines import FINE, UNKNOWN

PHONE = {"width": 360, "height": 740}
ATTACK = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
TWISTED = "\u202eAni\u202e \u200fسلام ${7*7} {{7*7}} `x` </script>"
UNKNOWN_ID = "01234567-89ab-7def-8123-456789abcdef"


def test_markup_in_names_and_messages_stays_text(stage: Stage, hire: Hire):
    ani, budi = stage.customer(f"Xss {ATTACK}"), hire("Budi").is_in()
    stage.says(ani, f"Saya mau bicara dengan petugas {ATTACK} {TWISTED}")
    row = budi.page.locator(".row").filter(has_text="Xss")
    expect(row.locator(".name")).to_contain_text("<img src=x")
    row.click()
    expect(budi.page.locator(".bubble .text").first).to_contain_text(ATTACK)
    # Drawn by the server at a reload, by the socket before: both must escape.
    budi.page.reload()
    expect(budi.page.locator(".bubble .text").first).to_contain_text("${7*7} {{7*7}} `x` </script>")
    assert budi.page.locator("#app img, #app script, .row img").count() == 0
    assert "owned" not in budi.page.title()


@pytest.mark.parametrize("viewport", [{"width": 1366, "height": 800}, PHONE], ids=["desktop", "phone"])
def test_endless_names_and_words_break_no_layout(stage: Stage, hire: Hire, viewport: dict[str, int]):
    ani = stage.customer("Panjang" + "W" * 4096)
    budi = hire("Budi", viewport=viewport).is_in()
    stage.says(ani, "Saya mau bicara dengan petugas " + "x" * 4000)
    budi.page.locator(".row").filter(has_text="PanjangW").first.click()
    expect(budi.page.locator(".bubble .text").first).to_be_visible()
    assert _overflow(budi.page) == 0
    box = budi.page.locator(".bubble").first.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= viewport["width"]


def test_a_phone_shows_one_pane_at_a_time(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Kecil"), hire("Budi", viewport=PHONE).is_in()
    stage.says(ani, UNKNOWN)
    expect(budi.page.locator(".queue")).to_be_visible()
    expect(budi.page.locator(".thread")).to_be_hidden()
    budi.opens("Ani Kecil")
    expect(budi.page.locator(".queue")).to_be_hidden()
    budi.presses("Claim")
    budi.replies("Halo dari ponsel.")
    stage.eventually(lambda: "Halo dari ponsel." in stage.got(ani))
    assert _overflow(budi.page) == 0
    budi.page.locator(".acts").get_by_role("button", name="Contact and history").click()
    expect(budi.page.get_by_role("complementary")).to_contain_text(str(ani.phone))
    budi.page.get_by_role("complementary").get_by_role("button", name="Close").click()
    budi.page.get_by_role("button", name="Back to the queue").click()
    expect(budi.page.locator(".queue")).to_be_visible()
    budi.page.go_back()
    expect(budi.page.locator(".head h2")).to_have_text("Ani Kecil")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(stage: Stage, hire: Hire, theme: str):
    ani, budi = stage.customer(f"Ani {theme}"), hire("Budi")
    budi.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    budi.visits()
    assert budi.page.evaluate("document.documentElement.dataset.theme") == theme
    accessible(budi)
    stage.says(ani, FINE)
    stage.eventually(lambda: len(stage.got(ani)) == 1)
    stage.says(ani, "Saya mau bicara dengan petugas, tolong.")
    budi.is_in()
    expect(budi.row(f"Ani {theme}")).to_be_visible()
    accessible(budi)
    budi.claims(f"Ani {theme}")
    budi.notes("Catatan")
    expect(budi.bubble("Catatan")).to_be_visible()
    accessible(budi)


def test_every_page_says_what_browsers_must_heed(stage: Stage, hire: Hire):
    budi = hire("Budi").is_in()
    for path in ("/", "/sign-in", f"/c/{UNKNOWN_ID}", "/nothing/here"):
        answer = budi.page.goto(f"{stage.address}/console{path}")
        assert answer is not None
        headers = answer.headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"


def test_forged_addresses_lead_to_a_calm_page(stage: Stage, hire: Hire):
    budi = hire("Budi").is_in()
    for path in (f"/c/{UNKNOWN_ID}", "/c/' OR 1=1", "/c/%00", "/nothing", "/c/" + "9" * 900):
        answer = budi.page.goto(f"{stage.address}/console{path}")
        assert answer is not None
        assert answer.status == 404, path
        budi.sees("Nothing here")
    budi.page.get_by_role("button", name="Back to the desk").click()
    expect(budi.page.get_by_role("tablist")).to_be_visible()


def test_nothing_is_shown_or_heard_without_a_session(stage: Stage):
    with httpx.Client(base_url=stage.address) as web:
        for path in ("/", "/c/x", "/people", "/alive", "/_nicegui_ws/socket.io/?transport=polling&EIO=4"):
            assert web.get(f"/console{path}").status_code in (303, 401, 403), path


def test_a_socket_opens_only_from_our_own_pages(stage: Stage, hire: Hire):
    cookie = stage.session(hire("Budi").email)
    ours = {"Origin": stage.address, "Cookie": f"{cookie['name']}={cookie['value']}"}
    assert _socket(stage, ours) == 101
    assert _socket(stage, {**ours, "Origin": "http://evil.example.com"}) == 403
    assert _socket(stage, {**ours, "Cookie": "sahut_session=guessed"}) == 403
    assert _socket(stage, {"Cookie": ours["Cookie"]}) == 403
    assert _socket(stage, {"Origin": stage.address}) == 403


def test_a_page_is_spoken_to_from_its_own_session_only(stage: Stage, hire: Hire):
    budi, citra = hire("Budi").is_in(), hire("Citra")
    client = budi.page.evaluate("window.clientId")
    cookie = stage.session(citra.email)
    headers = {"Origin": stage.address, "Cookie": f"{cookie['name']}={cookie['value']}"}
    assert _socket(stage, headers, f"&client_id={client}") == 403


def test_whatever_a_browser_sends_is_survived(stage: Stage, hire: Hire):
    ani, budi = stage.customer("Ani Usil"), hire("Budi").is_in()
    stage.says(ani, UNKNOWN)
    budi.opens("Ani Usil")
    for event in ("act", "open", "older", "passage", "seen"):
        for junk in (None, [], "x", {"id": 5, "name": {}, "text": []}, {"name": "drop", "id": "\0", "citation": "\0"}):
            budi.page.evaluate(_EMIT, ["thread", event, junk])
    for event in ("lane", "search", "more"):
        budi.page.evaluate(_EMIT, ["queue", event, {"lane": "x", "text": "%_\0'"}])
    budi.looks_at("Mine")
    budi.looks_at("Support")
    expect(budi.row("Ani Usil")).to_be_visible()
    budi.claims("Ani Usil")
    assert len(stage.got(ani)) == 1


def test_a_lane_that_is_chosen_while_an_older_answer_comes_in_is_shown(stage: Stage, hire: Hire):
    cici, budi = stage.customer("Cici Cepat"), hire("Budi").is_in()
    stage.says(cici, UNKNOWN)
    expect(budi.row("Cici Cepat")).to_be_visible()
    budi.page.evaluate(_OVERTAKEN)
    expect(budi.page.get_by_role("tab", name="Support")).to_have_attribute("aria-selected", "true")
    budi.opens("Cici Cepat")


def test_what_an_operator_does_is_done_in_its_order(stage: Stage, hire: Hire, monkeypatch: pytest.MonkeyPatch):
    cici, budi = stage.customer("Cici Cermat"), hire("Budi").is_in()
    stage.says(cici, UNKNOWN)
    expect(budi.row("Cici Cermat")).to_be_visible()
    looks, look = [0, 0], auth.operator_of

    async def slow_at_first(house: House, token: str) -> OperatorRow | None:
        looks[0] += 1
        await asyncio.sleep(0.5 if looks[0] == 1 else 0)
        found = await look(house, token)
        looks[1] += 1
        return found

    monkeypatch.setattr(auth, "operator_of", slow_at_first)
    budi.page.evaluate(_TO_AND_FRO)
    stage.eventually(lambda: looks[1] >= 2)
    expect(budi.page.locator("#queue-rows")).to_have_attribute("aria-busy", "false")
    budi.opens("Cici Cermat")


# Another lane and back at once.
_TO_AND_FRO = """() => {
  const queue = Object.values(mounted_app.$refs).find((one) => one?.$el?.classList?.contains("queue"));
  queue.choose("mine");
  queue.choose("support");
}"""
# Another lane and back, and between the two clicks the answer to something that was asked before.
_OVERTAKEN = """() => {
  const queue = Object.values(mounted_app.$refs).find((one) => one?.$el?.classList?.contains("queue"));
  queue.choose("mine");
  queue.patch({ lane: "support" });
  queue.choose("support");
}"""
# Finds the component of that class on the page and lets it emit.
_EMIT = """([part, event, args]) => {
  const refs = Object.values(mounted_app.$refs);
  refs.find((one) => one?.$el?.classList?.contains(part)).$emit(event, args);
}"""


def _overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def accessible(operator: Operator) -> None:
    """What axe finds serious or critical on the page that they see: nothing."""
    # Axe tries inline styles, which the page forbids.
    operator.examined = True
    found = Axe().run(operator.page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious] == []


def _socket(stage: Stage, headers: dict[str, str], query: str = "") -> int:
    """The status with which a WebSocket handshake is answered."""
    address = httpx.URL(stage.address)
    lines = [f"GET /console/_nicegui_ws/socket.io/?EIO=4&transport=websocket{query} HTTP/1.1"]
    lines += [f"Host: {address.host}:{address.port}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
    lines += [f"{name}: {value}" for name, value in headers.items()]

    async def ask() -> int:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write("\r\n".join([*lines, "", ""]).encode())
        status = int((await reader.readline()).split()[1])
        writer.close()
        return status

    return stage.run(ask())
