"""The true state of the district, from which every department sees its part."""

from dataclasses import dataclass

import numpy as np

from chengyi.district.life import Life, live
from chengyi.district.names import draw
from chengyi.district.people import People, populate
from chengyi.district.settings import Settings
from chengyi.district.table import cells, chosen
from chengyi.model.identifiers import DEMONSTRATION_AREA, make_credit_code

INDUSTRIES = (
    "批发零售",
    "制造业",
    "建筑业",
    "住宿餐饮",
    "信息技术",
    "交通运输",
    "居民服务",
    "农产品加工",
    "文化旅游",
    "教育培训",
)
_TRADES = ("商贸", "机械", "建设工程", "餐饮管理", "信息科技", "物流", "家政服务", "生态农业", "文旅发展", "教育咨询")
_WORDS = (
    "恒",
    "瑞",
    "盛",
    "安",
    "和",
    "泰",
    "嘉",
    "禾",
    "远",
    "汇",
    "信",
    "达",
    "启",
    "宏",
    "润",
    "丰",
    "澄",
    "朗",
    "岚",
    "越",
)


@dataclass(frozen=True, slots=True)
class Enterprises:
    """The district's enterprises; `head` is who represents each."""

    name: np.ndarray
    credit_code: np.ndarray
    industry: np.ndarray
    head: np.ndarray
    closed: np.ndarray


@dataclass(frozen=True, slots=True)
class World:
    """People, what happened to them, and where they work (`employer`, -1 for nowhere)."""

    settings: Settings
    people: People
    life: Life
    enterprises: Enterprises
    employer: np.ndarray

    @property
    def day(self) -> np.datetime64:
        """Return the last day that the records reach."""
        return np.datetime64(self.settings.as_of)

    def here(self) -> np.ndarray:
        """Tell who lives in the district on that day."""
        return np.asarray(self.life.living() & np.isnat(self.people.gone))


def create(settings: Settings) -> World:
    """Create the district."""
    people = populate(settings)
    life = live(people, settings)
    rng = settings.stream("enterprises")
    enterprises = _found(people, rng)
    weights = 1.0 / (np.arange(len(enterprises.name)) + 8.0)
    employer = np.where(life.employed, draw(weights, len(people), rng), -1)
    return World(settings, people, life, enterprises, employer)


def _found(people: People, rng: np.random.Generator) -> Enterprises:
    count = max(20, len(people) * 3 // 200)
    industry = rng.integers(0, len(INDUSTRIES), count)
    words = chosen(_WORDS, rng.integers(0, len(_WORDS), count)) + chosen(_WORDS, rng.integers(0, len(_WORDS), count))
    names = "云汀区" + words + chosen(_TRADES, industry) + "有限公司"
    codes = cells(make_credit_code("9", "1", DEMONSTRATION_AREA, f"MA{number:06d}") for number in range(1, count + 1))
    adults = np.flatnonzero((people.age >= 25) & (people.age < 65))
    return Enterprises(names, codes, chosen(INDUSTRIES, industry), rng.choice(adults, count), rng.random(count) < 0.06)
