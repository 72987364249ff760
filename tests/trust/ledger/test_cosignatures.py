from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.model.errors import IntegrityError
from chengyi.trust.ledger.cosignatures import Cosigner, Ed25519Key, MlDsaKey, cosign, cosignatures
from chengyi.trust.ledger.notes import Verifier, parse_checkpoint, signature_line
from chengyi.trust.ports import Checkpoint
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger
from simulators.objects import MemoryObjects

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
KEYS = MemoryKeys("w.invalid/1", b"one")
CLASSIC, QUANTUM = Ed25519Key.of(KEYS), MlDsaKey.open(MemoryObjects(), KEYS)


def checkpoint() -> Checkpoint:
    ledger = MemoryLedger()
    ledger.append([b"a", b"b"])
    return ledger.checkpoint()


# c2sp.org/tlog-cosignature gives this line; that witness's key is not published, so only the form is read
SPEC = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+"
    "xeMcTOAYQ8=\n"
)


@pytest.mark.parametrize("key", [CLASSIC, QUANTUM], ids=["ed25519", "ml-dsa-44"])
def test_promise_4_a_cosignature_names_the_witness_and_its_moment(key: Ed25519Key | MlDsaKey) -> None:
    point = checkpoint()
    (found,) = cosignatures(point.note + cosign(point, key, AT), [CLASSIC.public, QUANTUM.public])
    assert (found.cosigner, found.at) == (key.public, AT)


def test_the_ed25519_message_is_that_of_the_specification() -> None:
    point = parse_checkpoint(SPEC)
    message = CLASSIC.public.message(point, 1_679_315_147)
    head = "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
    assert message.decode() == head + "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def test_the_ml_dsa_message_is_that_of_the_specification() -> None:
    point = parse_checkpoint(SPEC)
    message = QUANTUM.public.message(point, 1_679_315_147)
    expected = b"subtree/v1\n\x00" + b"\x0bw.invalid/1" + (1_679_315_147).to_bytes(8, "big")
    expected += b"\x1bexample.com/behind-the-sofa" + bytes(8) + (20_852_163).to_bytes(8, "big") + point.root
    assert message == expected


def test_lines_of_unknown_keys_are_ignored_and_wrong_ones_of_known_keys_are_fatal() -> None:
    point = checkpoint()
    stranger = Ed25519Key.of(MemoryKeys("w.invalid/1", b"two"))
    note = point.note + cosign(point, stranger, AT)
    assert cosignatures(note, [CLASSIC.public]) == ()
    forged = signature_line("w.invalid/1", CLASSIC.public.id(), bytes(72))
    for line in (forged, signature_line("w.invalid/1", CLASSIC.public.id(), b"short")):
        with pytest.raises(IntegrityError):
            cosignatures(note + line, [CLASSIC.public])
    line = cosign(point, CLASSIC, AT)
    with pytest.raises(IntegrityError, match="twice"):
        cosignatures(point.note + line + line, [CLASSIC.public])


def test_a_moment_that_no_calendar_knows_is_refused() -> None:
    point = checkpoint()
    for seconds in (0, 1 << 62):
        raw = seconds.to_bytes(8, "big") + KEYS.sign(CLASSIC.public.message(point, seconds))
        with pytest.raises(IntegrityError):
            cosignatures(point.note + signature_line("w.invalid/1", CLASSIC.public.id(), raw), [CLASSIC.public])


def test_an_ml_dsa_key_is_made_once_and_lies_wrapped() -> None:
    objects = MemoryObjects()
    first = MlDsaKey.open(objects, KEYS)
    assert MlDsaKey.open(objects, KEYS).public == first.public
    (stored,) = objects.stored.values()
    assert len(stored) == 60
    objects.stored = {name: raw[:-1] + b"\0" for name, raw in objects.stored.items()}
    with pytest.raises(IntegrityError):
        MlDsaKey.open(objects, KEYS)
    assert "private" not in repr(first)


@pytest.mark.parametrize("key", [CLASSIC.public, QUANTUM.public], ids=["ed25519", "ml-dsa-44"])
def test_a_vkey_has_one_form(key: Cosigner) -> None:
    assert Cosigner.parse(str(key)) == key
    for wrong in (str(key)[:-1], str(key).replace("w.invalid", "v.invalid"), "", "a+b", f" x {key}", KEYS.verifier):
        with pytest.raises(IntegrityError):
            Cosigner.parse(wrong)


def test_a_log_key_is_no_cosignature_key_and_the_ids_differ() -> None:
    verifier = Verifier.parse(KEYS.verifier)
    assert Cosigner.of(verifier).id() != verifier.id()
    assert len({CLASSIC.public.id(), QUANTUM.public.id(), verifier.id()}) == 3


@given(st.binary(max_size=100), st.sampled_from([CLASSIC, QUANTUM]))
@settings(deadline=None)
def test_any_bytes_are_no_cosignature(raw: bytes, key: Ed25519Key | MlDsaKey) -> None:
    with pytest.raises(IntegrityError):
        key.public.check(checkpoint(), raw)
