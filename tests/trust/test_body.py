from datetime import UTC, datetime, timedelta, timezone

import pytest

from chengyi.model.act import Act, ActKind
from chengyi.model.errors import IntegrityError
from chengyi.trust.body import entry_bytes, parse_body, render_body

ACT = Act(ActKind.KEPT, "node:云汀", "pkg-1@1", {"rows": 3, "code": "Y012-WS·2026"})
AT = datetime(2026, 11, 23, 8, 0, 0, 1, tzinfo=UTC)
BODY = render_body(ACT, AT, "00ff")


def test_a_body_says_the_act_again() -> None:
    entry = parse_body(7, BODY)
    assert (entry.index, entry.at, entry.salt, entry.act) == (7, AT, "00ff", ACT)


def test_the_moment_is_the_same_in_any_time_zone() -> None:
    assert render_body(ACT, AT.astimezone(timezone(timedelta(hours=8))), "00ff") == BODY


def test_promise_4_the_salt_hides_the_act_from_guessing() -> None:
    assert entry_bytes(BODY) != entry_bytes(render_body(ACT, AT, "00fe"))
    assert len(entry_bytes(BODY)) == 32


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        BODY + b" ",
        BODY.replace(b'"actor"', b' "actor"'),
        BODY.replace(b"archive.kept", b"archive.burnt"),
        BODY.replace(b"2026-11-23T", b"2026-13-23T"),
        BODY.replace(b'"rows":3', b'"rows":3.5'),
        BODY.replace(b"}}", b"}") + b',"more":1}',
        BODY[:-1] + b',"z":1}',
    ],
)
def test_what_is_no_canonical_body_is_refused(body: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse_body(0, body)
