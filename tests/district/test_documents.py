import re
from datetime import date
from pathlib import Path

from chengyi.district.documents import COUNT, Document, compose, write
from chengyi.district.settings import NOTICE, Settings


def test_every_document_says_what_it_is(tmp_path: Path) -> None:
    documents = compose(Settings())
    assert len(documents) == COUNT
    assert len({document.path for document in documents}) == COUNT
    for document in documents:
        write(document, tmp_path)
        data = (tmp_path / document.path).read_bytes()
        assert NOTICE in _text(document, data)


def _text(document: Document, data: bytes) -> str:
    if document.encoding != "binary":
        return data.decode(document.encoding)
    return "".join(bytes.fromhex(line.decode()).decode("utf-16-be") for line in re.findall(rb"<([0-9a-f]+)> Tj", data))


def test_all_carriers_and_encodings_are_there() -> None:
    kinds = {(Path(document.path).suffix, document.encoding) for document in compose(Settings())}
    assert kinds == {(".txt", "utf-8"), (".txt", "gb18030"), (".html", "utf-8"), (".pdf", "binary")}


def test_pdf_cross_references_point_at_their_objects(tmp_path: Path) -> None:
    write(Document("a.pdf", "binary", "关于演示的通知", date(2026, 3, 1), (NOTICE,)), tmp_path)
    data = (tmp_path / "a.pdf").read_bytes()
    found = re.search(rb"startxref\n([0-9]+)\n%%EOF\n$", data)
    assert data.startswith(b"%PDF-1.4")
    assert found
    start = int(found[1])
    assert data[start:].startswith(b"xref\n0 8\n")
    for number, place in enumerate(re.findall(rb"([0-9]{10}) 00000 n", data[start:]), start=1):
        assert data[int(place) :].startswith(b"%d 0 obj" % number)


def test_html_is_escaped(tmp_path: Path) -> None:
    write(Document("a.html", "utf-8", "甲<乙", date(2026, 3, 1), ("一&二",)), tmp_path)
    page = (tmp_path / "a.html").read_text("utf-8")
    assert "<title>甲&lt;乙</title>" in page
    assert "一&amp;二" in page
