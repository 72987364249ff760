"""JSON-RPC with bounded answers, as web3.py's provider; imported only where web3.py is there.

Rules: an answer has to be one JSON object of the bounded size, with a result or an error; anything else is a chain
that cannot be reached.
"""

from typing import Any, cast

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chengyi.model.canonical import parse
from chengyi.trust.transport import Exchange


class BoundedProvider(JSONBaseProvider):
    """Sends JSON-RPC requests over one bounded exchange."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange

    @property
    def host(self) -> str:
        """Return the host and port, for messages."""
        return self._exchange.host

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:  # noqa: ANN401 - web3.py's own signature
        """Return the answer; UnreachableError where it is none."""
        raw = self._exchange.post(self.encode_rpc_request(method, params))
        try:
            answer = parse(raw)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or not ({"result", "error"} & answer.keys()):
            raise self._exchange.unreachable("回应不是 JSON-RPC (its answer is not JSON-RPC)")
        return cast("RPCResponse", {"jsonrpc": "2.0", "id": 0, **answer})
