"""The report's page in a real browser: it asks for nothing else, runs nothing, and is read in light and dark."""

import asyncio
from pathlib import Path

import pytest
from eval_play import ScriptedAssistant, case, reply, suite
from playwright.sync_api import sync_playwright

from evals.html import html
from evals.report import build_report
from evals.run import Player
from tests.console.conftest import FLAGS
from tests.console.stage import find_chromium

FEES = {"decision": "reply", "contains": ["2%"], "cites": ["fees.md"]}
HOSTILE = "<img src=x onerror=alert(1)> <script>alert(2)</script>"


def page_file(folder: Path) -> Path:
    right = reply("The rate is 2%.", "fees.md", confidence=0.9, features={"words": 0.9})
    wrong = reply("It is 5%.", "other.md", confidence=0.4, features={"words": 0.4})
    cases = [case(f"c{i}", (f"q{i}", FEES), language="en", topic=f"topic {i % 3}") for i in range(12)]
    cases.append(case("hostile", (HOSTILE, FEES), language="id", topic=HOSTILE))
    run = asyncio.run(Player(ScriptedAssistant({HOSTILE: wrong}, default=right)).play(suite(*cases)))
    path = folder / "report.html"
    path.write_text(html(build_report(run)), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_opens_by_itself(tmp_path: Path, scheme: str):
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    path = page_file(tmp_path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(color_scheme=scheme, viewport={"width": 390, "height": 800})
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(path.as_uri())
        assert page.title() == "office: evaluation"
        assert page.locator("details[open] summary b").first.inner_text() == "hostile"
        assert HOSTILE in page.locator(".says.customer").first.inner_text()
        assert page.locator("svg[role=img]").count() >= 5
        assert page.locator("script").count() == 0
        width = page.evaluate("document.documentElement.scrollWidth")
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        browser.close()
    assert (asked, complaints) == ([path.as_uri()], [])
    assert width <= 390
    assert (paper == "rgb(18, 22, 21)") is (scheme == "dark")
