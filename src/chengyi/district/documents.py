"""Two hundred small documents of the archive: notices, minutes, public lists and answers, in four carriers.

Every document says that it is demonstration data; what they speak of (streets, disasters, road incidents, the
low-income line) is the same invented district that the tables describe.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import MappingProxyType

import numpy as np

from chengyi.district.life import DISASTERS
from chengyi.district.places import STREETS, quarter_name
from chengyi.district.settings import DISTRICT_NAME, NOTICE, Settings

COUNT = 200
_ISSUERS = (
    "区政府办公室",
    "区民政局",
    "区应急管理局",
    "区交警大队",
    "区水务局",
    "区住房建设局",
    "区档案馆",
    "区数据局",
)
_CARRIERS = (("txt", "utf-8", 80), ("txt", "gb18030", 50), ("html", "utf-8", 50), ("pdf", "binary", 20))
_TOPICS: tuple[tuple[str, str, str], ...] = (
    (
        "通知",
        "关于做好{street}{disaster}灾后救助工作的通知",
        (
            "{street}{quarter}等地遭受{disaster}，请各有关单位于{days}个工作日内完成受灾户入户核查，"
            "核定损失，先行救助，材料后补。救助金发放名册须报区应急管理局备案，并移交区档案馆归档。"
        ),
    ),
    (
        "公告",
        "关于调整{district}最低生活保障标准的公告",
        (
            "经研究，自2026年7月1日起，全区最低生活保障标准统一为每人每月{standard}元，"
            "低保边缘家庭认定线为低保标准的1.5倍。本公告所称标准为演示区自拟，不代表任何地区的实际政策。"
        ),
    ),
    (
        "会议纪要",
        "{street}第{number}次社区联席会议纪要",
        (
            "会议听取了{quarter}网格员关于独居老人、困难家庭走访情况的汇报，议定：一、对未享受救助的困难户于{days}个工作日内"
            "逐户核实；二、发现已故人员仍在领取待遇的，由经办部门当月停发并说明情况；三、走访记录随会议材料一并归档。"
        ),
    ),
    (
        "通报",
        "关于汀江大道交通拥堵处置情况的通报",
        (
            "10月28日早高峰，汀江大道一处路段因车辆故障通行受阻约{minutes}分钟，区交警大队接警后到场疏导。"
            "要求各中队加强早晚高峰巡查，完善检测器异常上报，事件处置单须在次日归档。"
        ),
    ),
    (
        "答复",
        "对{street}{quarter}居民来信的答复",
        (
            "来信反映的房屋安全问题已收悉。经现场查看，该房屋安全等级为{grade}级，拟纳入{year}年度危房改造计划，"
            "改造期间可申请临时安置。如有异议，可在{days}个工作日内提出。"
        ),
    ),
    (
        "公示",
        "{street}{year}年{month}月救助对象公示",
        (
            "现将{street}{month}月新增救助对象户数予以公示：低保{number}户，低保边缘{days}户。"
            "公示期五个工作日，居民如有意见可向街道民政办反映。为保护个人信息，本公示不列姓名和证件号码。"
        ),
    ),
    (
        "简报",
        "汀江水位与防汛工作简报第{number}期",
        (
            "10月27日夜间全区普降大雨，{street}水位站最高读数超过警戒线，区水务局启动四级响应，"
            "转移{quarter}低洼处居民{days}户，目前水位已回落，设施运行正常。"
        ),
    ),
    (
        "移交清册",
        "{issuer}{year}年度归档文件移交清册（第{number}批）",
        (
            "本批移交永久卷{days}件、定期三十年卷{number}件，均已完成真实性、完整性、可用性、安全性检测。"
            "移交双方核对无误后签字，清册一式两份。"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Document:
    """One document: where it is filed, in which carrier, and what it says."""

    path: str
    encoding: str
    title: str
    paragraphs: tuple[str, ...]


def compose(settings: Settings) -> list[Document]:
    """Write the texts of all documents."""
    rng = settings.stream("documents")
    carriers = [carrier[:2] for carrier in _CARRIERS for _ in range(carrier[2])]
    order = rng.permutation(COUNT)
    return [_document(number, carriers[order[number]], settings, rng) for number in range(COUNT)]


def write(document: Document, folder: Path) -> None:
    """Write one document below a folder."""
    path = folder / document.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_WRITERS[path.suffix](document))


def _document(number: int, carrier: tuple[str, str], settings: Settings, rng: np.random.Generator) -> Document:
    suffix, encoding = carrier
    kind, title, body = _TOPICS[number % len(_TOPICS)]
    words = _words(number, settings, rng)
    title = title.format(**words)
    issuer, month, day = words["issuer"], words["month"], int(rng.integers(1, 29))
    head = f"云汀发〔{words['year']}〕{number + 1}号"
    paragraphs = (head, body.format(**words), f"{issuer}  {words['year']}年{month}月{day}日", f"{NOTICE}。")
    return Document(f"{words['year']}/{kind}/{number + 1:03d}-{title}.{suffix}", encoding, title, paragraphs)


def _words(number: int, settings: Settings, rng: np.random.Generator) -> dict[str, str]:
    street = int(rng.integers(0, len(STREETS)))
    return {
        "district": DISTRICT_NAME,
        "street": STREETS[street].name,
        "quarter": quarter_name(street, int(rng.integers(0, 8))),
        "disaster": DISASTERS[int(rng.integers(0, len(DISASTERS)))][0],
        "issuer": _ISSUERS[int(rng.integers(0, len(_ISSUERS)))],
        "grade": "CD"[int(rng.integers(0, 2))],
        "standard": str(settings.standard),
        "number": str(number // len(_TOPICS) + 1),
        "days": str(int(rng.integers(3, 20))),
        "minutes": str(int(rng.integers(20, 160))),
        "month": str(int(rng.integers(1, settings.as_of.month + 1))),
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
