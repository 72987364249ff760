"""One suite for every chain: py-evm in process, anvil as a process behind real HTTP (promise 4)."""

import json
from dataclasses import replace
from typing import Any

import pytest

import system
from chengyi.model.errors import AnchorError, ConfigError, IntegrityError
from chengyi.trust.anchors.accounts import Account
from chengyi.trust.anchors.chain import Head
from chengyi.trust.anchors.evm import EvmAnchor, EvmSettings, connect, deploy
from trust.anchors.chains import ANVIL_KEY, ORIGIN, ORIGINS, Chain, checkpoint


def test_a_checkpoint_is_anchored_and_read_back(chain: Chain) -> None:
    assert chain.anchor.latest(ORIGIN) is None
    proof = chain.anchor.anchor(checkpoint(7))
    assert chain.anchor.latest(ORIGIN) == Head(7, checkpoint(7).root, proof.block)
    assert (proof.origin, proof.size, proof.root) == (ORIGIN, 7, checkpoint(7).root.hex())
    receipt = json.loads(proof.receipt)
    assert receipt["transactionHash"].removeprefix("0x") == proof.transaction
    assert receipt["status"] == 1
    assert chain.anchor.confirms(proof)
    assert not chain.anchor.confirms(replace(proof, receipt=proof.receipt.replace("1", "2")))


def test_anchoring_again_returns_the_same_proof_and_sends_nothing(chain: Chain) -> None:
    proof = chain.anchor.anchor(checkpoint(7))
    sent = chain.web3.eth.get_transaction_count(chain.account.address)
    again = EvmAnchor(chain.web3, chain.account, proof.contract)
    assert again.anchor(checkpoint(7)) == proof
    assert chain.web3.eth.get_transaction_count(chain.account.address) == sent


def test_promise_4_a_rollback_is_refused(chain: Chain) -> None:
    chain.anchor.anchor(checkpoint(7))
    chain.anchor.anchor(checkpoint(9))
    for forged in (checkpoint(8), checkpoint(7), checkpoint(9, salt="other"), checkpoint(0)):
        with pytest.raises(IntegrityError, match="rolled back"):
            chain.anchor.anchor(forged)
    head = chain.anchor.latest(ORIGIN)
    assert head is not None
    assert head.size == 9


def test_promise_4_the_contract_itself_refuses_a_rollback(chain: Chain) -> None:
    """A forger does not ask us first: the transaction goes straight to the chain."""
    from chengyi.trust.anchors.contract import compiled, origin_key

    proof = chain.anchor.anchor(checkpoint(9))
    contract = chain.web3.eth.contract(address=proof.contract, abi=compiled().abi)
    for forged in (checkpoint(8), checkpoint(9, salt="other")):
        data = contract.encode_abi("anchor", [origin_key(ORIGIN), forged.size, forged.root])
        nonce = chain.web3.eth.get_transaction_count(chain.account.address)
        fields = {"to": proof.contract, "data": data, "value": 0, "gas": 150_000, "nonce": nonce}
        price = {"gasPrice": chain.web3.eth.gas_price, "chainId": chain.web3.eth.chain_id}
        sent = chain.web3.eth.send_raw_transaction(chain.account.sign({**fields, **price}))
        assert chain.web3.eth.wait_for_transaction_receipt(sent)["status"] == 0
    assert chain.anchor.latest(ORIGIN) == Head(9, checkpoint(9).root, proof.block)


def test_logs_do_not_disturb_each_other(chain: Chain) -> None:
    chain.anchor.anchor(checkpoint(9))
    chain.anchor.anchor(checkpoint(3, ORIGINS[1]))
    heads = [chain.anchor.latest(origin) for origin in ORIGINS]
    assert [head.size for head in heads if head] == [9, 3]


def test_promise_4_only_the_registered_account_anchors(chain: Chain) -> None:
    with pytest.raises(AnchorError, match="not registered"):
        chain.anchor.anchor(checkpoint(1, "unknown.invalid/node"))
    stranger = EvmAnchor(chain.web3, chain.stranger, chain.anchor.anchor(checkpoint(1)).contract)
    with pytest.raises(AnchorError, match="not registered"):
        stranger.anchor(checkpoint(2))


