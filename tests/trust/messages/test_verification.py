"""Signed requests: what is accepted, and one forged asset an attack (promise 4: each refusal is an act)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chengyi.model.act import ActKind
from chengyi.model.errors import MessageRefusedError
from chengyi.trust.messages.algorithms import signing_key, verifying_key
from chengyi.trust.messages.components import Message
from chengyi.trust.messages.identities import Peer
from chengyi.trust.messages.policy import Policy
from chengyi.trust.messages.refusals import NOTICE, REASONS, Refusal
from chengyi.trust.messages.signing import MessageSigner
from chengyi.trust.messages.verification import MessageVerifier
from trust.messages.forge import (
    EC,
    EC_PRIVATE,
    ED,
    HERE,
    World,
    at,
    ed_key,
    field_changed,
    other_body,
    peers,
    plain,
    signed,
    sub,
    with_field,
    without,
)

Forge = Callable[[World], Message]


@pytest.mark.parametrize("keyid", [ED, EC])
@pytest.mark.parametrize(
    "message",
    [
        plain(),
        plain(b"", method="GET", query=""),
        plain(query="a=1&a=2&%E4%BA%91=x"),
        plain(authority=f"{HERE.upper()}:80"),
        plain(b"x" * 100_000),
    ],
    ids=["post", "get", "query", "authority", "large"],
)
def test_a_signed_request_names_its_signer(keyid: str, message: Message) -> None:
    world = World()
    signer = world.verifier().verify(signed(world.signer(keyid), message))
    assert (signer.id, signer.keyid, signer.created) == ({ED: "node-a", EC: "node-c"}[keyid], keyid, world.clock.now())
    assert world.audit.acts == []


def test_each_sending_has_another_nonce_and_each_counts_once() -> None:
    world = World()
    verifier, signer = world.verifier(), world.signer()
    for _ in range(20):
        verifier.verify(signed(signer))


@pytest.mark.parametrize("seconds", [-29, 0, 30, 60, 89])
def test_clocks_may_differ_within_the_bound(seconds: int) -> None:
    world = World()
    message = signed(world.signer())
    world.clock.advance(timedelta(seconds=seconds))
    assert world.verifier().verify(message).id == "node-a"


def _resigned(world: World, **settings: object) -> Message:
    """Return a request that its own key signed under another policy."""
    return signed(world.signer(policy=Policy(**settings)))  # type: ignore[arg-type]


def _by_hand(world: World, names: str, **changes: str) -> Message:
    """Return a request that the right key signed over a list of components of the forger's choice."""
    from base64 import b64encode

    from chengyi.trust.messages.components import signature_base
    from chengyi.trust.messages.fields import read_signatures

    message = signed(world.signer())
    message = field_changed(message, "signature-input", sub(r"\(.*?\)", f"({names})"))
    for old, new in changes.items():
        message = field_changed(message, "signature-input", sub(f";{old}=[^;]*", new))
    (found,) = read_signatures(message, 4096)
    value = ed_key().sign(signature_base(message, found.components, found.params))
    return field_changed(message, "signature", lambda _: f"chengyi=:{b64encode(value).decode()}:")


ALL = '"@method" "@authority" "@path" "@query" "content-digest" "content-type"'


def _lacking(name: str) -> Forge:
    return lambda world: _by_hand(world, ALL.replace(f'"{name}"', "").strip())


def _two(world: World) -> Message:
    """Return a request with two signatures, of which the second is of an unknown key."""
    message = signed(world.signer())
    other = signed(MessageSigner(signing_key(ed_key(b"b")), "other", world.clock))
    inputs, values = (
        dict(other.fields)[name].replace("chengyi=", "second=") for name in ("signature-input", "signature")
    )
    message = field_changed(message, "signature-input", lambda value: f"{value}, {inputs}")
    return field_changed(message, "signature", lambda value: f"{value}, {values}")


