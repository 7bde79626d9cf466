"""NiceGUI is the process's: loaded only where pages are shown, and shared by the houses of one loop.

Each play has a process of its own, since what is loaded cannot be unloaded.
"""

import subprocess
import sys
from pathlib import Path

from tests.databases import Templates

_WITHOUT = """
import asyncio, sys
from contextlib import AsyncExitStack
from pathlib import Path
from api.app import create_app
from api.build import open_house
from tests.journeys.stage import settings_for

async def main():
    async with open_house(settings_for(sys.argv[1], Path(sys.argv[2])), roles=("web",)) as house:
        create_app(house, roles=("web",))
    assert "nicegui" not in sys.modules

asyncio.run(main())
"""

_TWO = """
import asyncio, sys
from contextlib import AsyncExitStack
from pathlib import Path
import httpx
from api import auth
from api.app import create_app
from api.build import open_house
from sahut.models import Role
from sahut.store import operators
from tests.journeys.stage import settings_for

async def open_console(stack, name):
    home = Path(sys.argv[2]) / name
    home.mkdir()
    settings = settings_for("", home, organisation=name)
    house = await stack.enter_async_context(open_house(settings, roles=("console",)))
    app = create_app(house, roles=("console",))
    await stack.enter_async_context(app.router.lifespan_context(app))
    kept = await house.passwords.hash("correct horse battery")
    async with house.store.transaction() as tx:
        now = house.clock.now()
        await operators.add(
            tx, email="b@example.com", name=f"Budi of {name}", role=Role.OPERATOR, password_hash=kept, now=now
        )
    token = await auth.sign_in(house, "b@example.com", "correct horse battery")
    web = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://sahut.test")
    return await stack.enter_async_context(web), token

async def main():
    async with AsyncExitStack() as stack:
        seats = [(name, *await open_console(stack, name)) for name in ("One", "Two")]
        for name, web, token in seats:
            assert f"operators of <bdi>{name}</bdi>" in (await web.get("/console/sign-in")).text
            page = await web.get("/console/", headers={"Cookie": f"sahut_session={token}"})
            assert page.status_code == 200 and f"Budi of {name}" in page.text, page.text[-500:]
            assert not (Path.cwd() / ".nicegui").exists()
        other = await seats[0][1].get("/console/", headers={"Cookie": f"sahut_session={seats[1][2]}"})
        assert other.status_code == 303

asyncio.run(main())
"""


def test_a_process_without_pages_loads_no_nicegui(templates: Templates, tmp_path: Path):
    _plays(_WITHOUT, templates.sqlite(tmp_path / "sahut.db"), tmp_path)


def test_two_houses_in_one_process_keep_to_themselves(tmp_path: Path):
    _plays(_TWO, "", tmp_path)


def _plays(script: str, url: str, home: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script, url, str(home)]
    played = subprocess.run(command, check=False, cwd=root, capture_output=True, text=True, timeout=120)
    assert played.returncode == 0, played.stderr[-3000:]
