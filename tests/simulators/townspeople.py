"""A made-up town whose departments write its people down, each in its own way and with its own slips.

Nothing here is shared with the matcher: the slips are drawn from tables of its own. Every citizen number lies in area
990106, which is assigned to nobody.
"""

import random
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from chengyi.model.identifiers import DEMONSTRATION_AREA, make_citizen_id

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎单仇区查盖解任"
)
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国文斌志鹏飞雪琳婷浩宇轩子涵欣怡梓晨佳俊博思远晓东海燕春"
    "生福贵德成永安民生金凤云龙荣庆祥瑞宁康乐家豪天翔诗雨若曦嘉懿雅琪"
)
SOUND_SLIPS = dict(zip("伟静丽晓艳婷杰娜军英佳志华", "威净莉筱彦廷捷那均瑛家治花", strict=True))
SHAPE_SLIPS = dict(zip("伟娟婷晨博涛浩梅磊玉红霞宁", "玮绢停辰搏祷诰海垒王江暇柠", strict=True))
ROADS = ("人民路", "建设路", "解放路", "和平街", "新华街", "文化路", "朝阳路", "云汀大道", "滨河路", "学府路", "工农路")
ESTATES = ("幸福里", "翠竹苑", "锦绣园", "望江楼", "桃源新村", "金桂花园", "东湖社区", "南山公寓")

#            id   name  sex   birth address phone household extra
FIELDS = {
    "population": (1.00, 1.0, 1.0, 1.00, 1.0, 0.7, 1.0, 0.0),
    "low_income": (0.92, 1.0, 0.0, 0.00, 1.0, 0.8, 1.0, 0.0),
    "students": (0.85, 1.0, 1.0, 1.00, 0.8, 0.8, 0.0, 0.7),
    "hospital": (0.75, 1.0, 1.0, 1.00, 0.3, 0.7, 0.0, 0.0),
    "housing": (0.92, 1.0, 0.0, 0.00, 1.0, 0.6, 0.0, 0.0),
    "insurance": (0.97, 1.0, 0.0, 0.00, 0.0, 0.3, 0.0, 0.9),
    "disability": (0.90, 1.0, 1.0, 1.00, 1.0, 0.9, 0.0, 0.0),
    "relief": (0.00, 1.0, 0.0, 0.00, 1.0, 0.8, 1.0, 0.0),
    "charity": (0.60, 1.0, 0.5, 0.60, 0.7, 0.9, 0.0, 0.0),
    "farming": (0.85, 1.0, 0.0, 0.00, 1.0, 0.5, 1.0, 0.0),
    "cases": (0.90, 1.0, 0.3, 0.50, 0.3, 0.9, 0.0, 0.0),
    "veterans": (0.80, 1.0, 1.0, 1.00, 0.8, 0.8, 0.0, 0.6),
}
COLUMNS = ("citizen_id", "name", "sex", "birth_date", "address", "phone", "household", "extra")


@dataclass(frozen=True, slots=True)
class Townsperson:
    """One person as they are."""

    citizen_id: str
    name: str
    sex: str
    birth_date: str
    address: str
    phone: str
    household: str
    extra: str


@dataclass(frozen=True, slots=True)
class Town:
    """The departments' mentions, and whom each one really means."""

    mentions: pa.Table
    truth: list[int]


def make_town(people: int, mentions_each: float = 6.0, seed: int = 7) -> Town:
    """Make a town of so many people, each mentioned about so many times in twelve departments."""
    dice = random.Random(seed)
    folk = _people(people, dice)
    share = mentions_each / len(FIELDS)
    rows = [
        (number, department, _write(person, chances, dice, folk))
        for number, person in enumerate(folk)
        for department, chances in FIELDS.items()
        if department == "population" or dice.random() < share
    ]
    dice.shuffle(rows)
    columns: dict[str, pa.Array] = {
        "mention": pa.array(range(len(rows)), pa.int64()),
        "source": pa.array([department for _, department, _ in rows], pa.string()),
    }
    for at, column in enumerate(COLUMNS):
        columns[column] = pa.array([written[at] for _, _, written in rows], pa.string())
    return Town(pa.table(columns), [number for number, _, _ in rows])