FORGED: dict[str, tuple[Refusal, Forge]] = {
    "no signature": (Refusal.UNSIGNED, lambda _: plain()),
    "signature stripped": (Refusal.UNSIGNED, lambda world: without(signed(world.signer()), "signature")),
    "input stripped": (Refusal.UNSIGNED, lambda world: without(signed(world.signer()), "signature-input")),
    "changed body": (Refusal.WRONG_DIGEST, lambda world: replace(signed(world.signer()), body=b'{"ask":2}')),
    "cut body": (Refusal.WRONG_DIGEST, lambda world: replace(signed(world.signer()), body=b"")),
    "changed body and digest": (Refusal.WRONG_SIGNATURE, lambda world: other_body(signed(world.signer()))),
    "changed path": (Refusal.WRONG_SIGNATURE, lambda world: replace(signed(world.signer()), path="/node/other/")),
    "changed query": (Refusal.WRONG_SIGNATURE, lambda world: replace(signed(world.signer()), query="page=2")),
    "stripped query": (Refusal.WRONG_SIGNATURE, lambda world: replace(signed(world.signer()), query="")),
    "changed method": (Refusal.WRONG_SIGNATURE, lambda world: replace(signed(world.signer()), method="DELETE")),
    "changed type": (
        Refusal.WRONG_SIGNATURE,
        lambda world: field_changed(signed(world.signer()), "content-type", lambda _: "text/html"),
    ),
    "sent to another node": (
        Refusal.WRONG_AUTHORITY,
        lambda world: signed(world.signer(), plain(authority="node-x.example")),
    ),
    "redirected from another node": (
        Refusal.WRONG_SIGNATURE,
        lambda world: replace(signed(world.signer(), plain(authority="node-x.example")), authority=HERE),
    ),
    "component stripped": (
        Refusal.UNCOVERED,
        lambda world: field_changed(signed(world.signer()), "signature-input", sub('"@path" ', "")),
    ),
    "method not covered": (Refusal.UNCOVERED, _lacking("@method")),
    "authority not covered": (Refusal.UNCOVERED, _lacking("@authority")),
    "path not covered": (Refusal.UNCOVERED, _lacking("@path")),
    "query not covered": (Refusal.UNCOVERED, _lacking("@query")),
    "digest not covered": (Refusal.UNCOVERED, _lacking("content-digest")),
    "type not covered": (Refusal.UNCOVERED, _lacking("content-type")),
    "nothing covered": (Refusal.UNCOVERED, lambda world: _by_hand(world, "")),
    "body without type": (Refusal.UNCOVERED, lambda world: signed(world.signer(), plain(fields=[("Host", HERE)]))),
    "encoding added": (
        Refusal.UNCOVERED,
        lambda world: with_field(signed(world.signer()), "Content-Encoding", "gzip"),
    ),
    "covered field missing": (Refusal.UNCOVERED, lambda world: without(signed(world.signer()), "content-digest")),
    "component twice": (
        Refusal.AMBIGUOUS,
        lambda world: field_changed(signed(world.signer()), "signature-input", sub('"@path"', '"@path" "@path"')),
    ),
    "component of another profile": (
        Refusal.MALFORMED,
        lambda world: _by_hand(world, f'{ALL} "@query-param";name="page"'),
    ),
    "component with parameter": (
        Refusal.MALFORMED,
        lambda world: field_changed(signed(world.signer()), "signature-input", sub('"@path"', '"@path";req="x"')),
    ),
    "expired": (Refusal.EXPIRED, lambda world: signed(world.signer(clock=at(-90)))),
    "signed in the future": (Refusal.FUTURE, lambda world: signed(world.signer(clock=at(31)))),
    "skewed by a day": (Refusal.FUTURE, lambda world: signed(world.signer(clock=at(86_400)))),
    "skewed back by a day": (Refusal.EXPIRED, lambda world: signed(world.signer(clock=at(-86_400)))),
    "valid for an hour": (Refusal.TOO_LONG, lambda world: _resigned(world, life=timedelta(hours=1))),
    "expires before it was made": (
        Refusal.TOO_LONG,
        lambda world: _by_hand(world, ALL, expires=";expires=1"),
    ),
    "moments moved": (
        Refusal.WRONG_SIGNATURE,
        lambda world: field_changed(signed(world.signer(clock=at(-89))), "signature-input", _later),
    ),
    "another suite": (Refusal.WRONG_SUITE, lambda world: _resigned(world, suite="chengyi-node/0")),
    "short nonce": (Refusal.MALFORMED, lambda world: _by_hand(world, ALL, nonce=';nonce="short"')),
    "no nonce": (Refusal.MALFORMED, lambda world: _by_hand(world, ALL, nonce="")),
    "no expiry": (Refusal.MALFORMED, lambda world: _by_hand(world, ALL, expires="")),
    "no algorithm": (Refusal.MALFORMED, lambda world: _by_hand(world, ALL, alg="")),
    "an unknown parameter": (Refusal.MALFORMED, lambda world: _by_hand(world, ALL, alg=';alg="ed25519";x=1')),
    "created as a date": (Refusal.MALFORMED, lambda world: _text(world, r"created=(\d+)", r"created=@\1")),
    "created beyond all time": (
        Refusal.MALFORMED,
        lambda world: _text(world, r"created=\d+", "created=999999999999999"),
    ),
    "nonce as a token": (Refusal.MALFORMED, lambda world: _text(world, 'nonce="[^"]*"', "nonce=abcdefghijklmnopqrst")),
    "unknown key": (Refusal.UNKNOWN_KEY, lambda world: _text(world, 'keyid="[^"]*"', 'keyid="nobody"')),
    "key of another node": (
        Refusal.WRONG_SIGNATURE,
        lambda world: signed(MessageSigner(signing_key(ed_key(b"b")), ED, world.clock)),
    ),
    "algorithm other than the key's": (
        Refusal.WRONG_ALGORITHM,
        lambda world: signed(MessageSigner(signing_key(EC_PRIVATE), ED, world.clock)),
    ),
    "algorithm renamed": (Refusal.WRONG_ALGORITHM, lambda world: _text(world, 'alg="[^"]*"', 'alg="hmac-sha256"')),
    "two signatures, one wrong": (Refusal.AMBIGUOUS, _two),
    "label twice": (
        Refusal.AMBIGUOUS,
        lambda world: field_changed(signed(world.signer()), "signature-input", lambda value: f"{value}, {value}"),
    ),
    "label renamed": (Refusal.MALFORMED, lambda world: _text(world, "chengyi=", "other=")),
    "signature field twice": (
        Refusal.AMBIGUOUS,
        lambda world: with_field(signed(world.signer()), "Signature", "chengyi=:AAAA:"),
    ),
    "digest field twice": (
        Refusal.AMBIGUOUS,
        lambda world: with_field(signed(world.signer()), "Content-Digest", "sha-256=:AAAA:"),
    ),
    "type field twice": (
        Refusal.AMBIGUOUS,
        lambda world: with_field(signed(world.signer()), "Content-Type", "text/html"),
    ),
    "types joined by a proxy": (
        Refusal.AMBIGUOUS,
        lambda world: signed(world.signer(), plain(fields=[("Content-Type", "application/json, text/html")])),
    ),
    "signature not bytes": (
        Refusal.MALFORMED,
        lambda world: field_changed(signed(world.signer()), "signature", lambda _: 'chengyi="x"'),
    ),
    "signature cut": (
        Refusal.WRONG_SIGNATURE,
        lambda world: field_changed(signed(world.signer()), "signature", lambda _: "chengyi=:AAAA:"),
    ),
    "signature empty": (
        Refusal.WRONG_SIGNATURE,
        lambda world: field_changed(signed(world.signer()), "signature", lambda _: "chengyi=::"),
    ),
    "garbage input": (
        Refusal.MALFORMED,
        lambda world: field_changed(signed(world.signer()), "signature-input", lambda _: "((((("),
    ),
    "huge input": (
        Refusal.OVERSIZE,
        lambda world: field_changed(signed(world.signer()), "signature-input", lambda value: value + " " * 20_000),
    ),
    "huge target": (Refusal.OVERSIZE, lambda world: signed(world.signer(), plain(query="a" * 9_000))),
    "huge body": (Refusal.OVERSIZE, lambda world: replace(signed(world.signer()), body=b"x" * ((16 << 20) + 1))),
    "many fields": (
        Refusal.OVERSIZE,
        lambda world: replace(signed(world.signer()), fields=[*signed(world.signer()).fields, *[("X", "1")] * 100]),
    ),
    "not ASCII": (Refusal.MALFORMED, lambda world: replace(signed(world.signer()), path="/node/云/")),
    "line break in a field": (
        Refusal.MALFORMED,
        lambda world: field_changed(signed(world.signer()), "content-type", lambda _: 'a\n"@method": GET'),
    ),
}


