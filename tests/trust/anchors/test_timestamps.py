"""Time-stamps: one suite for the node's own authority and a foreign one, and a forged asset an attack (promise 4)."""

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

import system
from chengyi.model.act import Act, ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import ChengyiError, ConfigError, IntegrityError, NotFoundError, StampError, UnreachableError
from chengyi.store.rows import Rows
from chengyi.trust.anchors.local_tsa import LocalTsa, RowSerials, TsaIdentity, self_signed
from chengyi.trust.anchors.timestamps import MOST_TOKEN_BYTES, HttpTsa, Stamps, Tsa, TsaTrust, check_token
from chengyi.trust.transport import Limits
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger
from trust.anchors.servers import answering, body, hanging

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NOTE = b"a signed note"


class Counter:
    """Implements `Serials` in memory."""

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        self.last += 1
        return self.last


def identity(at: datetime = NOW) -> TsaIdentity:
    key = generate_private_key(SECP256R1())
    return TsaIdentity(key, self_signed(key, "节点 TSA", at))


def local(of: TsaIdentity, at: datetime = NOW) -> LocalTsa:
    return LocalTsa(of, Counter(), SetClock(at))


def trust(of: TsaIdentity) -> TsaTrust:
    return TsaTrust((of.certificate,), pinned=of.certificate)


def query(data: bytes = NOTE, *, certificate: bool = True, algorithm: HashAlgorithm = HashAlgorithm.SHA256) -> bytes:
    builder = TimestampRequestBuilder().data(data).hash_algorithm(algorithm).nonce(nonce=True)
    return builder.cert_request(cert_request=certificate).build().as_bytes()


class Room:
    """A ledger whose checkpoints are stamped."""

    def __init__(self, folder: Path, tsa: Tsa, trusted: TsaTrust, clock: SetClock) -> None:
        self.folder, self.clock = folder / "stamps", clock
        self.ledger = MemoryLedger()
        self.audit = MemoryAudit(clock)
        self.stamps = Stamps(self.folder, tsa, trusted, self.audit, clock, actor="node:test")

    def grown(self) -> Stamps:
        self.ledger.append([b"entry"])
        return self.stamps


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> system.OpensslTsa:
    return system.OpensslTsa(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(params=["local", pytest.param("openssl", marks=pytest.mark.slow)])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Room]:
    if request.param == "local":
        own = identity()
        yield Room(tmp_path, local(own), trust(own), SetClock(NOW))
        return
    foreign: system.OpensslTsa = request.getfixturevalue("foreign")
    root = x509.load_pem_x509_certificate((foreign.folder / "root.pem").read_bytes())
    with foreign.serving() as url:
        tsa = HttpTsa(url)
        yield Room(tmp_path, tsa, TsaTrust((root,)), SetClock(datetime.now(UTC)))
        tsa.close()


def test_a_checkpoint_is_stamped_once_and_checked_offline(room: Room) -> None:
    room.grown()
    checkpoint = room.ledger.checkpoint()
    stamp = room.stamps.stamp(checkpoint)
    assert abs(stamp.at - room.clock.now()) < timedelta(minutes=1)
    assert stamp.authority in {"CN=节点 TSA", "CN=Foreign TSA"}
    assert room.stamps.stamp(checkpoint) == stamp == room.stamps.verify(checkpoint.size)
    assert room.stamps.sizes() == [1]
    (act,) = room.audit.acts
    assert (act.kind, act.object) == (ActKind.STAMPED, f"{checkpoint.origin} 1")
    room.grown()
    assert room.stamps.stamp(room.ledger.checkpoint()).serial > stamp.serial
    assert room.stamps.sizes() == [1, 2]


def test_promise_4_a_token_of_another_checkpoint_is_refused(room: Room) -> None:
    for _ in range(2):
        room.grown().stamp(room.ledger.checkpoint())
    (room.folder / "1.tsr").write_bytes((room.folder / "2.tsr").read_bytes())
    with pytest.raises(IntegrityError, match="something else"):
        room.stamps.verify(1)
    (room.folder / "2.checkpoint").write_bytes(b"another note")
    with pytest.raises(IntegrityError, match="something else"):
        room.stamps.verify(2)


@pytest.mark.slow
def test_promise_4_any_flipped_bit_is_refused_or_changes_nothing(room: Room) -> None:
    room.grown()
    checkpoint = room.ledger.checkpoint()
    stamp = room.stamps.stamp(checkpoint)
    path = room.folder / "1.tsr"
    token = path.read_bytes()
    refused = 0
    for at in range(len(token)):
        flipped = bytearray(token)
        flipped[at] ^= 1 << at % 8
        path.write_bytes(flipped)
        try:
            assert room.stamps.verify(1) == stamp
        except IntegrityError:
            refused += 1
    assert refused > 0.9 * len(token)


def test_a_token_cut_off_anywhere_is_refused(room: Room) -> None:
    room.grown().stamp(room.ledger.checkpoint())
    path = room.folder / "1.tsr"
    token = path.read_bytes()
    for size in range(0, len(token), 7):
        path.write_bytes(token[:size])
        with pytest.raises(IntegrityError):
            room.stamps.verify(1)


