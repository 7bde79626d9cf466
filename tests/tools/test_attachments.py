"""Files that may be sent: which, by what names, and what is refused with its reason."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.attachments import MB, AttachReport, attach, attach_bytes, checked, plain
from sahut.errors import LoadError
from sahut.models import Attachment
from sahut.shelf import Shelf
from sahut.store import Store, media

PDF, PNG = b"%PDF-1.7 form", b"\x89PNG\r\n\x1a\n map"


@pytest.fixture
async def store(blank_url: str) -> AsyncIterator[Store]:
    store = Store(blank_url)
    yield store
    await store.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "media")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "handbook"
    (folder / "deep").mkdir(parents=True)
    return folder


async def present(store: Store) -> list[Attachment]:
    async with store.reading() as tx:
        return list(await media.present(tx))


async def learned(store: Store, shelf: Shelf, folder: Path, **more: bool) -> AttachReport:
    return await attach(store, shelf, [folder], **more)


async def test_names_come_from_the_sidecar_or_the_file(store: Store, shelf: Shelf, folder: Path):
    (folder / "price_list-2026.pdf").write_bytes(PDF)
    (folder / "deep" / "map.png").write_bytes(PNG)
    (folder / "deep" / "map.png.caption").write_text(
        "\ufeffMap of the office\n\nPeta kantor\n  Peta kantor \n", "utf-8"
    )
    (folder / "notes.txt").write_text("not to be sent")
    report = await learned(store, shelf, folder)

    assert report == AttachReport(sendable=("deep/map.png", "price_list-2026.pdf"))
    rows = {row.path: row for row in await present(store)}
    assert rows["deep/map.png"].names == ["Map of the office", "Peta kantor"]
    assert rows["price_list-2026.pdf"].name == "Price list 2026"
    assert [(row.kind, row.media_type) for row in rows.values()] == [
        ("image", "image/png"),
        ("document", "application/pdf"),
    ]


async def test_a_file_that_is_gone_is_pruned_and_may_come_back(store: Store, shelf: Shelf, folder: Path):
    (folder / "a.pdf").write_bytes(PDF)
    await learned(store, shelf, folder)
    (folder / "a.pdf").unlink()
    assert (await learned(store, shelf, folder)).removed == ()
    assert (await learned(store, shelf, folder, prune=True, dry_run=True)).removed == ("a.pdf",)
    assert len(await present(store)) == 1
    await learned(store, shelf, folder, prune=True)
    assert await present(store) == []
    (folder / "a.pdf").write_bytes(PDF)
    await learned(store, shelf, folder)
    assert [row.path for row in await present(store)] == ["a.pdf"]


async def test_a_dry_run_writes_nothing(store: Store, shelf: Shelf, folder: Path, tmp_path: Path):
    (folder / "a.pdf").write_bytes(PDF)
    assert (await learned(store, shelf, folder, dry_run=True)).sendable == ("a.pdf",)
    assert await present(store) == []
    assert not (tmp_path / "media").exists()


async def test_links_that_lead_out_and_pipes_are_refused(store: Store, shelf: Shelf, folder: Path, tmp_path: Path):
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(PDF)
    (folder / "link.pdf").symlink_to(secret)
    (folder / "nowhere.pdf").symlink_to(tmp_path / "nothing.pdf")
    os.mkfifo(folder / "pipe.pdf")
    (folder / "good.pdf").write_bytes(PDF)
    (folder / "good.pdf.caption").symlink_to(tmp_path / "secret.pdf")
    report = await learned(store, shelf, folder)
    assert report.sendable == ("good.pdf",)
    assert [path for path, _ in report.failed] == ["link.pdf", "nowhere.pdf", "pipe.pdf"]
    assert (await present(store))[0].name == "Good"


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("form.pdf", b"MZ\x90\x00 an executable", "not what its name says"),
        ("photo.png", PDF, "not what its name says"),
        ("form.docx", b"%PDF-1.7", "not what its name says"),
        ("empty.pdf", b"", "not what its name says"),
        ("big.png", PNG + bytes(5 * MB), "larger than 5 MB"),
        ("app.apk", b"PK\x03\x04", "cannot be sent"),
        ("page.html", b"<html>", "cannot be sent"),
        ("a\0.pdf", PDF, "NUL"),
        ("x" * 1025 + ".pdf", PDF, "longer"),
    ],
)
def test_what_whatsapp_would_not_take_is_refused_with_its_reason(path: str, data: bytes, reason: str):
    with pytest.raises(LoadError, match=reason):
        checked(path, data)


@pytest.mark.parametrize(
    ("path", "filename"),
    [
        ("../../etc/form.pdf", "form.pdf"),
        ("C:\\\\evil\\form.PDF", "form.pdf"),
        ("a\r\nContent-Type: x.pdf", "a Content-Type: x.pdf"),
        ("form\u202efdp.exe.pdf", "formfdp.exe.pdf"),
        ("....pdf", "file.pdf"),
        ("\u200b.pdf", "file.pdf"),
        ("f" * 500 + ".pdf", "f" * 116 + ".pdf"),
        ("Formulário “novo”.pdf", "Formulário “novo”.pdf"),
    ],
)
async def test_a_hostile_file_name_is_made_plain(store: Store, shelf: Shelf, path: str, filename: str):
    row = await attach_bytes(store, shelf, path, PDF)
    assert row.filename == filename
    assert row.name


@given(st.text(max_size=300))
def test_a_name_is_one_line_without_what_is_not_seen(text: str):
    name = plain(text, 100)
    assert len(name) <= 100
    assert name == name.strip()
    assert name.isprintable()
    name.encode()
