"""Bringing a collection level: only what changed costs anything, an interruption costs nothing, bad files their own."""

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.addresses import loops, normal, path_of
from knowledge.formats.links import read_links
from knowledge.formats.markdown import read_markdown
from knowledge.learn import learn
from knowledge.load import Source, load
from sahut.errors import ConfigurationError, LoadError
from sahut.store import library
from tests.knowledge.test_learn import CountingEmbedder


async def test_one_changed_file_is_one_document_embedded(store, shelf):
    embedder = CountingEmbedder()
    await learn(store, embedder, [shelf])
    before = embedder.texts
    (shelf / "id" / "denda.md").write_text("# Denda\n\nDenda keterlambatan sekarang 3% per bulan.\n")
    report = await learn(store, embedder, [shelf])
    assert (report.changed, len(report.unchanged), report.chunks) == (("id/denda.md",), 2, 1)
    assert embedder.texts - before == 1
    embedder.close()


async def test_learning_that_was_broken_off_goes_on_where_it_was(store, shelf):
    embedder = CountingEmbedder()
    steps = []

    def stop(step):
        steps.append(step)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await learn(store, embedder, [shelf], progress=stop)
    async with store.reading() as tx:
        assert [document.path for document in await library.listed(tx)] == [steps[0].path]
    report = await learn(store, embedder, [shelf])
    assert (report.unchanged, len(report.added)) == ((steps[0].path,), 2)
    # Five passages, and as many sentences: as many texts as without the interruption.
    assert embedder.texts == 10
    embedder.close()


async def test_a_pdf_of_300_megabytes_is_refused_without_being_read(store, embedder, shelf):
    with (shelf / "big.pdf").open("wb") as file:
        file.write(b"%PDF-1.7\n")
        os.truncate(file.fileno(), 300 * 1024 * 1024)
    report = await learn(store, embedder, [shelf])
    assert report.failed == (("big.pdf", "it is larger than 50 MB"),)
    assert len(report.added) == 3


async def test_a_file_that_goes_or_changes_meanwhile_costs_itself_alone(store, embedder, shelf):
    """Each file is read once, into memory: what is stored is one state of it, with its own hash."""

    def meddle(step):
        if step.number == 1:
            (shelf / "hours.md").unlink()
            (shelf / "id" / "denda.md").write_text("# Denda\n\nDenda sekarang 9% per bulan untuk semua.\n")

    report = await learn(store, embedder, [shelf], progress=meddle)
    assert (report.added, [path for path, _ in report.failed]) == (("faq.csv", "id/denda.md"), ["hours.md"])
    assert "it cannot be opened" in report.failed[0][1]
    async with store.reading() as tx:
        document = await library.find(tx, "default", "id/denda.md")
        version = await library.version(tx, document.id, (await library.hashes(tx, [document]))[document.id])
    loaded = await asyncio.to_thread(load, Source(shelf / "id" / "denda.md", "", "id/denda.md"))
    assert (version.text, version.hash) == (loaded.text, loaded.hash)


@given(st.text(max_size=60), st.sampled_from(["text/html", "text/plain", "application/pdf", "image/png", ""]))
def test_any_address_has_a_place_among_documents_or_none(tail, media):
    for address in (tail, f"https://example.com/{tail}", f"http://{tail}/x"):
        try:
            url = normal(address)
        except ConfigurationError:
            continue
        assert normal(url) == url
        loops(url)
        path = path_of(url, media)
        assert path is None or (".." not in path.split("/") and not path.startswith("/"))


@given(st.one_of(st.binary(max_size=400), st.text(alphabet="<>/ahref='\"= &;!-[]", max_size=200).map(str.encode)))
def test_any_page_or_sitemap_names_addresses_or_none(data):
    for xml in (True, False):
        try:
            read_links(data, xml=xml)
        except LoadError:
            continue


@given(st.text(alphabet="-\nvalid_until: 2027x'\"#", max_size=80))
def test_any_front_matter_is_read(front):
    read_markdown(f"---\nvalid_until: {front}\n---\n# Title\n\nWords of it.\n")
