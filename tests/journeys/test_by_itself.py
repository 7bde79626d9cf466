"""The house as the composition root builds it: its own engine, its own worker, Chroma in process. Nobody pushes."""

import asyncio
from pathlib import Path

import httpx

from api.app import create_app
from api.build import open_house
from api.server import listen, served
from api.simulator.graph import GraphDouble
from knowledge.embed import LocalEmbedder
from knowledge.learn import learn
from sahut.store import Store
from sahut.testing.openai_server import OpenAIScript, replies
from tests.databases import HANDBOOK
from tests.journeys.lines import FINE, UNKNOWN
from tests.journeys.stage import settings_for, until


async def test_the_whole_service_answers_by_itself(blank_url: str, embedder: LocalEmbedder, tmp_path: Path):
    store = Store(blank_url)
    await learn(store, embedder, [HANDBOOK / "denda-keterlambatan.md"])
    await store.close()
    double = GraphDouble(seed=1)
    settings = settings_for(blank_url, tmp_path / "home")
    async with open_house(settings, transport=double.transport()) as house:
        app = create_app(house)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://sahut.test") as web,
        ):
            double.mail.client = web
            ani, bela = double.customer("6281200000001", "Ani"), double.customer("6281200000002", "Bela")
            await asyncio.gather(ani.says(FINE), bela.says(UNKNOWN))
            await until(lambda: len(double.sent) == 2)
            assert (await web.get("/health/ready")).json() == {"status": "ready"}
            metrics = (await web.get("/metrics")).text

    assert "2%" in ani.received[0].text
    assert "2%" not in bela.received[0].text
    assert 'sahut_webhooks_total{outcome="stored"} 2.0' in metrics


async def test_who_waits_for_the_chat_server_keeps_nobody_from_asking_it(
    blank_url: str, embedder: LocalEmbedder, tmp_path: Path
):
    store = Store(blank_url)
    await learn(store, embedder, [HANDBOOK / "denda-keterlambatan.md"])
    await store.close()
    double, script = GraphDouble(seed=1), OpenAIScript([replies("2%.", sources=[1])])
    script.gate.clear()
    async with served(script.app, listen("127.0.0.1", 0)) as model:
        asked = {"model": "some-model", "openai_base_url": f"{model}/v1", "openai_api_key": "none"}
        settings = settings_for(blank_url, tmp_path / "home", **asked)
        async with open_house(settings, transport=double.transport()) as house:
            app = create_app(house)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://sahut.test") as web,
            ):
                double.mail.client = web
                crowd = [double.customer(f"62812000000{n:02}", f"C {n}") for n in range(20)]
                await asyncio.gather(*(customer.says(FINE) for customer in crowd))
                await until(lambda: len(script.requests) == len(crowd))
                assert double.sent == []
                script.gate.set()
                await until(lambda: len(double.sent) == len(crowd))
