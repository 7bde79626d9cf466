"""Makes the README's pictures from a running demo: `make screens`, by hand, with an installed Chromium.

    python -m tests.docs.screens

Not part of the tests: a picture differs with every font and every hour.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright
from rich.console import Console

from api.demo.play import BEFORE
from api.demo.seeding import Seeder, read_desk
from api.demo.stage import OFFICE, Login, Stage, open_stage
from tests.docs.__main__ import ROOT

IMAGES = ROOT / "docs" / "images"
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 780}
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
SHOWN = ("Grace Holloway", "Bayu Saputra", "Ana Luísa")
SETTLED_MS = 1500


async def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("No Chromium is installed (Debian: apt-get install chromium).", file=sys.stderr)
        return 1
    desk = read_desk(OFFICE / "desk.yaml")
    behind = desk.begins + BEFORE
    async with open_stage(Console(), port=0, behind=behind, personas=desk.people) as stage, async_playwright() as play:
        await Seeder(stage, Console()).fill(desk)
        browser = await play.chromium.launch(executable_path=chromium, args=FLAGS)
        await _phones(browser, stage)
        if stage.login is not None:
            await _console(browser, stage, stage.login)
        await browser.close()
    return 0


async def _phones(browser: Browser, stage: Stage) -> None:
    """The simulator, wide in light and dark, and narrow."""
    for name, size, scheme in (("phones", WIDE, "light"), ("phones-dark", WIDE, "dark"), ("phone", NARROW, "light")):
        context = await browser.new_context(viewport=size, color_scheme=scheme, locale="en-GB")
        page = await context.new_page()
        await page.goto(f"{stage.address}/simulator")
        for person in reversed(SHOWN if size is WIDE else SHOWN[:1]):
            chip = page.locator(".people").get_by_role("button", name=person)
            if await chip.get_attribute("aria-pressed") == "false":
                await chip.click()
        await page.locator(".people").evaluate("row => row.scrollTo(0, 0)")
        await page.locator("#phones").evaluate("row => row.scrollTo(0, 0)")
        await _save(page, name)
        await context.close()


async def _console(browser: Browser, stage: Stage, login: Login) -> None:
    """The operators' desk: somebody who waits, and an answer with its citations."""
    for name, scheme, lane, person in (
        ("console", "light", "Support", "Tom Ferris"),
        ("console-dark", "dark", "All", "Grace Holloway"),
    ):
        context = await browser.new_context(viewport=WIDE, color_scheme=scheme, locale="en-GB")
        page = await context.new_page()
        await page.goto(f"{stage.address}/console/")
        await page.get_by_label("E-mail").fill(login.email)
        await page.get_by_label("Password").fill(login.password)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("tab", name=lane).click()
        await page.locator(".row").filter(has_text=person).first.click()
        await _save(page, name)
        await context.close()


async def _save(page: Page, name: str) -> None:
    await page.wait_for_timeout(SETTLED_MS)
    path = IMAGES / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(await page.screenshot())
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["SAHUT_HOME"] = str(Path(home) / "home")
        sys.exit(asyncio.run(main()))
