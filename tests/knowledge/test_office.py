"""Office formats: what of a document a customer could be told, under which heading, and from which page."""

import datetime

import pytest

from sahut.errors import LoadError
from tests.knowledge import office


def bodies(document):
    return {section.headings: document.text[section.start : section.end] for section in document.sections}


MORNING = datetime.datetime(2026, 4, 1, 8, 30)  # noqa: DTZ001  # a workbook knows no zones
PLATES = "Vehicle: Car; Fee: Rp 60.000; Days: 3\nVehicle: Motorcycle with a side car; Fee: Rp 30.000; Days: 2"


async def test_a_pdf_has_headings_tables_and_pages_and_no_running_heads(read):
    document = await read("plates.pdf", office.pdf(3))
    assert (document.title, document.media_type) == ("Tariffs", "application/pdf")
    text = bodies(document)
    assert text["Number plates 2",] == " ".join([f"Chapter 2 is about plates. {office.FINE}"] * 3)
    assert text["Number plates 2", "Fees"] == f"- the registration book\n- the identity card\n\n{PLATES}"
    assert "HANDBOOK" not in document.text
    assert "page 2 of 3" not in document.text
    assert [document.text[at:].split("\n", 1)[0] for at in document.pages] == [f"Number plates {n}" for n in (1, 2, 3)]


async def test_what_stands_at_the_foot_of_every_page_with_another_price_stays(read):
    lines = [f"Chapter {n}.\fThe plate number {n} costs Rp {n}.000" for n in range(1, 5)]
    document = await read("prices.pdf", office.pages(lines))
    assert [f"costs Rp {n}.000" in document.text for n in range(1, 5)] == [True] * 4


async def test_a_pdf_of_two_thousand_pages_is_read(read):
    document = await read("long.pdf", office.pages("The plate of page {} costs Rp 5." for _ in range(2000)))
    assert len(document.pages) == 2000
    assert document.text[document.pages[1999] :] == "The plate of page 2000 costs Rp 5."


async def test_a_word_document_keeps_its_structure(read):
    document = await read("fines.docx", office.word())
    assert document.title == "Fines"
    assert bodies(document) == {
        ("Late fines",): office.FINE,
        ("Late fines", "How to pay"): "- Take a number.\n- Pay at the counter.\n- the registration book\n\n"
        f"{PLATES}\nVehicle: Truck; Fee: Rp 90.000\nVehicle: Truck; Fee: Rp 80.000",
    }


async def test_bold_lines_are_headings_where_an_office_uses_no_styles(read):
    document = office.Document()
    for text, bold in (("Opening hours", True), ("From 8 to 3.", False), ("We are closed on Sunday.", True)):
        document.add_paragraph().add_run(text).bold = bold
    found = await read("hours.docx", office.saved(document))
    assert bodies(found)[()] == "From 8 to 3.\n\nWe are closed on Sunday."
    assert found.title == "Opening hours"


async def test_a_link_in_a_word_document_keeps_its_address(read):
    document = office.Document()
    part = document.part
    key = part.relate_to("https://pay.example.com/now?a=1&b=2", office.HYPERLINK, is_external=True)
    paragraph = document.add_paragraph("Pay ")
    paragraph._p.append(office.link(key, "here"))
    assert (await read("pay.docx", office.saved(document))).text == "Pay here (https://pay.example.com/now?a=1&b=2)"


async def test_slides_are_pages_and_what_is_hidden_stays_hidden(read):
    document = await read("hours.pptx", office.slides())
    assert document.title == "Opening hours"
    assert bodies(document) == {
        (): "For customers",
        ("Weekdays",): f"- Monday to Thursday 08:00 to 15:00\n- Friday until 11:30\n\n{PLATES}",
    }
    assert document.text[document.pages[1] :].startswith("Weekdays")
    assert "manager" not in document.text
    assert "Internal" not in document.text


async def test_a_workbook_of_questions_is_like_a_sheet_of_questions(read):
    book = office.workbook(
        {
            "FAQ": [
                ["Frequent questions", None, None],
                [],
                ["Kategori", "Pertanyaan", "Jawaban"],
                ["Parking", "Is it free?", "For two hours."],
                [None, "How long?", None],
                ["Dogs", "May I bring one?", "No."],
            ]
        }
    )
    document = await read("faq.xlsx", office.saved(book))
    assert bodies(document) == {("Parking", "Is it free?"): "For two hours.", ("Dogs", "May I bring one?"): "No."}
    assert document.text.startswith("Frequent questions")


