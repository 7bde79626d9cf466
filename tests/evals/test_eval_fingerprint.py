"""What names the assistant of a run: whatever shapes an answer and changes makes it another one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.screening.evidence import shipped
from api.cli.eval_parts import named
from api.mind import open_mind
from evals.fingerprint import Fingerprint, fingerprint, world_of
from evals.shop import Shop
from knowledge.embed import LocalEmbedder
from sahut.rules import Actor
from sahut.settings import Settings
from sahut.store import marks
from sahut.turn import Guidance
from tests.agent.plays import NOW, cancel_order, find_order, play
from tests.databases import Templates
from tools.handoff import hand_off
from tools.toolbox import Toolbox


async def test_marks_settings_and_tools_make_another_assistant(
    templates: Templates, embedder: LocalEmbedder, tmp_path: Path
):
    async with play(templates.sqlite(tmp_path / "play.db"), embedder) as customer:
        deps = customer.deps

        async def taken(**parts: Any) -> Fingerprint:
            asked = {"model": "m", "embedder": "e", "guidance": Guidance(), "settings": (True,)}
            return await fingerprint(parts.pop("deps", deps), **{**asked, **parts})

        first = await taken()
        assert await taken() == first
        assert first.differs(await taken(settings=(False,))) == ("settings",)
        assert first.differs(await taken(guidance=Guidance(persona="brief"))) == ("guidance",)
        fewer = replace(deps, toolbox=Toolbox([hand_off, find_order]))
        assert first.differs(await taken(deps=fewer)) == ("tools",)
        asks = replace(deps, toolbox=Toolbox([hand_off, find_order, cancel_order]))
        assert (await taken(deps=fewer)).differs(await taken(deps=asks)) == ("tools",)
        async with deps.store.transaction() as tx:
            who = Actor(id="1", name="Sari", role="operator")
            kept = {"space": shipped().space, "vector": b"", "actor": who, "now": NOW}
            await marks.mark(tx, customer.conversation.id, is_spam=True, **kept)
        assert first.differs(await taken()) == ("marks",)


async def test_asking_a_model_for_an_order_is_off_by_default_and_makes_another_assistant(
    templates: Templates, tmp_path: Path
):
    kept = {"home": tmp_path, "database_url": templates.sqlite(tmp_path / "mind.db")}
    served = Settings(model="m", openai_base_url="http://127.0.0.1:9/v1", **kept)
    async with open_mind(served) as mind:
        assert mind.assistant.deps.ranker is None
        off = await named(mind, Guidance())
    async with open_mind(served.model_copy(update={"rerank": True})) as mind:
        assert mind.assistant.deps.ranker is mind.assistant.deps.model
        assert off.differs(await named(mind, Guidance())) == ("settings",)
    async with open_mind(Settings(model="extractive", rerank=True, **kept)) as mind:
        assert mind.assistant.deps.ranker is None, "there is nobody to ask"


def test_an_environment_is_named_by_its_rules_texts_and_tasks():
    class Other(Shop):
        policy = "Be kind."

    class Fewer(Shop):
        tasks = Shop.tasks[1:]

    names = [world_of(one) for one in (Shop(), Shop(), Other(), Fewer())]
    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_the_name_of_a_run_of_before_can_still_be_read():
    old = {name: "x" for name in Fingerprint.model_fields if name not in ("settings", "marks", "environment")}
    assert Fingerprint.model_validate(old).differs(Fingerprint.model_validate({**old, "marks": "y"})) == ("marks",)
