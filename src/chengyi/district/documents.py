"""Two hundred small documents of the archive: notices, minutes, public lists and answers, in four carriers.

Every document says that it is demonstration data; what they speak of (streets, disasters, road incidents, the
low-income line) is the same invented district that the tables describe.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path
from types import MappingProxyType

import numpy as np

from chengyi.district.life import DISASTERS
from chengyi.district.places import STREETS, quarter_name
from chengyi.district.settings import NOTICE, Settings

COUNT = 200
_CARRIERS = (("txt", "utf-8", 80), ("txt", "gb18030", 50), ("html", "utf-8", 50), ("pdf", "binary", 20))


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of document: who issues it, in which months, its title and its text."""

    kind: str
    issuer: str
    months: tuple[int, int]
    title: str
    body: str


_TOPICS = (
    Topic(
        "通知",
        "云汀区应急管理局",
        (6, 10),
        "关于做好{hit_street}{disaster}灾后救助工作的通知",
        "{hit_street}{hit_quarter}等地此前遭受{disaster}，请各有关单位于{days}个工作日内完成受灾户入户核查，"
        "核定损失，先行救助，材料后补。救助金发放名册须报区应急管理局备案，并移交区档案馆归档。",
    ),
    Topic(
        "公告",
        "云汀区民政局",
        (7, 10),
        "关于开展{street}低保对象年度复核的公告",
        "自2026年7月1日起，全区最低生活保障标准为每人每月{standard}元，低保边缘家庭认定线为低保标准的1.5倍。"
        "现对{street}在册对象开展年度复核，请于{days}个工作日内配合入户核查。"
        "本公告所称标准为演示区自拟，不代表任何地区的实际政策。",
    ),
    Topic(
        "会议纪要",
        "{street}党政办公室",
        (1, 10),
        "{street}第{number}次社区联席会议纪要",
        "会议听取了{quarter}网格员关于独居老人、困难家庭走访情况的汇报，议定：一、对未享受救助的困难户于{days}个工作日内"
        "逐户核实；二、发现已故人员仍在领取待遇的，由经办部门当月停发并说明情况；三、走访记录随会议材料一并归档。",
    ),
    Topic(
        "通报",
        "云汀区交警大队",
        (10, 10),
        "关于汀江大道等路段交通拥堵处置情况的通报（第{number}号）",
        "10月28日早高峰，辖区一处路段因车辆故障通行受阻，区交警大队接警后到场疏导。"
        "要求各中队加强早晚高峰巡查，完善检测器异常上报，事件处置单须在次日归档。{street}中队巡查频次增加{days}班。",
    ),
    Topic(
        "答复",
        "云汀区住房建设局",
        (1, 10),
        "对{street}{quarter}居民来信的答复",
        "来信反映的房屋安全问题已收悉。经现场查看，该房屋安全等级为{grade}级，拟纳入{year}年度危房改造计划，"
        "改造期间可申请临时安置。如有异议，可在{days}个工作日内提出。",
    ),
    Topic(
        "公示",
        "{street}民政办公室",
        (1, 10),
        "{street}{year}年{month}月救助对象公示",
        "现将{street}{month}月新增救助对象户数予以公示：低保{number}户，低保边缘{days}户。"
        "公示期五个工作日，居民如有意见可向民政办公室反映。为保护个人信息，本公示不列姓名和证件号码。",
    ),
    Topic(
        "简报",
        "云汀区水务局",
        (10, 10),
        "汀江水位与防汛工作简报第{number}期",
        "10月27日夜间全区普降大雨，汀江水位站最高读数超过警戒线，区水务局启动四级响应，"
        "转移{street}{quarter}低洼处居民{days}户，目前水位已回落，设施运行正常。",
    ),
    Topic(
        "移交清册",
        "云汀区档案馆",
        (1, 10),
        "{year}年度归档文件移交清册（第{number}批）",
        "本批移交永久卷{days}件、定期三十年卷{number}件，均已完成真实性、完整性、可用性、安全性检测。"
        "移交双方核对无误后签字，清册一式两份。",
    ),
)


