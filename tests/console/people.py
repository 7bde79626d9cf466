"""Operators in front of a real browser. They know the console by what it shows, not by how it is built."""

import re

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.console.stage import PASSWORD, Stage

DESKTOP = {"width": 1366, "height": 800}

# A busy machine is slow, not wrong.
PATIENCE_MS = 20_000


class Operator:
    """Somebody with a browser of their own: their cookies, drafts and settings are nobody else's."""

    def __init__(self, stage: Stage, browser: Browser, email: str, *, viewport: dict[str, int] | None = None) -> None:
        self.stage, self.email = stage, email
        self.context: BrowserContext = browser.new_context(viewport=viewport or DESKTOP, locale="en-GB")
        self.context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        self.page: Page = self.context.new_page()
        # A blocked script, a broken component, a refused style: all of it is told here, and must not be.
        self.complaints: list[str] = []
        self.examined = False
        self.page.on("console", self._overhears)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _overhears(self, said: ConsoleMessage) -> None:
        """A page that answers with 401 or 404 is no fault of the page before, nor what an examiner tries in vain."""
        expected = ("Failed to load resource", *(["Applying inline style"] if self.examined else []))
        if said.type == "error" and not said.text.startswith(expected):
            self.complaints.append(said.text)

    # --- coming and going

    def visits(self, path: str = "/") -> None:
        self.page.goto(f"{self.stage.address}/console{path}")

    def fills_in(self, password: str) -> None:
        self.page.get_by_label("E-mail").fill(self.email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def signs_in(self) -> "Operator":
        self.visits()
        self.fills_in(PASSWORD)
        return self._is_at_the_desk()

    def is_in(self) -> "Operator":
        """Signed in before the play begins."""
        self.context.add_cookies([self.stage.session(self.email)])
        self.visits()
        return self._is_at_the_desk()

    def _is_at_the_desk(self) -> "Operator":
        expect(self.page.get_by_role("tablist", name="Lanes")).to_be_visible()
        return self

    # --- looking

    @property
    def rows(self) -> "list[str]":
        return self.page.locator(".row .name").all_inner_texts()

    def row(self, name: str):
        return self.page.locator(".row").filter(has_text=name)

    def bubble(self, text: str):
        return self.page.locator(".line").filter(has_text=text)

    def act(self, name: str):
        """The button in the conversation's head."""
        return self.page.locator(".acts").get_by_role("button", name=name, exact=True)

    @property
    def box(self):
        return self.page.locator(".composer textarea")

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text, exact=False).first).to_be_visible()

    def is_told(self, text: str) -> None:
        expect(self.page.locator(".toast")).to_contain_text(text)

    # --- doing

    def looks_at(self, lane: str) -> None:
        self.page.get_by_role("tab", name=re.compile(lane)).click()

    def opens(self, name: str) -> None:
        self.row(name).click()
        expect(self.page.locator(".head h2")).to_contain_text(name)

    def presses(self, name: str) -> None:
        self.act(name).click()

    def claims(self, name: str) -> None:
        self.opens(name)
        self.presses("Claim")
        expect(self.box).to_be_enabled()

    def writes(self, text: str) -> None:
        self.box.fill(text)

    def replies(self, text: str) -> None:
        self.writes(text)
        self.page.keyboard.press("Enter")

    def notes(self, text: str) -> None:
        self.page.get_by_role("button", name="Note", exact=True).click()
        self.replies(text)
