"""What a new home holds: its settings, its keys, and the source through which its own decisions come back."""

import json
from dataclasses import dataclass

from chengyi.model.errors import HomeError
from chengyi.store.files import write_whole
from chengyi.store.home import Home
from chengyi.store.settings import parse_settings

FILED = "decisions"

_NODE_TOML = """\
[node]
id = "{id}"
name = {{ zh = {zh}, en = {en} }}
department = {department}
fonds = "{fonds}"
demonstration = {demonstration}

# Every object lies as {n} fragments, one a store: any {k} give it back, fewer reveal nothing.
# On one machine these are folders of the home; put each on a disk or an S3 site of its own to gain by it
# (path, or kind = "s3" with endpoint, bucket, access_key, secret_key).
[vault]
k = {k}
n = {n}
{stores}"""
_K, _N = 2, 3
_STORE_TOML = """
[[vault.stores]]
id = "s{number}"
"""

_FILED_TOML = """\
# The node's own decisions come back here, so that they are archived like any other record.
[source]
id = "decisions"
title = {{ zh = "决定与处置记录", en = "Decisions and their handling" }}
department = {department}
fonds = "{fonds}"
record_class = "WS"
retention = "Y"
sharing = "withheld"

[connector]
kind = "filed"
"""


@dataclass(frozen=True, slots=True)
class Titles:
    """What people call a node, in both languages, and who answers for it."""

    zh: str
    en: str
    department: str


def make_home(home: Home, id: str, titles: Titles, *, fonds: str, demonstration: bool, passphrase: str | None) -> None:
    """Make a home, or finish one whose making was interrupted; HomeError where there is a node already."""
    words = {
        "zh": _quoted(titles.zh),
        "en": _quoted(titles.en),
        "department": _quoted(titles.department),
        "id": id,
        "fonds": fonds,
    }
    stores = "".join(_STORE_TOML.format(number=number) for number in range(1, _N + 1))
    settings = _NODE_TOML.format(**words, demonstration=str(demonstration).lower(), k=_K, n=_N, stores=stores)
    parse_settings(settings, "node.toml")
    home.create()
    _make_keys(home, id, passphrase)
    write_whole(home.sources / f"{FILED}.toml", _FILED_TOML.format(**words))
    write_whole(home.settings_file, settings)


def _quoted(words: str) -> str:
    """Return text as a TOML basic string."""
    return json.dumps(words, ensure_ascii=False).replace("\x7f", "\\u007f")


def _make_keys(folder: Home, id: str, secret: str | None) -> None:
    """Make the node's keys; those that an interrupted making of the same node left are kept."""
    from chengyi.trust.keys import FileKeys

    try:
        FileKeys.create(folder.keys, id, secret)
    except HomeError:
        if FileKeys.open(folder.keys, secret).verifier.partition("+")[0] != id:
            raise
