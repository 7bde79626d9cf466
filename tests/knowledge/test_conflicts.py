"""Documents that contradict or repeat each other: found with both passages, and nothing else is."""

from knowledge.conflicts import conflicts
from knowledge.learn import learn
from knowledge.space import space_of
from tests.databases import HANDBOOK
from tests.knowledge.conftest import HOURS

FEE = "# Late fee\n\nThe fee for a late payment is {fee} of the tax for every month.\n"
LONG = (
    "Every owner of a vehicle pays the tax once a year at the counter of the office where the vehicle is registered. "
    "Bring the certificate of registration, the proof of the last payment and a card that shows who you are. "
    "The officer checks the papers, tells you the sum and gives you a receipt, which you keep until the next year."
)


async def listed(store, embedder, shelf, **files):
    for name, text in files.items():
        (shelf / f"{name}.md").write_text(text)
    await learn(store, embedder, [shelf])
    return [
        (found.kind, {found.one.document, found.other.document})
        for found in await conflicts(store, space_of(embedder).name)
    ]


async def test_other_figures_in_the_same_words_are_a_contradiction(store, embedder, shelf):
    found = await listed(store, embedder, shelf, a=FEE.format(fee="2%"), b=FEE.format(fee="3%"), c=FEE.format(fee="2%"))
    assert sorted(found, key=str) == sorted(
        [
            ("contradiction", {"a.md", "b.md"}),
            ("contradiction", {"b.md", "c.md"}),
            ("duplicate", {"a.md", "c.md"}),
        ],
        key=str,
    )
    (conflict, *_) = await conflicts(store, space_of(embedder).name)
    async with store.reading():
        assert "for a late payment is" in conflict.one.text
        assert conflict.one.end - conflict.one.start == len(conflict.one.text)


async def test_another_month_is_another_date(store, embedder, shelf):
    day = "# Term\n\nThe tax of this year must be paid by {day} at the latest.\n"
    found = await listed(store, embedder, shelf, a=day.format(day="3 May"), b=day.format(day="3 June"))
    assert found == [("contradiction", {"a.md", "b.md"})]


async def test_a_passage_that_stands_twice_is_a_duplicate(store, embedder, shelf):
    found = await listed(
        store, embedder, shelf, a=f"# Paying\n\n{LONG}\n", b=f"# How to pay\n\n{LONG} Thank you.\n", hours2=HOURS
    )
    assert ("duplicate", {"a.md", "b.md"}) in found
    assert ("duplicate", {"hours.md", "hours2.md"}) in found
    assert all(kind == "duplicate" for kind, _ in found)


async def test_other_subjects_and_other_collections_are_no_conflict(store, embedder, shelf, tmp_path):
    rates = "# Rates\n\n## {what}\n\nThe fee for a new plate with its two stickers is {fee} in all.\n"
    assert (
        await listed(
            store,
            embedder,
            shelf,
            a=rates.format(what="Cars", fee="100"),
            b=rates.format(what="Motorcycles", fee="60"),
        )
        == []
    )
    branch = tmp_path / "branch"
    branch.mkdir()
    (branch / "d.md").write_text(rates.format(what="Cars", fee="90"))
    await learn(store, embedder, [branch], collection="branch")
    assert await conflicts(store, space_of(embedder).name) == []


async def test_a_handbook_that_is_in_order_has_none(store, embedder):
    await learn(store, embedder, [HANDBOOK])
    assert await conflicts(store, space_of(embedder).name) == []