async def test_a_workbook_says_what_its_reader_sees(read):
    book = office.workbook(
        {
            "Tariff": [
                ["Vehicle", "Rate", "Fee", "From", "Free"],
                ["Car", 0.02, 60000, datetime.date(2026, 3, 31), True],
                [None, 0.015, 1234.5, MORNING, False],
            ],
            "Offices": [["Office", "Open"], ["Centre", datetime.time(8)], ["North", "closed"]],
            "Secret": [["salary", 1]],
        }
    )
    tariff = book["Tariff"]
    for row in (2, 3):
        tariff.cell(row, 2).number_format = "0.0%"
        tariff.cell(row, 3).number_format = '"Rp" #,##0'
    tariff.merge_cells("A2:A3")
    tariff.column_dimensions["E"].hidden = True
    book["Secret"].sheet_state = "hidden"
    document = await read("tariff.xlsx", office.saved(book))
    assert bodies(document) == {
        ("Tariff",): "Vehicle: Car; Rate: 2.0%; Fee: Rp 60.000; From: 2026-03-31\n"
        "Vehicle: Car; Rate: 1.5%; Fee: Rp 1.234; From: 2026-04-01 08:30",
        ("Offices",): "Office: Centre; Open: 08:00\nOffice: North; Open: closed",
    }


async def test_tables_of_one_sheet_keep_their_own_headers(read):
    rows = [["Cars"], ["Kind", "Fee"], ["small", 5], [], ["large", 9], [], ["Boats"], ["Length", "Price"], ["6 m", 20]]
    document = await read("t.xlsx", office.saved(office.workbook({"Sheet": rows})))
    assert bodies(document) == {
        ("Cars",): "Kind: small; Fee: 5\n\nKind: large; Fee: 9",
        ("Boats",): "Length: 6 m; Price: 20",
    }


async def test_a_cell_in_the_last_corner_of_a_sheet_costs_one_cell(read):
    book = office.workbook({"Sheet": [["Kind", "Fee"], ["small", 5]]})
    book.worksheets[0]["XFD1048576"] = "far away"
    document = await read("far.xlsx", office.saved(book))
    assert document.text == "Kind: small; Fee: 5\n\nfar away"


@pytest.mark.parametrize(
    ("charset", "body"),
    [("utf-8", "Denda 2% 👍"), ("iso-8859-9", "Açık: ğış"), ("cp1252", "naïve – café"), ("iso-2022-jp", "日本語")],
)
async def test_an_email_is_its_subject_and_body_without_its_people(read, charset, body):
    document = await read("mail.eml", office.mail(f"{body}\r\n\r\n> quoted", charset=charset))
    assert (document.title, document.text) == ("Late fines", f"{body}\n\nquoted")
    assert "rina" not in document.text


async def test_an_email_of_html_and_one_of_outlook(read):
    page = await read("mail.eml", office.mail("<h1>Plates</h1><p>They cost Rp 5.</p>", kind="html", subject=""))
    assert (page.title, page.text) == ("Plates", "Plates\n\nThey cost Rp 5.")
    streams = {
        "__properties_version1.0": b"",
        "__substg1.0_0037001F": "Plates".encode("utf-16-le"),
        "__substg1.0_1000001F": "They cost Rp 5.\r\n".encode("utf-16-le"),
    }
    saved = await read("mail.msg", office.outlook(streams))
    assert (saved.title, saved.text) == ("Plates", "They cost Rp 5.")


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("scan.pdf", office.scan, "scan: run text recognition"),
        ("locked.pdf", lambda: office.pdf(encrypt="secret"), "password"),
        ("page.pdf", lambda: b"<html><p>no</p></html>", "says .pdf, but it is not a PDF"),
        ("half.docx", lambda: office.word()[:5000], "says .docx, but it is a zip archive|damaged"),
        ("slides.docx", office.slides, "it is a PowerPoint presentation"),
        ("word.txt", office.word, "it is a Word document"),
        ("program.pdf", lambda: b"\x7fELF\x02\x01\x01\x00" + bytes(100), "it is a program"),
        ("photo.md", lambda: b"\x89PNG\r\n\x1a\n" + bytes(50), "it is a picture"),
        ("old.docx", lambda: office.outlook({"WordDocument": b""}), "old kind .* save it as .docx"),
        ("locked.xlsx", lambda: office.outlook({"EncryptedPackage": b""}), "password"),
        ("formulas.xlsx", lambda: office.saved(office.workbook({"S": [["=1+1"]]})), "formulas"),
        ("letter.eml", lambda: b"Dear all,\n\nno headers here.", "headers of an e-mail"),
        ("empty.pptx", lambda: b"", "empty"),
        ("nothing.docx", lambda: office.saved(office.Document()), "no text"),
    ],
)
async def test_a_bad_file_has_a_reason(read, name, data, reason):
    with pytest.raises(LoadError, match=reason):
        await read(name, data())


async def test_a_text_that_begins_like_a_program_is_a_text(read):
    assert (await read("mz.txt", b"MZ is the code of the town.")).text == "MZ is the code of the town."
