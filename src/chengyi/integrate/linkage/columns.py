"""Mentions as columns of small integers: every distinct value is understood once, every row only points to it.

Rules: rows are sorted by mention, so nothing depends on the order in which they came; a blank value is an absent
value and never agrees with anything; rarity is measured over profiles, in bits.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from chengyi.integrate.linkage.spelling import Spelling, draw, spell

if TYPE_CHECKING:
    import pyarrow as pa

Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]
Doubles: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Halves: TypeAlias = np.ndarray[Any, np.dtype[np.float16]]
Bools: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
Objects: TypeAlias = np.ndarray[Any, np.dtype[np.object_]]

FIELDS = ("source", "citizen_id", "name", "sex", "birth_date", "address", "phone", "household", "extra")
_WORD = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]+")
_NUMBER = re.compile(r"\d+")
_MIX_A, _MIX_B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Column:
    """One field: its distinct values in order, and for each row the place of its value or -1."""

    values: Objects
    codes: Ints

    def take(self, rows: Ints) -> "Column":
        """Return the column of some rows; the distinct values stay."""
        return Column(self.values, self.codes[rows])


@dataclass(frozen=True, slots=True)
class Words:
    """The words of each distinct value, rarest first: places in a vocabulary, padded with -1; the last row has none."""

    places: Ints
    size: int

    def of(self, codes: Ints) -> Ints:
        """Return the words of rows, given the rows' value codes (-1: none)."""
        return self.places[codes]


def read_columns(mentions: "pa.Table") -> tuple[Ints, dict[str, Column]]:
    """Return the sorted mention numbers and the encoded columns of a mentions table."""
    table = mentions.sort_by("mention")
    numbers = table["mention"].to_numpy().astype(np.int64)
    return numbers, {name: encode(table[name].to_pylist()) for name in FIELDS}


def encode(values: Sequence[str | None]) -> Column:
    """Encode texts as places among their distinct cleaned values; blank and null are -1."""
    return _encode(values, {value: _clean(value) for value in set(values)})


def _encode(values: Sequence[str | None], clean: dict[str | None, str]) -> Column:
    distinct = sorted({text for text in clean.values() if text})
    order = {text: place for place, text in enumerate(distinct)}
    found = {value: order.get(text, -1) for value, text in clean.items()}
    codes = np.fromiter((found[value] for value in values), dtype=np.int64, count=len(values))
    return Column(as_objects(distinct), codes)


def as_objects(values: Iterable[Any]) -> Objects:
    """Return a one-dimensional array of Python objects."""
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def _clean(value: str | None) -> str:
    return unicodedata.normalize("NFKC", value).strip().casefold() if value else ""


def relabel(column: Column, form: Callable[[str], str]) -> Column:
    """Return the column under a coarser form of each distinct value; an empty form is -1."""
    forms = [form(value) for value in column.values]
    inner = _encode(forms, {text: text for text in forms})
    return Column(inner.values, look_up(inner.codes, column.codes))


def mix(*parts: Ints | int) -> Ints:
    """Combine integers into one well-spread 64-bit code (splitmix64); -1 where any part is -1."""
    length = max(len(part) for part in parts if not isinstance(part, int))
    code, absent = np.zeros(length, dtype=np.uint64), np.zeros(length, dtype=np.bool_)
    with np.errstate(over="ignore"):
        for part in parts:
            values = np.broadcast_to(np.asarray(part, dtype=np.int64), (length,))
            absent |= values == -1
            code = (code ^ values.astype(np.uint64)) + _GOLDEN
            code = (code ^ (code >> np.uint64(30))) * _MIX_A
            code = (code ^ (code >> np.uint64(27))) * _MIX_B
            code ^= code >> np.uint64(31)
    return np.where(absent, -1, (code >> np.uint64(1)).astype(np.int64))


def look_up(per_value: Any, codes: Ints, missing: Any = -1) -> Any:  # noqa: ANN401 - any dtype passes through
    """Return per-value facts for rows; rows without a value get `missing`."""
    if len(per_value) == 0:
        return np.full(len(codes), missing)
    return np.where(codes >= 0, per_value[np.maximum(codes, 0)], missing)


def rarity(codes: Ints, size: int) -> Floats:
    """Return the information of each value in bits: -log2 of its share of the rows that have one."""
    counts = np.bincount(codes[codes >= 0], minlength=size).astype(np.float64)
    total = max(counts.sum(), 1.0)
    bits: Floats = -np.log2(np.maximum(counts, 1.0) / total).astype(np.float32)
    return bits


