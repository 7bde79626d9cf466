"""What a reader is given: a section that was cut in pieces in one, what is said twice once."""

import pytest

from knowledge.index import ScanIndex
from knowledge.learn import learn
from knowledge.search import Search, hits
from knowledge.space import space_of
from knowledge.together import MOST_TOGETHER, joined, read_once
from sahut.found import Passage
from sahut.store import library

RULES = " ".join(
    f"Rule {number}: a dog waits in yard {number} of the office, on a lead of {number + 1} metres, until its owner "
    f"comes back from counter {number + 2}."
    for number in range(1, 25)
)
PARKING = (
    "# Parking\n\nCars may stand in the yard behind the office for two hours; lorries may not stand there at all.\n"
)


@pytest.fixture
async def search(store, embedder):
    return Search(store, embedder, ScanIndex(space_of(embedder).name), check_every_s=0)


async def test_pieces_of_one_section_are_one_passage(store, embedder, search, shelf):
    (shelf / "dogs.md").write_text(f"# Dogs\n\n{RULES}\n\n## Cats\n\nA cat may come in.\n")
    await learn(store, embedder, [shelf])
    found = await search.search("How long is the lead of a dog that waits in the yard of the office?", top=3)
    best = found.passages[0]
    assert (best.document, best.also) == ("dogs.md", ())
    assert len(best.text.split()) > 220  # more than one chunk
    assert "cat" not in best.text  # another section stays another passage
    assert [p.document for p in found.passages].count("dogs.md") <= 2
    async with store.reading() as tx:
        version = await library.version(tx, (await library.find(tx, "default", "dogs.md")).id, best.version)
    assert version.text[best.start : best.end] == best.text


async def test_what_two_documents_say_is_read_once_and_both_are_named(store, embedder, search, shelf):
    for name in ("parking.md", "copy.md"):
        (shelf / name).write_text(PARKING)
    (shelf / "other.md").write_text(PARKING.replace("two hours", "three hours"))
    await learn(store, embedder, [shelf])
    found = await search.search("How long may I park my car behind the office?", top=5)
    first = next(passage for passage in found.passages if passage.also)
    assert {first.document, *(one.document for one in first.also)} == {"parking.md", "copy.md"}
    assert "other.md" in {passage.document for passage in found.passages}  # another figure is another saying
    shown = hits(found, 5)
    assert [hit["rank"] for hit in shown] == list(range(1, len(shown) + 1))
    assert len(shown) <= 5
    assert {"parking.md", "copy.md", "other.md"} <= {hit["document"] for hit in shown}


def piece(number, score, text="", headings=("Dogs",)):
    place = {"start": 10 * number, "end": 10 * number + 9}
    text = text or f"Piece {number}."
    return Passage(
        chunk=str(number), document="d", title="", version="v", headings=headings, text=text, score=score, **place
    )


def next_to(before, after):
    return int(after.chunk) == int(before.chunk) + 1


def test_no_more_is_joined_than_a_reader_can_take_and_nothing_much_weaker():
    ranked = [piece(3, 0.9), piece(2, 0.8), piece(4, 0.7), piece(5, 0.6), piece(1, 0.6), piece(9, 0.5), piece(10, 0.2)]
    groups = [[int(one.chunk) for one in group] for group in joined(ranked, next_to)]
    assert groups == [[2, 3, 4], [5], [1], [9], [10]]
    assert max(map(len, groups)) == MOST_TOGETHER


def test_a_short_answer_under_another_heading_is_another_answer():
    short = [piece(1, 0.9, "No, never.", ("May I smoke?",)), piece(2, 0.8, "No, never!", ("May I park?",))]
    assert len(read_once(short)) == 2
    same = [piece(1, 0.9, "No, never.", ("May I smoke?",)), piece(2, 0.8, "no NEVER", ("May I smoke?",))]
    assert [one.chunk for one in read_once(same)[0].also] == ["2"]
    assert len(read_once([piece(1, 0.9, "…"), piece(2, 0.8, "!")])) == 2
