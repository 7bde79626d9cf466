"""Learning: what goes in, what costs nothing, what stays for old receipts, and what an index makes of it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import select

from knowledge.embed import LocalEmbedder
from knowledge.index import ChromaIndex, ScanIndex, collection_name
from knowledge.learn import learn, learn_files
from knowledge.load import Source
from knowledge.report import Step
from knowledge.sandbox import Sandbox
from knowledge.search import Search, hits
from knowledge.space import space_of
from sahut.errors import ConfigurationError, ModelFailed, StoreUnavailable
from sahut.models.library import DocumentVersion
from sahut.store import library
from tests.databases import HANDBOOK
from tests.knowledge import office


class CountingEmbedder(LocalEmbedder):
    """Counts the texts that are really embedded."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = 0

    async def embed(self, texts):
        self.texts += len(texts)
        return await super().embed(texts)


async def versions(tx, document):
    """Every version of the document, the newest first."""
    found = await tx.scalars(select(DocumentVersion).where(DocumentVersion.document_id == document.id))
    return sorted(found, key=lambda version: version.id, reverse=True)


async def generation(store):
    async with store.reading() as tx:
        return await library.generation(tx)


async def test_the_first_learning_takes_everything_and_the_second_costs_nothing(store, shelf):
    embedder, steps = CountingEmbedder(), []
    report = await learn(store, embedder, [shelf], progress=steps.append)
    assert report.added == ("faq.csv", "hours.md", "id/denda.md")
    assert (report.chunks, embedder.texts) == (5, 10)  # one chunk has two sentences, four have headings
    assert steps[-1] == Step(3, 3, "id/denda.md", "added")
    before = await generation(store)

    again = await learn(store, embedder, [shelf])
    assert again.unchanged == report.added
    assert (embedder.texts, await generation(store)) == (10, before)
    embedder.close()


async def test_a_changed_document_keeps_its_old_version(store, embedder, shelf):
    await learn(store, embedder, [shelf])
    (shelf / "hours.md").write_text("# Opening hours\n\nWe are open day and night.\n")
    report = await learn(store, embedder, [shelf])
    assert report.changed == ("hours.md",)
    async with store.reading() as tx:
        document = await library.find(tx, "default", "hours.md")
        new, old = await versions(tx, document)
    assert document.version_id == new.id
    assert "Saturday" in old.text

    (shelf / "hours.md").write_text(old.text.replace("\n\nWeek", "\n\n## Week"))  # another text again
    await learn(store, embedder, [shelf])
    (shelf / "hours.md").write_text("# Opening hours\n\nWe are open day and night.\n")
    await learn(store, embedder, [shelf])
    async with store.reading() as tx:
        document = await library.find(tx, "default", "hours.md")
        assert document.version_id == new.id
        assert len(await versions(tx, document)) == 3


async def test_pruning_removes_only_what_came_from_the_same_folder(store, embedder, shelf, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "extra.txt").write_text("Something else entirely.")
    await learn(store, embedder, [shelf, other])
    (shelf / "faq.csv").unlink()
    (shelf / "hours.md").write_bytes(b"")  # there, but not readable any more: its last version stays
    assert (await learn(store, embedder, [shelf])).removed == ()
    assert (await learn(store, embedder, [shelf], prune=True, dry_run=True)).removed == ("faq.csv",)
    report = await learn(store, embedder, [shelf], prune=True)
    assert (report.removed, [path for path, _ in report.failed]) == (("faq.csv",), ["hours.md"])
    async with store.reading() as tx:
        assert {d.path for d in await library.listed(tx)} == {"hours.md", "id/denda.md", "extra.txt"}
    (shelf / "faq.csv").write_text("question,answer\nIs parking free?,Yes.\n")
    assert (await learn(store, embedder, [shelf])).added == ("faq.csv",)


async def test_a_dry_run_writes_and_embeds_nothing(store, shelf):
    embedder = CountingEmbedder()
    report = await learn(store, embedder, [shelf], dry_run=True)
    assert (len(report.added), report.chunks, embedder.texts, await generation(store)) == (3, 5, 0, 0)
    embedder.close()


async def test_a_bad_file_does_not_stop_the_others(store, embedder, shelf):
    (shelf / "bad.txt").write_bytes(bytes(range(32)) * 10)
    report = await learn(store, embedder, [shelf])
    assert [path for path, _ in report.failed] == ["bad.txt"]
    assert len(report.added) == 3


