"""Files that mean harm, or are only broken: each costs itself, and the next one is read."""

import asyncio
import io
import stat
import sys
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.load import Loaded, Source
from knowledge.sandbox import Sandbox
from sahut.errors import LoadError
from tests.knowledge import office

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
).encode()
OFFICE = {
    "word.docx": (office.word, "word/document.xml"),
    "slides.pptx": (office.slides, "ppt/slides/slide1.xml"),
    "book.xlsx": (lambda: office.saved(office.workbook({"S": [["Kind", "Fee"], ["a", 1]]})), "xl/workbook.xml"),
}


def lying(package: bytes) -> bytes:
    """Every size that a package's headers tell made small."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        sizes = {info.file_size for info in archive.infolist() if info.file_size > 100}
    for size in sizes:
        package = package.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little"))
    return package


@pytest.mark.parametrize("name", OFFICE)
async def test_xml_that_multiplies_itself_is_refused(read, name):
    make, part = OFFICE[name]
    bomb = office.changed(make(), part, lambda xml: LAUGHS + xml.split(b"?>", 1)[-1].replace(b">", b">&i;", 1))
    with pytest.raises(LoadError, match="entities"):
        await read(name, bomb)


async def test_a_document_that_unpacks_to_more_than_it_says_is_refused(read):
    bomb = office.changed(office.word(), "word/document.xml", lambda xml: xml + b" " * (410 * 1024 * 1024))
    with pytest.raises(LoadError, match="unpack to more than"):
        await read("bomb.docx", bomb)
    with pytest.raises(LoadError):
        await read("lying.docx", lying(bomb))


async def test_xml_nested_without_end_costs_its_own_file(read):
    deep = office.changed(office.word(), "word/document.xml", lambda xml: b"<a>" * 200_000 + b"</a>" * 200_000)
    with pytest.raises(LoadError):
        await read("deep.docx", deep)
    assert (await read("fine.docx", office.word())).title == "Fines"


@pytest.fixture
def endless():
    """A workbook whose one merged cell has seventeen thousand million cells."""
    book = office.saved(office.workbook({"S": [["Kind", "Fee"], ["a", 1]]}))
    merge = b'<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells><pageMargins '
    return office.changed(book, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"<pageMargins ", merge, 1))


async def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_read(endless, tmp_path):
    (tmp_path / "endless.xlsx").write_bytes(endless)
    (tmp_path / "fine.docx").write_bytes(office.word())
    async with Sandbox(most_s=3) as sandbox:
        with pytest.raises(LoadError, match=r"longer than 3 s|memory"):
            await sandbox.load(Source(tmp_path / "endless.xlsx", "", "endless.xlsx"))
        assert (await sandbox.load(Source(tmp_path / "fine.docx", "", "fine.docx"))).title == "Fines"


async def test_a_file_that_takes_too_much_memory_is_given_up(tmp_path):
    """Many paragraphs pack into little and unpack into a tree of many times their size."""
    paragraph = b"<w:p><w:r><w:t>x</w:t></w:r></w:p>"
    document = office.changed(
        office.word(), "word/document.xml", lambda xml: xml.replace(b"<w:body>", b"<w:body>" + paragraph * 100_000)
    )
    (tmp_path / "huge.docx").write_bytes(document)
    (tmp_path / "fine.docx").write_bytes(office.word())
    async with Sandbox(most_memory_bytes=100 * 1024 * 1024) as sandbox:
        with pytest.raises(LoadError, match="more than 100 MB of memory"):
            await sandbox.load(Source(tmp_path / "huge.docx", "", "huge.docx"))
        assert (await sandbox.load(Source(tmp_path / "fine.docx", "", "fine.docx"))).title == "Fines"


async def test_a_reader_that_cannot_even_start_is_an_error_of_the_file_alone(tmp_path):
    (tmp_path / "fine.docx").write_bytes(office.word())
    async with Sandbox(most_memory_bytes=1024) as sandbox:
        with pytest.raises(LoadError, match=r"memory|reader failed"):
            await sandbox.load(Source(tmp_path / "fine.docx", "", "fine.docx"))


async def test_a_reader_is_stopped_with_the_task_that_asked_for_it(endless, tmp_path):
    (tmp_path / "endless.xlsx").write_bytes(endless)
    (tmp_path / "fine.txt").write_text("Words.")
    async with Sandbox() as sandbox:
        task = asyncio.create_task(sandbox.load(Source(tmp_path / "endless.xlsx", "", "endless.xlsx")))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await sandbox.load(Source(tmp_path / "fine.txt", "", "fine.txt"))).text == "Words."


# --- archives


async def test_an_archive_names_its_files_and_what_is_wrong_with_them(sandbox, tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name in ("ok.md", "a/b.md", "../out.md", "/abs.md", "C:\\win\\x.md", "__MACOSX/._ok.md", ".DS_Store", "e/"):
            made.writestr(name, "# T\n\nText.")
        link = zipfile.ZipInfo("link.md")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
        made.writestr(zipfile.ZipInfo("bidi\u202efdp.md"), "x")
    (tmp_path / "a.zip").write_bytes(stream.getvalue())
    members = await sandbox.members(tmp_path / "a.zip")
    assert {member.path for member in members if not member.refused} == {"ok.md", "a/b.md", "abs.md", "win/x.md"}
    refused = {member.path: member.refused for member in members if member.refused}
    assert "leads out" in refused["../out.md"]
    assert "link" in refused["link.md"]
    assert "control characters" in refused["bidi\u202efdp.md"]


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04", b"no archive", office.zipped({"a.md": b"x"})[:-30]],
    ids=["empty", "head", "text", "cut"],
)
async def test_a_broken_archive_has_a_reason(sandbox, tmp_path, data):
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(LoadError, match="damaged"):
        await sandbox.members(tmp_path / "a.zip")


async def test_a_member_that_unpacks_to_gigabytes_is_refused(sandbox, tmp_path):
    (tmp_path / "bomb.zip").write_bytes(office.zipped({"zeros.txt": bytes(100 * 1024 * 1024), "fine.txt": b"Words."}))
    with pytest.raises(LoadError, match="larger than"):
        await sandbox.load(Source(tmp_path / "bomb.zip", "", "zeros.txt", member=0))
    assert (await sandbox.load(Source(tmp_path / "bomb.zip", "", "fine.txt", member=1))).text == "Words."


# --- anything at all

SEEDS = {
    **{name: make for name, (make, _) in OFFICE.items()},
    "a.pdf": office.pdf,
    "a.eml": office.mail,
    "a.msg": lambda: office.outlook({"__properties_version1.0": b"", "__substg1.0_1000001F": b"a\0b\0"}),
    "a.html": lambda: b"<h1>A</h1><table><tr><th>x<td rowspan=9>y<tr><td colspan=8>z</table>",
    "a.csv": lambda: b"question,answer\na,b\n",
}
MADE = {name: make() for name, make in SEEDS.items()}


def parts_of(package):
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.endswith((".xml", ".rels"))}


PARTS = [(name, part, data) for name in OFFICE for part, data in parts_of(MADE[name]).items()]


@st.composite
def torn(draw, data):
    """Bytes that are cut off somewhere, or of which some are changed."""
    data = bytearray(data)
    if draw(st.booleans()):
        del data[draw(st.integers(0, len(data))) :]
    for at, more in draw(st.lists(st.tuples(st.integers(0, max(len(data) - 1, 0)), st.binary(max_size=4)), max_size=8)):
        data[at : at + len(more)] = more
    return bytes(data)


broken_files = st.sampled_from(sorted(MADE)).flatmap(lambda name: st.tuples(st.just(name), torn(MADE[name])))
broken_parts = st.sampled_from(PARTS).flatmap(
    lambda it: torn(it[2]).map(lambda xml: (it[0], office.changed(MADE[it[0]], it[1], lambda _: xml)))
)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """Reads bytes under a name; one sandbox for all of them."""
    folder = tmp_path_factory.mktemp("broken")
    with asyncio.Runner() as runner:
        sandbox = Sandbox(most_s=20)

        def read(name: str, data: bytes) -> Loaded:
            (folder / name).write_bytes(data)
            return runner.run(sandbox.load(Source(folder / name, "", name)))

        yield read
        runner.run(sandbox.__aexit__(None, None, None))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(broken_files | broken_parts)
def test_any_broken_file_is_read_or_refused(reader, file):
    try:
        document = reader(*file)
    except LoadError:
        return
    assert document.sections
    for section in document.sections:
        assert document.text[section.start : section.end].strip()
    assert all(0 <= at <= len(document.text) for at in document.pages)
    document.text.encode()


async def test_the_reader_has_none_of_our_secrets(monkeypatch, tmp_path):
    """Whoever takes the reader over finds no key in its environment."""
    if sys.platform != "linux":
        pytest.skip("the environment of a process is read from /proc")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    (tmp_path / "environ.txt").symlink_to("/proc/self/environ")
    async with Sandbox() as sandbox:
        try:
            text = (await sandbox.load(Source(tmp_path / "environ.txt", "", "environ.txt"))).text
        except LoadError:
            text = ""
    assert "sk-secret" not in text
