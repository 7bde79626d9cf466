"""Small real office files, made by the libraries that offices' programs are like."""

import io
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from openpyxl import Workbook
from pptx import Presentation
from pptx.util import Inches
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Table, TableStyle

HYPERLINK = RELATIONSHIP_TYPE.HYPERLINK
NONE = 0xFFFFFFFF
PLATES = [["Vehicle", "Fee", "Days"], ["Car", "Rp 60.000", "3"], ["Motorcycle with a side car", "Rp 30.000", "2"]]
FINE = "A vehicle tax that is paid late costs a fine of 2% for each month, up to 24 months."


def saved(document: Any) -> bytes:
    """The bytes of anything that has a `save(stream)`."""
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def changed(package: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """An office file with one part written anew."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return zipped({**parts, part: change(parts.get(part, b""))})


# --- PDF


def pdf(pages: int = 1, *, encrypt: str | None = None) -> bytes:
    """A handbook with a running head and foot; on each page a chapter with prose, a list and a table."""
    styles = getSampleStyleSheet()
    grid = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])
    flow: list[Flowable] = []
    for page in range(1, pages + 1):
        flow += [
            Paragraph(f"Number plates {page}", styles["Heading1"]),
            Paragraph(f"Chapter {page} is about plates. {FINE} " * 3, styles["BodyText"]),
            Paragraph("Fees", styles["Heading2"]),
            Paragraph("&bull; the registration book", styles["BodyText"]),
            Paragraph("&bull; the identity card", styles["BodyText"]),
            Table(PLATES, style=grid),
            PageBreak(),
        ]

    def furniture(canvas: Canvas, document: Any) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(50, 20, f"Tax office, page {document.page} of {pages}")
        canvas.drawString(50, 820, "HANDBOOK")

    stream = io.BytesIO()
    document = SimpleDocTemplate(stream, pagesize=A4, title="Tariffs", encrypt=encrypt)
    document.build(flow, onFirstPage=furniture, onLaterPages=furniture)
    return stream.getvalue()


def pages(lines: Iterable[str]) -> bytes:
    """A page for each line; `{}` in it becomes the page's number, a form feed parts what stands above and below."""
    stream = io.BytesIO()
    canvas = Canvas(stream)
    for number, line in enumerate(lines, start=1):
        for place, part in enumerate(line.format(number).split("\f")):
            canvas.drawString(100, 700 - 600 * place, part)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def scan(pages: int = 2) -> bytes:
    """Pages that show something and say nothing."""
    stream = io.BytesIO()
    canvas = Canvas(stream)
    for _ in range(pages):
        canvas.rect(100, 100, 200, 300, fill=1)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


# --- Office


def word() -> bytes:
    document = Document()
    document.core_properties.title = "Fines"
    document.add_heading("Late fines", 1)
    document.add_paragraph(FINE)
    document.add_heading("How to pay", 2)
    for step in ("Take a number.", "Pay at the counter."):
        document.add_paragraph(step, style="List Number")
    document.add_paragraph("the registration book", style="List Bullet")
    table = document.add_table(rows=0, cols=3)
    for cells in PLATES:
        for cell, text in zip(table.add_row().cells, cells, strict=True):
            cell.text = text
    truck, van = table.add_row().cells, table.add_row().cells
    truck[0].merge(van[0]).text = "Truck"
    truck[1].text, van[1].text = "Rp 90.000", "Rp 80.000"
    return saved(document)


def slides() -> bytes:
    show = Presentation()
    first = show.slides.add_slide(show.slide_layouts[0])
    first.shapes.title.text = "Opening hours"
    first.placeholders[1].text = "For customers"
    second = show.slides.add_slide(show.slide_layouts[1])
    second.shapes.title.text = "Weekdays"
    second.placeholders[1].text = "Monday to Thursday 08:00 to 15:00\nFriday until 11:30"
    second.notes_slide.notes_text_frame.text = "The manager is away on Friday."
    table = second.shapes.add_table(3, 3, Inches(1), Inches(4), Inches(6), Inches(2)).table
    for row, cells in enumerate(PLATES):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    hidden = show.slides.add_slide(show.slide_layouts[1])
    hidden.shapes.title.text = "Internal"
    hidden._element.set("show", "0")
    return saved(show)


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> Workbook:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return book


# --- mail


def mail(body: str = FINE, *, subject: str = "Late fines", charset: str = "utf-8", kind: str = "plain") -> bytes:
    head = f"From: Rina <rina@example.com>\r\nTo: all@example.com\r\nSubject: {subject}"
    content = f'MIME-Version: 1.0\r\nContent-Type: text/{kind}; charset="{charset}"\r\nContent-Transfer-Encoding: 8bit'
    return f"{head}\r\n{content}\r\n\r\n".encode() + body.encode(charset)


def outlook(streams: Mapping[str, bytes]) -> bytes:
    """A compound file with these streams, each made long enough to lie in sectors of its own."""
    sector, end, free = 512, 0xFFFFFFFE, NONE
    table: list[int] = [0xFFFFFFFD]
    content = b""
    entries = [_entry("Root Entry", 5, child=1, start=end, size=0)]
    for number, (name, data) in enumerate(streams.items(), start=1):
        padded = data.ljust(-(-max(len(data), 4096) // sector) * sector, b"\0")
        start, count = len(table), len(padded) // sector
        table += [*range(start + 1, start + count), end]
        content += padded
        right = number + 1 if number < len(streams) else free
        entries.append(_entry(name, 2, right=right, start=start, size=max(len(data), 4096)))
    while len(entries) % 4:
        entries.append(_entry("", 0))
    directory = len(table)
    table += [*range(directory + 1, directory + len(entries) // 4), end]
    assert len(table) <= sector // 4
    fat = struct.pack("<128I", *table, *[free] * (128 - len(table)))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIII", 0, 1, directory, 0, 4096, end, 0, end, 0)
    return head + struct.pack("<109I", 0, *[free] * 108) + fat + content + b"".join(entries)


def _entry(
    name: str, kind: int, *, right: int = 0xFFFFFFFF, child: int = 0xFFFFFFFF, start: int = 0, size: int = 0
) -> bytes:
    raw = name.encode("utf-16-le") + b"\0\0" if name else b""
    head = raw.ljust(64, b"\0") + struct.pack("<HBB", len(raw), kind, 1)
    return head + struct.pack("<III", NONE, right, child) + bytes(36) + struct.pack("<IQ", start, size)


def link(relation: str, words: str) -> Any:
    """A hyperlink of a Word document to the target of a relation."""
    element = OxmlElement("w:hyperlink")
    element.set(qn("r:id"), relation)
    run, text = OxmlElement("w:r"), OxmlElement("w:t")
    text.text = words
    run.append(text)
    element.append(run)
    return element