def test_an_account_without_coins_is_told(chain: Chain) -> None:
    with pytest.raises(AnchorError, match="not enough coins") as caught:
        deploy(chain.web3, chain.poor(), ORIGINS)
    assert "余额" in caught.value.message("zh")
    assert caught.value.advice("zh")


def test_another_chain_than_the_configured_is_refused_before_anything_is_signed(chain: Chain) -> None:
    contract = chain.anchor.anchor(checkpoint(1)).contract

    class Unused(Account):
        __slots__ = ()

        def sign(self, transaction: object) -> bytes:
            raise AssertionError("it was signed")

    wrong = EvmAnchor(chain.web3, Unused(b"\x01" * 32), contract, EvmSettings(chain=20_200))
    with pytest.raises(ConfigError, match="id is another"):
        wrong.anchor(checkpoint(2))
    with pytest.raises(ConfigError, match="id is another"):
        wrong.latest(ORIGIN)


def test_an_address_without_contract_is_refused(chain: Chain) -> None:
    with pytest.raises(ConfigError, match="no contract"):
        EvmAnchor(chain.web3, chain.account, chain.poor().address).anchor(checkpoint(1))
    with pytest.raises(ConfigError, match="not a contract's address"):
        EvmAnchor(chain.web3, chain.account, "0x12")


def test_without_an_account_one_reads_only(chain: Chain) -> None:
    proof = chain.anchor.anchor(checkpoint(5))
    reader = EvmAnchor(chain.web3, None, proof.contract)
    assert reader.latest(ORIGIN) == Head(5, checkpoint(5).root, proof.block)
    with pytest.raises(ConfigError, match="no account"):
        reader.anchor(checkpoint(6))


def test_a_nonce_that_another_took_is_told_and_may_be_tried_again(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.anchor.anchor(checkpoint(1))
    eth = type(chain.web3.eth)
    monkeypatch.setattr(eth, "get_transaction_count", lambda *_: 0)
    with pytest.raises(AnchorError, match="nonce was taken"):
        chain.anchor.anchor(checkpoint(2))
    monkeypatch.undo()
    assert chain.anchor.anchor(checkpoint(2)).size == 2


def test_a_transaction_that_is_reverted_in_its_block_is_told(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call passes, then another transaction comes first: here, too little gas stands for it."""
    contract = chain.anchor.anchor(checkpoint(1)).contract
    poor = EvmAnchor(chain.web3, chain.account, contract, EvmSettings(gas=24_500))
    with pytest.raises(AnchorError, match="reverted"):
        poor.anchor(checkpoint(2))
    head = chain.anchor.latest(ORIGIN)
    assert head is not None
    assert head.size == 1


def test_keys_do_not_show(chain: Chain) -> None:
    assert repr(chain.account) == f"Account({chain.account.address})"


@pytest.mark.slow
def test_a_transaction_that_is_not_mined_in_time_is_told_and_found_later() -> None:
    with system.anvil() as url:
        web3: Any = connect(url)
        account = Account.parse(ANVIL_KEY)
        address = deploy(web3, account, ORIGINS)
        hasty = EvmAnchor(web3, account, address, EvmSettings(receipt_seconds=0.3))
        web3.provider.make_request("evm_setAutomine", [False])
        with pytest.raises(AnchorError, match="not mined in time"):
            hasty.anchor(checkpoint(4))
        assert hasty.latest(ORIGIN) is None
        web3.provider.make_request("evm_mine", [])
        sent = web3.eth.get_transaction_count(account.address)
        proof = hasty.anchor(checkpoint(4))
        assert web3.eth.get_transaction_count(account.address, "pending") == sent
        assert hasty.latest(ORIGIN) == Head(4, checkpoint(4).root, proof.block)
        assert hasty.confirms(proof)
        hasty.close()
