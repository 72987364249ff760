from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.model.act import Act, ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import IntegrityError
from chengyi.trust.body import entry_bytes
from chengyi.trust.ledger.cosignatures import Ed25519Key, cosign
from chengyi.trust.ledger.notes import signature_line
from chengyi.trust.ledger.policy import Policy
from chengyi.trust.ledger.receipts import gather, parse, render, verify
from chengyi.trust.ledger.verify import verify_receipt
from chengyi.trust.ports import Checkpoint, Receipt
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger
from simulators.witness import NOW, key_of, witness_keys

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
@settings(deadline=None)
def test_any_text_is_refused_without_a_stumble(text: str, body: bytes) -> None:
    head = f"c2sp.org/tlog-proof@v1\nextra {b64encode(body).decode()}\nindex 0\n\n"
    for candidate in (text, head + text):
        with pytest.raises(IntegrityError):
            parse(candidate)


# quorums


def cosigned(ledger: MemoryLedger, *names: str) -> Checkpoint:
    point = ledger.checkpoint()
    lines = "".join(cosign(point, Ed25519Key.of(witness_keys(name)), NOW) for name in names)
    return replace(point, note=point.note + lines)


def policy(quorum: int) -> Policy:
    return Policy.of({name: key_of(name) for name in "abc"}, quorum)


def test_promise_4_a_receipt_names_its_quorum(clock: SetClock, ledger: MemoryLedger) -> None:
    audit = MemoryAudit(clock, ledger)
    audit.record_all(Act(ActKind.KEPT, "a", f"pkg-{each}") for each in range(11))
    ledger.witnessed = cosigned(ledger, "a", "c")
    (receipt,) = gather(ledger, {6: audit._bodies[6]})
    assert receipt.checkpoint == ledger.witnessed
    assert verify(receipt, KEYS.verifier, ORIGIN, policy(2)).act.object == "pkg-6"
    quorum = policy(2).judge(receipt.checkpoint.note)
    assert [(each.cosigner.name, each.at) for each in quorum.cosignatures] == [("a", NOW), ("c", NOW)]
    with pytest.raises(IntegrityError, match="quorum"):
        verify_receipt(render(receipt), KEYS.verifier, ORIGIN, policy(3))


def test_receipts_are_under_the_cosigned_checkpoint_where_it_reaches(clock: SetClock, ledger: MemoryLedger) -> None:
    audit = MemoryAudit(clock, ledger)
    audit.record_all(Act(ActKind.KEPT, "a", f"pkg-{each}") for each in range(5))
    ledger.witnessed = cosigned(ledger, "a", "b")
    audit.record_all(Act(ActKind.KEPT, "a", f"pkg-{each}") for each in range(5, 9))
    asked = [8, 0, 4, 5]
    receipts = gather(ledger, {index: audit._bodies[index] for index in asked})
    assert [each.index for each in receipts] == asked
    assert [each.checkpoint.size for each in receipts] == [9, 5, 5, 9]
    for each in receipts:
        assert verify_receipt(render(each), KEYS.verifier).index == each.index
    assert gather(ledger, {}) == []


def test_a_forged_cosignature_is_refused_even_where_the_quorum_is_met(clock: SetClock, ledger: MemoryLedger) -> None:
    audit = MemoryAudit(clock, ledger)
    audit.record(Act(ActKind.KEPT, "a", "pkg-1"))
    ledger.witnessed = cosigned(ledger, "a", "b")
    (receipt,) = gather(ledger, {0: audit._bodies[0]})
    forged = signature_line("c", key_of("c").id(), bytes(72))
    with pytest.raises(IntegrityError):
        verify_receipt(render(receipt) + forged, KEYS.verifier, policy=policy(2))


@pytest.mark.parametrize("text", ["x" * (2 << 20), "c2sp.org/tlog-proof@v1\n" * 200_000])
def test_an_oversize_receipt_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        parse(text)