def _text(world: World, old: str, new: str) -> Message:
    return field_changed(signed(world.signer()), "signature-input", sub(old, new))


def _later(value: str) -> str:
    import re

    return re.sub(r"(created|expires)=(\d+)", lambda found: f"{found[1]}={int(found[2]) + 30}", value)


@pytest.mark.parametrize("attack", FORGED)
def test_promise_4_a_forged_request_is_refused_and_on_record(attack: str) -> None:
    world = World()
    reason, forge = FORGED[attack]
    with pytest.raises(MessageRefusedError) as caught:
        world.verifier().verify(forge(world))
    assert caught.value.reason == reason.value
    (act,) = world.audit.acts
    assert (act.kind, act.detail["reason"]) == (ActKind.MESSAGE_REFUSED, reason.value)
    for language in ("zh", "en"):
        assert caught.value.message(language)
        assert caught.value.advice(language)


def test_every_reason_but_those_of_honest_messages_has_a_forged_asset_and_words() -> None:
    elsewhere = {Refusal.REPLAYED, Refusal.WRONG_SENDER}
    assert {reason for reason, _ in FORGED.values()} | elsewhere == set(Refusal) == set(REASONS)


def test_promise_4_a_replayed_request_is_refused_for_as_long_as_it_lives() -> None:
    world = World()
    message = signed(world.signer())
    verifier = world.verifier()
    verifier.verify(message)
    for seconds in (0, 30, 59):
        world.clock.at = at(seconds).at
        with pytest.raises(MessageRefusedError) as caught:
            verifier.verify(message)
        assert caught.value.reason == Refusal.REPLAYED
    world.clock.at = at(90).at
    with pytest.raises(MessageRefusedError) as caught:
        verifier.verify(message)
    assert caught.value.reason == Refusal.EXPIRED