def test_openssl_accepts_our_tokens(tmp_path: Path) -> None:
    own = identity(datetime.now(UTC))
    asked = query()
    reply = local(own, datetime.now(UTC)).answer(asked)
    for name, content in (("reply", reply), ("query", asked), ("ca", own.certificate.public_bytes(Encoding.PEM))):
        (tmp_path / name).write_bytes(content)
    command = [system.openssl(), "ts", "-verify", "-in", "reply", "-queryfile", "query", "-CAfile", "ca"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    (tmp_path / "query").write_bytes(query())
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode != 0
    (tmp_path / "query").write_bytes(asked)
    (tmp_path / "reply").write_bytes(reply[:-1] + bytes([reply[-1] ^ 1]))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode != 0


def test_our_tokens_read_as_the_standards_say() -> None:
    """A second reader, asn1crypto, finds what RFC 3161, 5652 and 5816 ask for."""
    from hashlib import sha256

    from asn1crypto import cms, tsp  # type: ignore[import-untyped]

    own = identity()
    token = tsp.TimeStampResp.load(local(own).answer(query()), strict=True)["time_stamp_token"]
    signed: cms.SignedData = token["content"]
    assert signed["version"].native == "v3"
    assert len(signed["certificates"]) == len(signed["signer_infos"]) == 1
    info = signed["encap_content_info"]["content"].parsed
    assert (info["version"].native, info["gen_time"].native) == ("v1", NOW)
    attributes = {each["type"].native: each["values"][0] for each in signed["signer_infos"][0]["signed_attrs"]}
    assert set(attributes) == {"content_type", "message_digest", "signing_certificate_v2"}
    assert attributes["message_digest"].native == sha256(signed["encap_content_info"]["content"].contents).digest()
    digest = attributes["signing_certificate_v2"]["certs"][0]["cert_hash"].native
    assert digest == own.certificate.fingerprint(SHA256())
    assert token.dump(force=True) == token.dump()


def test_a_reply_carries_the_certificate_only_where_it_was_asked_for() -> None:
    own = identity()
    with_it, without = (local(own).answer(query(certificate=wanted)) for wanted in (True, False))
    assert own.certificate.public_bytes(Encoding.DER) in with_it
    assert own.certificate.public_bytes(Encoding.DER) not in without


def _with_certificate(change: Callable[[x509.CertificateBuilder], x509.CertificateBuilder]) -> TsaIdentity:
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TSA")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(7).not_valid_before(NOW - timedelta(days=2)).not_valid_after(NOW + timedelta(days=2))
    )
    return TsaIdentity(key, change(builder).sign(key, SHA256()))


def _usage(*usages: x509.ObjectIdentifier, critical: bool = True) -> TsaIdentity:
    return _with_certificate(lambda builder: builder.add_extension(x509.ExtendedKeyUsage(list(usages)), critical))


STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
WRONG_CERTIFICATES = {
    "for servers": _usage(ExtendedKeyUsageOID.SERVER_AUTH),
    "usage not critical": _usage(STAMPING, critical=False),
    "no usage": _with_certificate(lambda builder: builder),
}


@pytest.mark.parametrize("wrong", WRONG_CERTIFICATES)
def test_promise_4_a_certificate_that_is_not_for_stamping_is_refused(wrong: str) -> None:
    own = WRONG_CERTIFICATES[wrong]
    with pytest.raises(IntegrityError, match="does not hold"):
        check_token(local(own).answer(query()), NOTE, trust(own), size=1)


@pytest.mark.parametrize("days", [-3, 3])
def test_promise_4_a_certificate_that_was_not_valid_then_is_refused(days: int) -> None:
    own = _usage(STAMPING)
    check_token(local(own).answer(query()), NOTE, trust(own), size=1)
    with pytest.raises(IntegrityError, match="does not hold"):
        check_token(local(own, NOW + timedelta(days=days)).answer(query()), NOTE, trust(own), size=1)


def test_promise_4_another_authority_under_the_same_name_is_refused() -> None:
    own, forger = identity(), identity()
    reply = local(forger).answer(query())
    for trusted in (
        trust(own),
        TsaTrust((own.certificate,)),
        TsaTrust((own.certificate, forger.certificate), (), own.certificate),
    ):
        with pytest.raises(IntegrityError, match="does not hold"):
            check_token(reply, NOTE, trusted, size=1)


class Bad:
    """Implements `Tsa`: answers as it was told."""

    name = "bad.example"

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.answer = answer  # type: ignore[method-assign, assignment]

    def answer(self, query: bytes) -> bytes:
        raise NotImplementedError