async def test_the_later_folder_takes_a_path_over(store, embedder, shelf, tmp_path):
    twin = tmp_path / "twin"
    twin.mkdir()
    (twin / "hours.md").write_bytes((shelf / "hours.md").read_bytes())
    await learn(store, embedder, [shelf])
    report = await learn(store, embedder, [twin])
    assert report.unchanged == ("hours.md",)
    (shelf / "hours.md").unlink()
    assert (await learn(store, embedder, [shelf], prune=True)).removed == ()
    async with store.reading() as tx:
        assert (await library.find(tx, "default", "hours.md")).root == str(twin)


@pytest.fixture
def other(tmp_path):
    """A folder with a page that has the path of one of the shelf's, and other words."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "hours.md").write_text("# Opening hours\n\nWe are open day and night.\n")
    return other


async def test_a_document_of_another_folder_is_not_replaced_unless_it_is_wished(store, embedder, shelf, other):
    assert (await learn(store, embedder, [shelf])).replaced == ()
    async with store.reading() as tx:
        before = (await library.find(tx, "default", "hours.md")).version_id
    for dry_run in (True, False):
        ((path, reason),) = (await learn(store, embedder, [other], dry_run=dry_run)).failed
        assert (path, str(shelf) in reason, "--replace" in reason) == ("hours.md", True, True)
    async with store.reading() as tx:
        kept = await library.find(tx, "default", "hours.md")
    assert (kept.root, kept.version_id) == (str(shelf), before)
    assert (await learn(store, embedder, [other], collection="else")).added == ("hours.md",)
    report = await learn(store, embedder, [other], replace=True)
    assert (report.changed, report.replaced) == (("hours.md",), (("hours.md", str(shelf)),))


async def test_a_folder_that_was_moved_and_changed_goes_on(store, embedder, shelf, tmp_path, monkeypatch):
    await learn(store, embedder, [shelf])
    monkeypatch.chdir(shelf.parent)
    (shelf / "hours.md").write_text("# Opening hours\n\nWe are open from 9 to 5.\n")
    assert (await learn(store, embedder, [Path(shelf.name)])).changed == ("hours.md",)
    moved = shelf.rename(tmp_path / "moved")
    (moved / "hours.md").write_text("# Opening hours\n\nWe are open from 10 to 4.\n")
    report = await learn(store, embedder, [moved])
    assert (report.changed, report.failed) == (("hours.md",), ())
    assert report.replaced == (("hours.md", str(shelf)),)


async def test_a_chunk_of_names_keeps_the_language_of_its_document(store, embedder):
    await learn(store, embedder, [HANDBOOK / "opening-hours.md"])
    found = await Search(store, embedder, ScanIndex(space_of(embedder).name)).search(
        "where is the main office?", top=20
    )
    assert {passage.language for passage in found.passages} == {"en"}


async def test_an_upload_is_learned_without_a_folder(store, embedder, tmp_path):
    (tmp_path / "up.md").write_text("# Up\n\nUploaded.")
    upload = Source(tmp_path / "up.md", "", "up.md")
    async with Sandbox() as sandbox:
        for outcome in ("added", "unchanged"):
            assert [step.outcome async for step in learn_files(store, embedder, sandbox, [upload])] == [outcome]


@pytest.fixture
def answers(store, embedder):
    def search_over(index):
        return Search(store, embedder, index, check_every_s=0)

    return search_over


async def test_the_right_passage_comes_first_in_and_across_languages(store, embedder, shelf, answers):
    await learn(store, embedder, [shelf])
    search = answers(ScanIndex(space_of(embedder).name))
    for question, document in [
        ("Is the main office open on Saturday?", "hours.md"),
        ("berapa denda kalau telat bayar pajak?", "id/denda.md"),
        ("What is the penalty for paying the vehicle tax late?", "id/denda.md"),
        ("¿Está abierta la oficina el domingo?", "hours.md"),
        ("can i leave my car at your parking", "faq.csv"),
    ]:
        found = await search.search(question)
        assert found.passages[0].document == document, question
        assert found.answerable > 0.5, question
        assert [p.score for p in found.passages] == sorted((p.score for p in found.passages), reverse=True)
    assert (await search.search("how do I cook rendang?")).answerable < 0.3
    assert (await search.search("  ")).passages == ()


async def test_a_passage_is_where_it_says(store, embedder, shelf, answers):
    await learn(store, embedder, [shelf])
    found = await answers(ScanIndex(space_of(embedder).name)).search("opening hours on weekdays", top=3)
    async with store.reading() as tx:
        for passage in found.passages:
            document = await library.find(tx, "default", passage.document)
            version = await library.version(tx, document.id, passage.version)
            assert version.text[passage.start : passage.end] == passage.text
    best = found.passages[0]
    assert (best.title, best.headings, best.language) == ("Opening hours", ("Weekdays",), "en")
    assert hits(found, 5)[0].keys() == {"rank", "document", "chunk", "score", "start", "end", "text"}


@pytest.mark.parametrize("kind", ["scan", "chroma"])
async def test_collections_are_kept_apart(store, embedder, shelf, answers, tmp_path, kind):
    for name, collection in (("hours.md", "public"), ("faq.csv", "staff"), ("id/denda.md", "default")):
        await learn(store, embedder, [shelf / name], collection=collection)
    space = space_of(embedder).name
    index = ScanIndex(space) if kind == "scan" else ChromaIndex.local(tmp_path / "index", space)
    search = answers(index)
    for within, documents in (
        (["public"], {"hours.md"}),
        (["public", "staff"], {"hours.md", "faq.csv"}),
        (("staff", "default", "nothing yet"), {"faq.csv", "denda.md"}),
        (["nothing yet"], set()),
        ([], set()),
        (None, {"hours.md", "faq.csv", "denda.md"}),
    ):
        found = await search.search("parking", top=20, collections=within)
        assert {passage.document for passage in found.passages} == documents
        assert found.features["dense"] == 1
    await index.close()


@pytest.mark.parametrize("kind", ["chroma", "scan"])
async def test_a_running_search_follows_the_rows(store, embedder, shelf, tmp_path, kind):
    index = (
        ChromaIndex.local(tmp_path / "index", space_of(embedder).name)
        if kind == "chroma"
        else ScanIndex(space_of(embedder).name)
    )
    search = Search(store, embedder, index, check_every_s=0)
    assert (await search.search("dog")).passages == ()
    await learn(store, embedder, [shelf])
    assert (await search.search("may I bring my dog?")).passages[0].text == "Dogs stay outside."
    (shelf / "faq.csv").write_text("question,answer\nMay I bring a dog?,Dogs are welcome now.\n")
    await learn(store, embedder, [shelf])
    texts = [p.text for p in (await search.search("may I bring my dog?", top=20)).passages]
    assert texts[0] == "Dogs are welcome now."
    assert "Dogs stay outside." not in texts
    (shelf / "faq.csv").unlink()
    await learn(store, embedder, [shelf], prune=True)
    assert "faq.csv" not in {p.document for p in (await search.search("may I bring my dog?", top=20)).passages}
    await index.close()


async def test_the_index_is_derived_and_comes_back_from_nothing(store, embedder, shelf, tmp_path):
    await learn(store, embedder, [shelf])
    folder = tmp_path / "index"
    index = ChromaIndex.local(folder, embedder.name)
    level = await index.catch_up(store)
    question = (await embedder.embed(["open on Saturday"]))[0]
    near = await index.nearest(question, 3)
    assert await index.rebuild(store) == level
    assert [key for key, _ in await index.nearest(question, 3)] == [key for key, _ in near]
    await index.close()

    (folder / "data-1" / "chroma.sqlite3").write_bytes(b"no database" * 500)
    index = ChromaIndex.local(folder, embedder.name)
    assert await index.catch_up(store) == level
    assert [key for key, _ in await index.nearest(question, 3)] == [key for key, _ in near]
    await index.close()


async def test_the_index_has_one_owner(embedder, tmp_path):
    index = ChromaIndex.local(tmp_path / "index", space_of(embedder).name)
    with pytest.raises(ConfigurationError, match="SAHUT_CHROMA_URL"):
        ChromaIndex.local(tmp_path / "index", space_of(embedder).name)
    assert taken(tmp_path / "index")
    await index.close()
    assert not taken(tmp_path / "index")


def taken(folder):
    """Whether another process finds the folder taken."""
    program = (
        "import sys; from pathlib import Path; from knowledge.owner import Owner; from sahut.errors import *\n"
        "try: Owner(Path(sys.argv[1]))\nexcept ConfigurationError: sys.exit(7)"
    )
    command = [sys.executable, "-c", program, str(folder)]
    return subprocess.run(command, check=False, cwd=Path(__file__).parents[2]).returncode == 7


async def test_without_the_embedder_words_alone_decide(store, shelf):
    embedder = LocalEmbedder(finds_with_e5=False)
    await learn(store, embedder, [shelf])

    class Down:
        name, dimension = embedder.name, embedder.dimension

        async def embed(self, texts):
            raise ModelFailed("down")

    found = await Search(store, Down(), ScanIndex(space_of(embedder).name)).search("parking free")
    assert found.passages[0].document == "faq.csv"
    assert found.features["dense"] == 0
    assert found.answerable < 0.9
    embedder.close()


async def test_an_index_that_fails_is_done_without_until_it_is_mended(store, embedder, shelf):
    class Flaky(ScanIndex):
        down = False

        async def catch_up(self, store):
            if self.down:
                raise StoreUnavailable("down")
            return await super().catch_up(store)

    index = Flaky(embedder.name)
    search = Search(store, embedder, index, check_every_s=0)
    index.down = True
    await learn(store, embedder, [shelf])
    found = await search.search("parking free")
    assert (found.passages[0].document, found.features["dense"]) == ("faq.csv", 0)
    index.down = False
    assert (await search.search("parking free")).features["dense"] == 1


async def test_vectors_are_unit_rows_and_a_text_is_embedded_once(embedder):
    vectors = await embedder.embed(["satu", "dua", "satu", ""])
    assert vectors.shape == (4, embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors[0], vectors[2])
    assert (await embedder.embed([])).shape == (0, embedder.dimension)


def test_any_embedder_has_a_collection_name_that_chroma_takes():
    names = ["use-multilingual-v3", "BAAI/bge-m3", "BAAI:bge-m3", "é", "m"]
    made = [collection_name(name) for name in names]
    assert made[0] == names[0]
    assert len(set(made)) == len(names)
    assert all(3 <= len(name) <= 512 and name.isascii() and "/" not in name for name in made)


async def test_an_archive_is_learned_like_the_folder_that_it_was(store, embedder, shelf, tmp_path):
    archive = tmp_path / "handbook.zip"
    archive.write_bytes(office.zipped({"fees/fines.docx": office.word(), "hours.md": b"# Hours\n\nOpen."}))
    steps = []
    report = await learn(store, embedder, [archive], progress=steps.append)
    assert report.added == ("fees/fines.docx", "hours.md")
    assert [(step.number, step.total) for step in steps] == [(1, 2), (2, 2)]
    archive.write_bytes(office.zipped({"fees/fines.docx": office.word()[:-100]}))
    report = await learn(store, embedder, [archive], prune=True)
    assert (report.removed, [path for path, _ in report.failed]) == (("hours.md",), ["fees/fines.docx"])
    archive.write_bytes(b"PK\x03\x04 torn")
    report = await learn(store, embedder, [archive], prune=True)
    assert (report.removed, [path for path, _ in report.failed]) == ((), ["handbook.zip"])


async def test_an_archive_in_a_folder_is_a_folder_in_it(store, embedder, shelf):
    (shelf / "more.zip").write_bytes(office.zipped({"hours.md": b"# Hours\n\nOpen.", "photo.jpg": b"x"}))
    report = await learn(store, embedder, [shelf])
    assert "more.zip/hours.md" in report.added
    assert report.skipped == ("more.zip/photo.jpg",)
    (shelf / "more.zip").write_bytes(b"torn")
    assert (await learn(store, embedder, [shelf], prune=True)).removed == ()
    (shelf / "more.zip").unlink()
    assert (await learn(store, embedder, [shelf], prune=True)).removed == ("more.zip/hours.md",)


async def test_a_version_keeps_where_its_pages_begin(store, embedder, tmp_path):
    (tmp_path / "plates.pdf").write_bytes(office.pdf(2))
    await learn(store, embedder, [tmp_path / "plates.pdf"])
    async with store.reading() as tx:
        document = await library.find(tx, "default", "plates.pdf")
        (version,) = await versions(tx, document)
    assert version.text[version.pages[1] :].startswith("Number plates 2")