@dataclass(frozen=True, slots=True)
class Document:
    """One document: where it is filed, in which carrier, and what it says."""

    path: str
    encoding: str
    title: str
    issued: date
    paragraphs: tuple[str, ...]


def compose(settings: Settings) -> list[Document]:
    """Write the texts of all documents."""
    rng = settings.stream("documents")
    carriers = [carrier[:2] for carrier in _CARRIERS for _ in range(carrier[2])]
    order = rng.permutation(COUNT)
    return [_document(number, carriers[order[number]], settings, rng) for number in range(COUNT)]


def write(document: Document, folder: Path) -> Path:
    """Write one document below a folder and return where it is."""
    path = folder / document.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_WRITERS[path.suffix](document))
    return path


def _document(number: int, carrier: tuple[str, str], settings: Settings, rng: np.random.Generator) -> Document:
    topic = _TOPICS[number % len(_TOPICS)]
    suffix, encoding = carrier
    words = _words(number, topic, settings, rng)
    title, year = topic.title.format(**words), words["year"]
    day = int(rng.integers(29, 32)) if topic.months[0] == 10 else int(rng.integers(1, 29))
    issued = date(int(year), int(words["month"]), day)
    signed = f"{topic.issuer.format(**words)}  {year}年{issued.month}月{issued.day}日"
    paragraphs = (f"云汀发〔{year}〕{number + 1}号", topic.body.format(**words), signed, f"{NOTICE}。")
    return Document(f"{year}/{topic.kind}/{number + 1:03d}-{title}.{suffix}", encoding, title, issued, paragraphs)


def _words(number: int, topic: Topic, settings: Settings, rng: np.random.Generator) -> dict[str, str]:
    street = int(rng.integers(0, len(STREETS)))
    disaster, hit_street, hit_quarter, *_ = DISASTERS[int(rng.integers(0, len(DISASTERS)))]
    return {
        "street": STREETS[street].name,
        "quarter": quarter_name(street, int(rng.integers(0, 8))),
        "disaster": disaster,
        "hit_street": STREETS[hit_street].name,
        "hit_quarter": quarter_name(hit_street, hit_quarter),
        "grade": "CD"[int(rng.integers(0, 2))],
        "standard": str(settings.standard),
        "number": str(number // len(_TOPICS) + 1),
        "days": str(int(rng.integers(3, 20))),
        "month": str(int(rng.integers(topic.months[0], topic.months[1] + 1))),
        "year": str(settings.as_of.year),
    }


_PAGE = (
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
)
_FONT = (
    b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /FontDescriptor 7 0 R"
    b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>"
)
_DESCRIPTOR = (
    b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0"
    b" /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>"
)


def _text(document: Document) -> bytes:
    return ("\n\n".join((document.title, *document.paragraphs)) + "\n").encode(document.encoding)


def _html(document: Document) -> bytes:
    body = "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in document.paragraphs)
    title = escape(document.title)
    page = (
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title}</title>\n</head>\n<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )
    return page.encode()


def _pdf(document: Document) -> bytes:
    """Return a one-page PDF 1.4 with the standard Chinese font, which is not embedded."""
    lines = [document.title, "", *(line for text in document.paragraphs for line in (*_wrapped(text), ""))]
    drawn = "".join(f"<{line.encode('utf-16-be').hex()}> Tj T*\n" for line in lines)
    stream = f"BT /F1 14 Tf 22 TL 72 770 Td\n{drawn}ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        _PAGE,
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UTF16-H /DescendantFonts [6 0 R] >>",
        _FONT,
        _DESCRIPTOR,
    ]
    return _assembled(objects)


def _wrapped(text: str, width: int = 30) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]


def _assembled(objects: list[bytes]) -> bytes:
    out, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, table)
    return out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)


_WRITERS: Mapping[str, Callable[[Document], bytes]] = MappingProxyType({".txt": _text, ".html": _html, ".pdf": _pdf})