def index_words(words: Sequence[Sequence[str]], weights: Ints, width: int) -> tuple[Words, Floats]:
    """Index the words of distinct values, keeping the `width` rarest of each, with each word's rarity in bits.

    `weights` says how many rows have each distinct value.
    """
    vocabulary = {word: place for place, word in enumerate(sorted({word for listed in words for word in listed}))}
    counts = np.zeros(len(vocabulary), dtype=np.float64)
    for listed, weight in zip(words, weights, strict=True):
        counts[[vocabulary[word] for word in set(listed)]] += weight
    bits = -np.log2(np.maximum(counts, 1.0) / max(float(weights.sum()), 1.0))
    places = np.full((len(words) + 1, width), -1, dtype=np.int64)
    for row, listed in enumerate(words):
        kept = sorted({vocabulary[word] for word in listed}, key=lambda place: (-bits[place], place))[:width]
        places[row, : len(kept)] = kept
    return Words(places, len(vocabulary)), bits.astype(np.float32)


@dataclass(frozen=True, slots=True)
class People:
    """Profiles ready to be compared: encoded fields and the forms derived from them."""

    source: Column
    name: Column
    sex: Column
    birth: Column
    address: Column
    phone: Column
    household: Column
    extra: Column
    spellings: Objects
    drawn: Column
    sounded: Column
    family: Column
    given: Column
    parts: Words
    part_bits: Floats
    sounds: Words
    sound_bits: Floats
    digits: Ints
    address_words: Words
    address_bits: Floats
    extra_slots: Words
    extra_bits: Floats
    extra_words: Words
    extra_word_bits: Floats

    def __len__(self) -> int:
        return len(self.name.codes)


def understand(taken: dict[str, Column]) -> People:
    """Derive from encoded columns everything that comparing and blocking need."""
    name, extra, address = taken["name"], taken["extra"], taken["address"]
    spellings = as_objects(spell(value) for value in name.values)
    parts, part_bits = _index([s.parts for s in spellings], name, 6)
    sounds, sound_bits = _index([s.sounds for s in spellings], name, 6)
    address_words, address_bits = _index([_address_words(value) for value in address.values], address, 6)
    extra_slots, extra_bits = _index([value.split("|") for value in extra.values], extra, 6)
    extra_words, extra_word_bits = _index([_WORD.findall(value) for value in extra.values], extra, 8)
    return People(
        source=taken["source"], name=name, sex=taken["sex"], birth=taken["birth_date"], address=address,
        phone=relabel(taken["phone"], lambda text: "".join(_NUMBER.findall(text))[-11:]),
        household=taken["household"], extra=extra, spellings=spellings,
        drawn=_form(name, spellings, lambda s: s.drawn),
        sounded=_form(name, spellings, lambda s: " ".join(s.sounds)),
        family=_form(name, spellings, lambda s: draw(s.family)),
        given=_form(name, spellings, lambda s: draw(s.given)),
        parts=parts, part_bits=part_bits, sounds=sounds, sound_bits=sound_bits,
        digits=_dates(taken["birth_date"].values), address_words=address_words, address_bits=address_bits,
        extra_slots=extra_slots, extra_bits=extra_bits, extra_words=extra_words, extra_word_bits=extra_word_bits,
    )  # fmt: skip


def _index(words: list[Sequence[str]], column: Column, width: int) -> tuple[Words, Floats]:
    kept = [[word.strip() for word in listed if word.strip()] for listed in words]
    return index_words(kept, np.bincount(column.codes[column.codes >= 0], minlength=len(column.values)), width)


def _form(name: Column, spellings: Objects, form: Callable[[Spelling], str]) -> Column:
    forms = dict(zip(name.values, map(form, spellings), strict=True))
    return relabel(name, forms.__getitem__)


def _address_words(text: str) -> list[str]:
    """Latin words and numbers as they are; Chinese text as pairs of neighbouring characters."""
    words: list[str] = []
    for run in _WORD.findall(text):
        pairs = [run[at : at + 2] for at in range(len(run) - 1)]
        words += [run] if run.isascii() else pairs or [run]
    return words


def _dates(values: Objects) -> Ints:
    """Return year, month and day of each distinct date; an absent or unreadable part is 0."""
    found = np.zeros((len(values) + 1, 3), dtype=np.int64)
    for row, value in enumerate(values):
        parts = _NUMBER.findall(value)
        if len(parts) == 1 and len(parts[0]) in {6, 8}:
            parts = [parts[0][:4], parts[0][4:6], parts[0][6:]]
        found[row, : min(len(parts), 3)] = [int(part or 0) for part in parts[:3]]
    return found
