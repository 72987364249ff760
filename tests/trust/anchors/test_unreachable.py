"""A chain that cannot be reached, hangs, or answers nonsense: one clear error each, in bounded time."""

import pytest

import system
from chengyi.model.errors import UnreachableError
from chengyi.trust.anchors.evm import EvmAnchor, connect
from chengyi.trust.transport import Exchange, Limits, host_of
from trust.anchors.chains import ORIGIN, checkpoint
from trust.anchors.servers import Answer, answering, body, closing, dripping, dripping_head, endless, hanging

LIMITS = Limits(seconds=0.4, most_bytes=100_000)
ADDRESS = "0x" + "12" * 20

BAD: dict[str, tuple[Answer, str]] = {
    "hanging": (hanging, "no answer in time"),
    "dripping": (dripping, "no answer in time"),
    "dripping in its head": (dripping_head, "no answer in time"),
    "closing": (closing, "connection failed"),
    "endless": (endless, "too large"),
    "not HTTP": (lambda connection: connection.sendall(b"SSH-2.0\r\n\r\n"), "connection failed"),
    "garbage": (body(b"\x00\xff<html>"), "not JSON-RPC"),
    "deep": (body(b"[" * 50_000), "not JSON-RPC"),
    "a list": (body(b"[]"), "not JSON-RPC"),
    "no result": (body(b'{"jsonrpc":"2.0","id":0}'), "not JSON-RPC"),
    "result of another kind": (body(b'{"jsonrpc":"2.0","id":0,"result":{"a":[]}}'), "nonsense"),
    "result null": (body(b'{"jsonrpc":"2.0","id":0,"result":null}'), "nonsense"),
    "an error": (body(b'{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"secret"}}'), "nonsense"),
    "an error of another kind": (body(b'{"jsonrpc":"2.0","id":0,"error":"secret"}'), "nonsense"),
    "status": (body(b"", "503 Service Unavailable"), "503"),
    "redirect": (body(b"", "302 Found\r\nLocation: http://127.0.0.1:1/"), "302"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_chain_that_answers_badly_is_one_clear_error(fault: str) -> None:
    answer, why = BAD[fault]
    with answering(answer) as url:
        anchor = EvmAnchor(connect(url, LIMITS), None, ADDRESS)
        with pytest.raises(UnreachableError, match=why) as caught:
            anchor.latest(ORIGIN)
        anchor.close()
    said = [caught.value.message("zh"), caught.value.message("en"), repr(caught.value), repr(caught.value.__cause__)]
    assert not any("secret" in each for each in said)


def test_a_port_that_nobody_listens_on_is_one_clear_error() -> None:
    anchor = EvmAnchor(connect(f"http://127.0.0.1:{system.free_port()}", LIMITS), None, ADDRESS)
    with pytest.raises(UnreachableError, match="connection failed"):
        anchor.anchor(checkpoint(1))
    anchor.close()


def test_an_address_that_is_none_is_one_clear_error() -> None:
    for url in ("", "chain", "ftp://host/", "http://[", "http://\x00/"):
        exchange = Exchange(url, "application/json", LIMITS)
        with pytest.raises(UnreachableError):
            exchange.post(b"{}")
        exchange.close()


def test_messages_name_the_host_only() -> None:
    assert host_of("https://user:password@chain.example:8545/key?token=1") == "chain.example:8545"
