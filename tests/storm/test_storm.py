"""The storm: hundreds of seeded schedules over the real store, worker, sender and doors. More of them in `make bench`.

A failure names its seed; `python -m tests.storm --seed N --log` plays it again, step by step.
"""

from collections.abc import Callable
from itertools import count

import pytest
from sqlmodel import SQLModel

from sahut import rules
from sahut.store import closings, outcomes, ratings
from tests.storm.__main__ import one, storm
from tests.storm.cast import GatedStore

SCHEDULES = 250
# Each missing guard is found long before this.
ENOUGH = 400


async def test_hundreds_of_schedules_are_clean():
    assert await storm(range(SCHEDULES)) == []


async def test_schedules_are_clean_on_postgres(postgres_url: str):
    assert await storm(range(10_000, 10_015), url=postgres_url) == []


def without_lease_check(patch: pytest.MonkeyPatch) -> None:
    """Two workers may take the same turn, and a late one may record."""
    strict = rules.may_record
    patch.setattr(rules, "may_lease", lambda **_: True)
    patch.setattr(rules, "may_record", lambda **facts: strict(**{**facts, "held_fence": facts["fence"]}))


def without_window_check(patch: pytest.MonkeyPatch) -> None:
    """A queued message leaves whatever the window says by then."""
    patch.setattr(rules.Window, "is_open", lambda *_: True)


def without_callback_settlement(patch: pytest.MonkeyPatch) -> None:
    """A status finds its message by the wamid alone."""
    settle = outcomes.settle

    async def by_wamid(tx, delivery, **context):
        return await settle(tx, delivery.model_copy(update={"callback_id": None}), **context)

    patch.setattr(outcomes, "settle", by_wamid)


def without_a_look_at_the_border(patch: pytest.MonkeyPatch) -> None:
    """A closing message leaves though the customer has written again."""

    async def never(*_):
        return False

    patch.setattr(ratings, "overtaken", never)


def without_the_end_of_a_session(patch: pytest.MonkeyPatch) -> None:
    """A session that was closed is still due for its closing message."""
    update = closings.update_conversation

    async def forgetful(tx, key, **changes):
        if changes != {"answered_at": None}:
            await update(tx, key, **changes)

    patch.setattr(closings, "update_conversation", forgetful)


def without_a_note_of_the_warning(patch: pytest.MonkeyPatch) -> None:
    """Whoever looked at the same moment tells of the same window."""
    patch.setattr(rules, "is_warned", lambda *_: False)


def without_a_second_look_before_the_warning(patch: pytest.MonkeyPatch) -> None:
    """Operators are told though the matter was settled, or the customer wrote again, since the look."""
    patch.setattr(rules, "ends_soon", lambda **_: True)


def without_unique_key(patch: pytest.MonkeyPatch) -> None:
    """The same wamid may be stored twice."""
    table = SQLModel.metadata.tables["message"]
    key = next(c for c in table.constraints if c.name == "uq_message_number_wamid")
    patch.setattr(table, "constraints", table.constraints - {key})


@pytest.mark.parametrize(
    "take_out",
    [
        without_lease_check,
        without_window_check,
        without_callback_settlement,
        without_a_look_at_the_border,
        without_the_end_of_a_session,
        without_a_note_of_the_warning,
        without_a_second_look_before_the_warning,
        without_unique_key,
    ],
)
async def test_the_storm_finds_every_missing_guard(
    take_out: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
):
    """Mutations of the product, on purpose: a storm that does not fail without a guard proves nothing about it."""
    take_out(monkeypatch)
    store = GatedStore("sqlite://")
    async with store.engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    try:
        for seed in count():
            assert seed < ENOUGH, f"{ENOUGH} schedules did not miss it"
            if await one(seed, store):
                return
    finally:
        await store.close()


async def test_a_seed_always_plays_the_same_schedule():
    store = GatedStore("sqlite://")
    async with store.engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    logs = []
    for _ in range(2):
        await one(3, store)
        logs.append(list(store.stage.log))
    await store.close()
    assert logs[0] == logs[1]