OWN = identity()
REPLIES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "garbage": (lambda _: b"\x00\xff" * 50, "no time-stamp reply"),
    "nothing": (lambda _: b"", "no time-stamp reply"),
    "too large": (lambda _: b"0" * (MOST_TOKEN_BYTES + 1), "too large"),
    "a page": (lambda _: b"<html></html>", "no time-stamp reply"),
    "rejection": (lambda _: local(OWN).answer(b""), "not granted"),
    "granted without token": (lambda _: bytes.fromhex("30053003020100"), "malformed"),
    "another imprint": (lambda _: local(OWN).answer(query(b"other")), "something else"),
    "another hash": (lambda _: local(OWN).answer(query(algorithm=HashAlgorithm.SHA512)), "something else"),
    "an old nonce": (lambda _: local(OWN).answer(query(MemoryLedger().checkpoint().note.encode())), "not ours"),
    "another authority": (lambda asked: local(identity()).answer(asked), "does not hold"),
    "a slow clock": (lambda asked: local(OWN, NOW - timedelta(minutes=4)).answer(asked), ""),
    "a wrong clock": (lambda asked: local(OWN, NOW + timedelta(minutes=6)).answer(asked), "differ too much"),
}


@pytest.mark.parametrize("fault", REPLIES)
def test_promise_4_a_reply_that_does_not_count_is_one_clear_error_and_leaves_nothing(
    fault: str, tmp_path: Path
) -> None:
    answer, why = REPLIES[fault]
    room = Room(tmp_path, Bad(answer), trust(OWN), SetClock(NOW))
    if not why:
        assert room.stamps.stamp(room.ledger.checkpoint()).size == 0
        return
    with pytest.raises(StampError, match=why) as caught:
        room.stamps.stamp(room.ledger.checkpoint())
    assert caught.value.message("zh")
    assert caught.value.advice("zh")
    assert not room.folder.exists()
    assert room.audit.acts == []


def test_an_authority_out_of_reach_is_one_clear_error(tmp_path: Path) -> None:
    limits = Limits(seconds=0.3, most_bytes=1000)
    for answer in (hanging, body(b"x" * 2000), body(b"", "500 Oops")):
        with answering(answer) as url:
            tsa = HttpTsa(url, limits)
            room = Room(tmp_path, tsa, trust(OWN), SetClock(NOW))
            with pytest.raises(UnreachableError):
                room.stamps.stamp(room.ledger.checkpoint())
            tsa.close()
    assert not room.folder.exists()


def test_queries_that_are_not_ours_to_answer_are_rejected() -> None:
    tsa = local(identity())
    for asked in (b"", b"\x30\x00", b"x" * 5000, query()[:-3]):
        assert tsa.answer(asked)[:4] == bytes.fromhex("30093007")
    negative = bytes.fromhex("300d02010130050500040100020180"), b"0\x82\xff\xff" + b"\x00" * 100
    assert {tsa.answer(each)[:4] for each in negative} == {bytes.fromhex("30093007")}
    short = query().replace(bytes.fromhex("0420"), bytes.fromhex("041f"), 1)
    assert len(tsa.answer(short)) == 11


def test_serials_are_given_once_also_after_a_restart(rows: Rows, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'node.db'}"
    first, other = RowSerials(rows, "a"), RowSerials(Rows(url), "a")
    assert [first.next(), other.next(), first.next(), RowSerials(rows, "b").next()] == [1, 2, 3, 1]


def test_a_crash_between_token_and_act_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = identity()
    room = Room(tmp_path, local(own), trust(own), SetClock(NOW))
    with monkeypatch.context() as patched:
        patched.setattr(room.audit, "record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            room.stamps.stamp(room.ledger.checkpoint())
    for _ in range(2):
        room.stamps.stamp(room.ledger.checkpoint())
    assert [act.kind for act in room.audit.acts] == [ActKind.STAMPED]


def test_the_acts_of_stamping_are_no_reason_to_stamp_again(tmp_path: Path) -> None:
    own = identity()
    room = Room(tmp_path, local(own), trust(own), SetClock(NOW))
    room.audit = MemoryAudit(room.clock, room.ledger)
    room.stamps = Stamps(room.folder, local(own), trust(own), room.audit, room.clock, actor="node:test")
    assert room.stamps.stamp_news(room.ledger.checkpoint()) is None
    for _ in range(3):
        room.audit.record(Act(ActKind.READ, "node:test", "something"))
        assert room.stamps.stamp_news(room.ledger.checkpoint()) is not None
        assert room.stamps.stamp_news(room.ledger.checkpoint()) is None


def test_what_was_never_stamped_is_told(tmp_path: Path) -> None:
    own = identity()
    room = Room(tmp_path, local(own), trust(own), SetClock(NOW))
    assert room.stamps.sizes() == []
    with pytest.raises(NotFoundError):
        room.stamps.verify(3)


def test_the_authoritys_key_is_kept_under_the_nodes_keys(tmp_path: Path) -> None:
    own = TsaIdentity.create(tmp_path, MemoryKeys(), "TSA", NOW)
    again = TsaIdentity.open(tmp_path, MemoryKeys())
    assert again.certificate == own.certificate
    assert check_token(local(again).answer(query()), NOTE, trust(own), size=1).serial == 1
    assert "TSA" in repr(own)
    with pytest.raises(IntegrityError):
        TsaIdentity.open(tmp_path, MemoryKeys(seed=b"other"))
    with pytest.raises(ConfigError):
        TsaIdentity.open(tmp_path / "none", MemoryKeys())
    with pytest.raises(ChengyiError):
        TsaIdentity.create(tmp_path, MemoryKeys(), "TSA", NOW)
