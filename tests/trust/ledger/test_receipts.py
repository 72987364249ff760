from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chengyi.model.act import Act, ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import IntegrityError
from chengyi.trust.body import entry_bytes
from chengyi.trust.ledger.receipts import parse, render, verify
from chengyi.trust.ledger.verify import verify_receipt
from chengyi.trust.ports import Receipt
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger

ORIGIN = "test.invalid/node"
KEYS = MemoryKeys(ORIGIN)


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger(KEYS, ORIGIN)


@pytest.fixture
def receipt(clock: SetClock, ledger: MemoryLedger) -> Receipt:
    audit = MemoryAudit(clock, ledger)
    audit.record_all(Act(ActKind.KEPT, "a", f"pkg-{each}", {"题名": "低保名册"}) for each in range(11))
    return audit.receipt(6)


def test_promise_4_a_receipt_proves_its_act_offline(receipt: Receipt) -> None:
    entry = verify_receipt(render(receipt), KEYS.verifier, ORIGIN)
    assert (entry.index, entry.act.object, entry.act.detail) == (6, "pkg-6", {"题名": "低保名册"})
    assert parse(render(receipt)) == receipt


def test_a_receipt_of_the_only_entry_has_no_path(clock: SetClock, ledger: MemoryLedger) -> None:
    audit = MemoryAudit(clock, ledger)
    audit.record(Act(ActKind.KEPT, "a", "pkg-1"))
    assert verify_receipt(render(audit.receipt(0)), KEYS.verifier).act.object == "pkg-1"


@pytest.mark.parametrize(
    "forge",
    [
        lambda each: replace(each, body=each.body.replace(b"pkg-6", b"pkg-7")),
        lambda each: replace(each, index=7),
        lambda each: replace(each, index=60),
        lambda each: replace(each, hashes=each.hashes[::-1]),
        lambda each: replace(each, hashes=each.hashes[:-1]),
        lambda each: replace(each, hashes=(*each.hashes, each.hashes[0])),
        lambda each: replace(each, hashes=(b"\0" * 32, *each.hashes[1:])),
        lambda each: replace(each, hashes=(b"\0" * 31, *each.hashes[1:])),
        lambda each: replace(each, checkpoint=replace(each.checkpoint, size=12)),
        lambda each: replace(each, checkpoint=replace(each.checkpoint, root=b"\0" * 32)),
        lambda each: replace(each, checkpoint=replace(each.checkpoint, note=each.checkpoint.note.replace("11", "12"))),
    ],
)
def test_promise_4_a_forged_receipt_is_refused(forge: Callable[[Receipt], Receipt], receipt: Receipt) -> None:
    forged = forge(receipt)
    with pytest.raises(IntegrityError):
        verify(forged, KEYS.verifier)


def test_promise_4_a_receipt_of_another_key_or_log_is_refused(receipt: Receipt) -> None:
    with pytest.raises(IntegrityError):
        verify(receipt, MemoryKeys(ORIGIN, b"other").verifier)
    with pytest.raises(IntegrityError):
        verify(receipt, KEYS.verifier, "test.invalid/other")


def test_a_witnessed_entry_that_is_no_act_is_refused(ledger: MemoryLedger) -> None:
    ledger.append([entry_bytes(b"{}")])
    receipt = Receipt(0, b"{}", ledger.inclusion(0, 1), ledger.checkpoint())
    with pytest.raises(IntegrityError):
        verify(receipt, KEYS.verifier)


def test_every_changed_character_of_a_receipt_is_noticed(receipt: Receipt) -> None:
    text = render(receipt)
    for position in range(len(text)):
        changed = text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]
        with pytest.raises(IntegrityError):
            verify_receipt(changed, KEYS.verifier, ORIGIN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v2\n"),
        ("index 6", "index 06"),
        ("index 6", "index -6"),
        ("index 6", "index " + "6" * 30),
        ("index 6", "number 6"),
        ("extra ", "other "),
        ("extra ", "extra  "),
        ("\n\n", "\n!\n\n"),
        ("\n\n", "\n\n\n"),
        ("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\n\n"),
    ],
)
def test_a_receipt_has_one_form_only(old: str, new: str, receipt: Receipt) -> None:
    with pytest.raises(IntegrityError):
        parse(render(receipt).replace(old, new, 1))


@given(st.text(max_size=80), st.binary(max_size=40))
def test_any_text_is_refused_without_a_stumble(text: str, body: bytes) -> None:
    head = f"c2sp.org/tlog-proof@v1\nextra {b64encode(body).decode()}\nindex 0\n\n"
    for candidate in (text, head + text):
        with pytest.raises(IntegrityError):
            parse(candidate)