def test_a_node_is_addressed_by_its_name_with_or_without_the_schemes_own_port() -> None:
    world = World()
    for named, addressed in ((f"{HERE}:80", HERE), (HERE.upper(), f"{HERE}:80")):
        verifier = MessageVerifier(peers(), world.nonces, world.audit, world.clock, authorities=[named])
        assert verifier.verify(signed(world.signer(), plain(authority=addressed))).id == "node-a"
    nowhere = MessageVerifier(peers(), world.nonces, world.audit, world.clock, authorities=[])
    with pytest.raises(MessageRefusedError, match="another node"):
        nowhere.verify(signed(world.signer()))


def test_a_forged_request_does_not_use_up_the_nonce_of_an_honest_one() -> None:
    world = World()
    verifier, message = world.verifier(), signed(world.signer())
    for forged in (replace(message, path="/x"), other_body(message), replace(message, body=b"x")):
        with pytest.raises(MessageRefusedError):
            verifier.verify(forged)
    assert verifier.verify(message).id == "node-a"


def test_promise_4_a_flood_of_refusals_does_not_flood_the_ledger_and_the_rest_is_counted() -> None:
    world = World()
    verifier = world.verifier(most_acts=3)
    for _ in range(10):
        with pytest.raises(MessageRefusedError):
            verifier.verify(plain())
    world.clock.advance(timedelta(minutes=1))
    with pytest.raises(MessageRefusedError):
        verifier.verify(plain())
    assert [act.detail["unwritten"] for act in world.audit.acts] == [0, 0, 0, 7]


def test_what_a_sender_claims_stands_on_record_short_and_printable() -> None:
    world = World()
    with pytest.raises(MessageRefusedError):
        world.verifier().verify(plain(path="/\x1b[31m" + "x" * 500, method="P\nT"))
    (act,) = world.audit.acts
    assert act.object.isprintable()
    assert len(act.object) < 250


class Chained:
    """Implements `Identities`: believes the chain that the request carries, and keeps what it saw."""

    def __init__(self) -> None:
        self.seen: list[list[bytes]] = []

    def find(self, keyid: str, certificates: object, at: object) -> Peer | None:
        self.seen.append(list(certificates))  # type: ignore[call-overload]
        return Peer("node-a", verifying_key(ed_key().public_key()))


def _carrying(world: World, certificates: list[bytes]) -> Message:
    return signed(MessageSigner(signing_key(ed_key()), ED, world.clock, certificates=certificates))


def test_a_request_carries_its_certificates_under_its_signature() -> None:
    world, chained = World(), Chained()
    verifier = MessageVerifier(chained, world.nonces, world.audit, world.clock, authorities=[HERE])
    verifier.verify(_carrying(world, [b"leaf", b"region"]))
    assert chained.seen == [[b"leaf", b"region"]]
    exchanged = field_changed(_carrying(world, [b"leaf"]), "chengyi-certificates", lambda _: ":b3RoZXI=:")
    five = _carrying(world, [b"x"] * 5)
    garbage = field_changed(_carrying(world, [b"leaf"]), "chengyi-certificates", lambda _: "leaf, (")
    bare = with_field(signed(world.signer()), "Chengyi-Certificates", ":b3RoZXI=:")
    wanted = [Refusal.WRONG_SIGNATURE, Refusal.MALFORMED, Refusal.MALFORMED, Refusal.UNCOVERED]
    for forged, reason in zip((exchanged, five, garbage, bare), wanted, strict=True):
        with pytest.raises(MessageRefusedError) as caught:
            verifier.verify(forged)
        assert caught.value.reason == reason


def test_the_notice_to_senders_tells_no_reason() -> None:
    for text in (NOTICE.zh, NOTICE.en):
        assert not any(reason.value in text or REASONS[reason].zh in text for reason in Refusal)


def test_keys_do_not_show() -> None:
    world = World()
    assert "PRIVATE" not in repr(world.signer())
    assert ED in repr(world.signer())
