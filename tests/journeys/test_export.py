"""Stored conversations become cases for evals, without the people in them."""

import json
from pathlib import Path

from api.cli.eval_files import redacted_cases
from evals.suite import load_cases
from tests.journeys.lines import FINE
from tests.journeys.stage import World


async def test_a_conversation_leaves_as_a_case_without_the_customer(world: World, tmp_path: Path):
    ani, budi = world.customer("Ani Lestari"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    await ani.says("Nama saya Ani Lestari, hp 0812-3456-7890, email ani@example.com, saya bayar Rp1.200.000")
    await world.settles()
    await budi.takes_over(ani)
    await budi.writes(ani, "Baik Ibu Ani, kami cek.")
    await world.settles()

    rows, redacted = await redacted_cases(world.house.store, limit=10)
    (row,) = rows
    said = " ".join(message["content"] for message in row["messages"])
    for secret in ("Ani", "Lestari", "0812", "ani@example.com"):
        assert secret not in said
    assert "Rp1.200.000" in said
    assert [message["role"] for message in row["messages"]][:2] == ["user", "assistant"]
    assert {"name", "number", "email"} <= redacted[0]["redacted"].keys()

    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (read,) = load_cases(path)
    assert read.turns[0].user == (FINE,)
    assert "kami cek" in (read.turns[-1].reference or "")
