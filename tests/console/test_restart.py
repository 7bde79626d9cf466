"""A page outlives its server: it comes back by itself, to the same conversation, and knows what was said meanwhile."""

import subprocess
from pathlib import Path

import httpx
from playwright.sync_api import Browser, expect

from api.simulator.graph import WEBHOOK, GraphDouble
from tests.bench.processes import SCRIPTS, Service, environment
from tests.console.stage import PASSWORD

EMAIL = "budi@example.com"


def test_a_page_comes_back_after_a_restart_and_has_missed_nothing(browser: Browser, tmp_path: Path):
    double = GraphDouble(seed=1)
    env = environment(tmp_path, "http://127.0.0.1:9")
    add = [str(SCRIPTS / "sahut"), "operator", "add", EMAIL, "--password-stdin"]
    subprocess.run(add, env=env, cwd=tmp_path, input=PASSWORD, text=True, check=True, capture_output=True, timeout=60)
    service = Service(env, roles="web,console").start().ready()
    context = browser.new_context(locale="en-GB")
    try:
        ani = double.customer("6281400000001", "Ani Setia")
        _post(service, double, ani.text("Pertama"))
        page = context.new_page()
        page.goto(f"{service.address}/console/")
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("tab", name="All").click()
        page.locator(".row").filter(has_text="Ani Setia").click()
        page.locator(".acts").get_by_role("button", name="Take over").click()
        page.locator(".composer textarea").fill("Sebentar, saya")

        service.kill()
        expect(page.get_by_text("Reconnecting…")).to_be_visible(timeout=20_000)
        service.start().ready()
        _post(service, double, ani.text("Kedua"))
        expect(page.locator(".line").filter(has_text="Kedua")).to_be_visible(timeout=30_000)
        expect(page.locator(".composer textarea")).to_have_value("Sebentar, saya")
        _post(service, double, ani.text("Ketiga"))
        expect(page.locator(".line").filter(has_text="Ketiga")).to_be_visible()
    finally:
        context.close()
        service.stop()


def _post(service: Service, double: GraphDouble, message: dict[str, object]) -> None:
    body, headers = double.mail.signed(double.payload_of(message))
    answer = httpx.post(f"{service.address}{WEBHOOK}", content=body, headers=headers, trust_env=False)
    assert answer.status_code == 200
