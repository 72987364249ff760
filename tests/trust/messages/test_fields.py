"""The fields of a signature come from outside: whatever they hold, there is one kind of answer."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from chengyi.model.errors import MessageRefusedError
from chengyi.trust.messages.components import authority_of, quoted
from chengyi.trust.messages.digests import check_digest, content_digest
from chengyi.trust.messages.fields import read_signatures
from trust.messages.forge import World, field_changed, plain, signed

FIELD = st.text(st.characters(codec="latin-1"), max_size=200) | st.text('"@();=:,?*. \\abc019', max_size=80)


@given(FIELD, FIELD)
def test_any_signature_fields_are_read_or_refused(inputs: str, value: str) -> None:
    message = plain(fields=[("Signature-Input", inputs), ("Signature", value)])
    with suppress(MessageRefusedError):
        assert read_signatures(message, 4096)


@given(st.sampled_from(["signature-input", "signature", "content-digest", "content-type"]), FIELD)
def test_any_changed_field_is_refused(name: str, value: str) -> None:
    world = World()
    message = signed(world.signer())
    changed = field_changed(message, name, lambda _: value)
    if changed.values(name) == message.values(name):
        return
    with suppress(MessageRefusedError):
        world.verifier().verify(changed)
        raise AssertionError(f"{name}: {value!r} was accepted")


@given(st.data())
def test_any_one_character_changed_in_a_signed_request_is_refused(data: st.DataObject) -> None:
    world = World()
    message = signed(world.signer())
    name = data.draw(st.sampled_from(["signature-input", "content-digest"]))
    (value,) = message.values(name)
    at = data.draw(st.integers(0, len(value) - 1))
    new = data.draw(st.sampled_from('aZ09"=;:() '))
    if new == value[at]:
        return
    changed = field_changed(message, name, lambda text: text[:at] + new + text[at + 1 :])
    with suppress(MessageRefusedError):
        world.verifier().verify(changed)
        raise AssertionError(f"{changed.values(name)} was accepted")


@given(st.binary(max_size=200), st.sampled_from(["sha-256", "sha-512"]))
def test_a_digest_is_that_of_its_body_and_of_no_other(body: bytes, algorithm: str) -> None:
    message = plain(body, fields=[("Content-Digest", content_digest(body, algorithm))])
    check_digest(message)
    with suppress(MessageRefusedError):
        check_digest(plain(body + b"x", fields=message.fields))
        raise AssertionError("another body has the digest")


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_quoted_text_is_read_back(text: str) -> None:
    import http_sf

    assert http_sf.parse(quoted(text).encode(), tltype="item") == (text, {})


def test_only_the_schemes_own_port_is_left_out() -> None:
    assert authority_of("http", "Node.Example:80") == "node.example"
    assert authority_of("http", "node.example:443") == "node.example:443"
    assert authority_of("https", "node.example:443") == "node.example"
    assert authority_of("http", "[::1]:8000") == "[::1]:8000"
    assert authority_of("http", "[::1]") == "[::1]"