def _people(count: int, dice: random.Random) -> list[Townsperson]:
    folk: list[Townsperson] = []
    home = 0
    while len(folk) < count:
        home += 1
        folk += _household(home, dice, len(folk))
    return folk[:count]


def _household(home: int, dice: random.Random, serial: int) -> list[Townsperson]:
    family, phone = dice.choice(SURNAMES), _phone(dice)
    door = f"{dice.choice(ESTATES)}{dice.randint(1, 20)}栋{dice.randint(101, 1806)}室"
    address = f"云汀区{dice.choice(ROADS)}{dice.randint(1, 300)}号{door}"
    born = date(1940, 1, 1) + timedelta(days=dice.randint(0, 20_000))
    members = []
    for place in range(dice.choice((1, 2, 2, 3, 3, 4, 5))):
        surname = dice.choice(SURNAMES) if place == 1 else family
        birth = born + timedelta(days=dice.randint(-1500, 1500) if place < 2 else dice.randint(8000, 12000))
        sex = "男女"[place] if place < 2 else dice.choice("男女")
        members.append(
            Townsperson(
                make_citizen_id(DEMONSTRATION_AREA, birth, 2 * dice.randint(1, 499) - (sex == "男")),
                surname + "".join(dice.choices(GIVEN, k=dice.choice((1, 2, 2)))),
                sex,
                birth.isoformat(),
                address,
                phone if place > 1 or dice.random() < 0.2 else _phone(dice),
                f"H{home:07d}",
                dice.choice(("云汀一中|", "云汀二小|", "|机械厂", "|纺织厂", "|汽车公司", "云汀师范|供销社")),
            )
        )
    return members


def _phone(dice: random.Random) -> str:
    return "1" + dice.choice("3578") + "".join(dice.choices("0123456789", k=9))


def _write(
    person: Townsperson, chances: tuple[float, ...], dice: random.Random, folk: list[Townsperson]
) -> list[str | None]:
    told = [
        getattr(person, column) if dice.random() < chance else None
        for column, chance in zip(COLUMNS, chances, strict=True)
    ]
    slips = (_slip_id, _slip_name, _keep, _slip_date, _slip_address, _slip_phone, _keep, _keep)
    rates = (0.03, 0.05, 0.0, 0.03, 0.3, 0.05, 0.0, 0.0)
    written = [
        slip(value, dice) if value is not None and dice.random() < rate else value
        for value, slip, rate in zip(told, slips, rates, strict=True)
    ]
    if written[0] is not None and dice.random() < 0.003:
        written[0] = dice.choice(folk).citizen_id  # somebody else's number
    return written


def _keep(text: str, dice: random.Random) -> str:
    return text


def _slip_id(text: str, dice: random.Random) -> str:
    at = dice.randrange(17)
    if dice.random() < 0.3 and text[at] != text[at + 1]:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + str((int(text[at]) + dice.randint(1, 9)) % 10) + text[at + 1 :]


def _slip_name(text: str, dice: random.Random) -> str:
    table = dice.choice((SOUND_SLIPS, SHAPE_SLIPS))
    places = [at for at, character in enumerate(text) if at and character in table]
    if places and dice.random() < 0.8:
        at = dice.choice(places)
        return text[:at] + table[text[at]] + text[at + 1 :]
    return text[0] + " " + text[1:] if len(text) == 2 else text[0] + text[2] + text[1]


def _slip_date(text: str, dice: random.Random) -> str:
    year, month, day = text.split("-")
    if dice.random() < 0.4 and int(day) <= 12:
        return f"{year}-{day}-{month}"
    if dice.random() < 0.5:
        return f"{year}-{month}"
    return f"{int(year) + dice.choice((-1, 1, 10))}-{month}-{day}"


def _slip_address(text: str, dice: random.Random) -> str:
    if dice.random() < 0.5:
        return text.removeprefix("云汀区").replace("号", "")
    return f"云汀区{dice.choice(ROADS)}{dice.randint(1, 300)}号{dice.randint(1, 20)}栋{dice.randint(101, 1806)}室"


def _slip_phone(text: str, dice: random.Random) -> str:
    at = dice.randrange(3, 11)
    return text[:at] + str((int(text[at]) + dice.randint(1, 9)) % 10) + text[at + 1 :]
