"""Invented places: streets and towns with their codes, estates and villages, and addresses in each office's habit."""

from dataclasses import dataclass

import numpy as np

from chengyi.district.settings import DISTRICT_NAME, quota
from chengyi.model.identifiers import DEMONSTRATION_AREA

Row = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Street:
    """One street or town of the district; `rural` ones have villages instead of estates."""

    code: str
    name: str
    english: str
    rural: bool
    share: float


STREETS = tuple(
    Street(f"{DEMONSTRATION_AREA}{number:03d}", name, english, rural, share)
    for number, (name, english, rural, share) in enumerate(
        (
            ("望汀街道", "Wangting Subdistrict", False, 0.17),
            ("柳岸街道", "Liu’an Subdistrict", False, 0.15),
            ("云桥街道", "Yunqiao Subdistrict", False, 0.13),
            ("荷塘街道", "Hetang Subdistrict", False, 0.11),
            ("听澜街道", "Tinglan Subdistrict", False, 0.08),
            ("临溪镇", "Linxi Town", True, 0.14),
            ("青坞镇", "Qingwu Town", True, 0.12),
            ("石埠乡", "Shibu Township", True, 0.10),
        ),
        start=1,
    )
)
_ESTATES = tuple(
    first + last
    for last in ("花园", "小区", "家园", "苑", "新村")
    for first in ("春晖", "锦汀", "云栖", "荷风", "听雨", "晴川", "望湖", "松月")
)
_VILLAGES = tuple(
    first + last
    for last in ("岭村", "溪村", "坞村", "塘村")
    for first in ("梅", "竹", "沙", "枫", "桃", "茶", "石", "柏", "莲")
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where households live: arrays of equal length, one item a household."""

    street: np.ndarray
    quarter: np.ndarray
    numbers: np.ndarray

    def text(self, at: np.ndarray, style: int) -> np.ndarray:
        """Write the addresses at these places in one office's habit (styles 0-3)."""
        write = _STYLES[style]
        rows = zip(self.street[at].tolist(), self.quarter[at].tolist(), *(self.numbers[at].T.tolist()), strict=True)
        return np.array([write(row) for row in rows] or [""], dtype=object)[: len(at)]

    def street_code(self, at: np.ndarray) -> np.ndarray:
        """Return the street codes at these places."""
        return np.asarray(np.array([street.code for street in STREETS], dtype=object)[self.street[at]])

    def rural(self) -> np.ndarray:
        """Tell for each household whether it lives in a village."""
        return np.asarray(np.array([street.rural for street in STREETS])[self.street])


def settle(households: int, rng: np.random.Generator) -> Addresses:
    """Give each household an address; the streets' shares of households are exact."""
    counts = quota(households, np.array([street.share for street in STREETS]))
    street = rng.permutation(np.repeat(np.arange(len(STREETS)), counts))
    quarters = np.array([len(quarters_of(number)) for number in range(len(STREETS))])
    quarter = (rng.random(households) * quarters[street]).astype(np.int64)
    building = rng.integers(1, 29, households)
    unit = rng.integers(1, 5, households)
    floor = rng.integers(1, 19, households)
    door = rng.integers(1, 5, households)
    return Addresses(street, quarter, np.stack([building, unit, floor, door], axis=1))


def quarters_of(street: int) -> tuple[str, ...]:
    """Return the estates or villages of a street, in order."""
    if STREETS[street].rural:
        return _VILLAGES[(street - 5) * 12 : (street - 4) * 12]
    return _ESTATES[street * 8 : (street + 1) * 8]


def quarter_name(street: int, quarter: int) -> str:
    """Return the name of one estate or village."""
    return quarters_of(street)[quarter]


def _full(row: Row) -> str:
    street, quarter, building, unit, floor, door = row
    where = f"{DISTRICT_NAME}{STREETS[street].name}{quarters_of(street)[quarter]}"
    if STREETS[street].rural:
        return f"{where}{unit * 4 + door - 4}组{building * 3 + floor % 3}号"
    return f"{where}{building}幢{unit}单元{floor}{door:02d}室"


def _without_district(row: Row) -> str:
    return _full(row).removeprefix(DISTRICT_NAME).replace("幢", "号楼")


def _short(row: Row) -> str:
    street, quarter, building, unit, floor, door = row
    name = quarters_of(street)[quarter]
    if STREETS[street].rural:
        return f"{STREETS[street].name}{name}{unit * 4 + door - 4}组{building * 3 + floor % 3}号"
    return f"{name}{building}-{unit}-{floor}{door:02d}"


def _spaced(row: Row) -> str:
    street = row[0]
    text = _full(row)
    return text.replace(STREETS[street].name, f"{STREETS[street].name} ").replace("幢", "栋")


_STYLES = (_full, _without_district, _short, _spaced)
