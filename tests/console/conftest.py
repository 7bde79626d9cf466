"""The console's plays: one house for all of them, a browser for each file, a fresh operator where one is wanted."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from sahut.models import Role
from tests.console.people import Operator
from tests.console.stage import Stage, find_chromium
from tests.databases import Templates

# No sandbox, since tests run as root in containers; nothing but our own pages is opened.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Hire = Callable[..., Operator]


@pytest.fixture(scope="package")
def stage(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A house that knows the sample handbook."""
    home: Path = tmp_path_factory.mktemp("console")
    with Stage(templates.sqlite(home / "sahut.db", learned=True), home) as stage:
        yield stage


# While Playwright runs, its loop counts as running in this thread: it must be gone before other tests start theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The installed Chromium."""
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def hire(stage: Stage, browser: Browser) -> Iterator[Hire]:
    """Operators with a browser each. At the end none of their pages may have complained."""
    hired: list[Operator] = []

    def _hire(name: str, role: Role = Role.OPERATOR, *, viewport: dict[str, int] | None = None) -> Operator:
        hired.append(Operator(stage, browser, stage.hired(name, role), viewport=viewport))
        return hired[-1]

    yield _hire
    complaints = [complaint for operator in hired for complaint in operator.complaints]
    for operator in hired:
        operator.context.close()
    assert complaints == []
