"""The account's key lies in a locked file or the environment, and never shows."""

import json
import pickle
import stat
import traceback
from pathlib import Path

import pytest

from chengyi.model.errors import ChengyiError, ConfigError, HomeError, IntegrityError
from chengyi.trust.anchors.accounts import ENVIRONMENT, KEY_FILE, Account
from chengyi.trust.keys import FileKeys
from simulators.keys import MemoryKeys
from trust.anchors.chains import ANVIL_KEY

ANVIL_ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def test_an_account_is_kept_under_the_nodes_keys_and_opened_again(tmp_path: Path) -> None:
    keys = FileKeys.create(tmp_path, "node", "passphrase")
    account = Account.create(tmp_path, keys)
    path = tmp_path / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Account.open(tmp_path, FileKeys.open(tmp_path, "passphrase"), {}).address == account.address
    with pytest.raises(HomeError, match="not overwritten"):
        Account.create(tmp_path, keys)
    assert Account.open(tmp_path, keys, {}).address == account.address
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_the_environment_comes_first() -> None:
    assert Account.open(Path("nowhere"), MemoryKeys(), {ENVIRONMENT: ANVIL_KEY}).address == ANVIL_ADDRESS


def test_promise_3_the_file_opens_under_its_own_keys_only(tmp_path: Path) -> None:
    Account.create(tmp_path, MemoryKeys())
    with pytest.raises(IntegrityError):
        Account.open(tmp_path, MemoryKeys(seed=b"other"), {})


@pytest.mark.parametrize("text", ["", "0x12", ANVIL_KEY + "ab", "zz" * 32, "0x" + "0" * 64, "0x" + "f" * 64])
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Account.open(Path("nowhere"), MemoryKeys(), {ENVIRONMENT: text})
    shown = "".join(traceback.format_exception(caught.value))
    assert not text or text not in shown


def test_keys_do_not_show() -> None:
    account = Account.parse(ANVIL_KEY)
    assert ANVIL_KEY[2:] not in repr(account) + str(account)
    assert not hasattr(account, "__dict__")
    with pytest.raises(TypeError):
        pickle.dumps(account)


@pytest.mark.parametrize("damage", ["absent", "garbage", "list", "format", "wrapped", "address"])
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, damage: str) -> None:
    path = tmp_path / KEY_FILE
    Account.create(tmp_path, MemoryKeys())
    value = json.loads(path.read_text())
    texts = {
        "garbage": "\x00",
        "list": "[]",
        "format": json.dumps({**value, "format": "x"}),
        "wrapped": json.dumps({**value, "wrapped": "AAAA"}),
        "address": json.dumps({**value, "address": ANVIL_ADDRESS}),
    }
    path.unlink()
    if damage in texts:
        path.write_text(texts[damage])
    with pytest.raises(ChengyiError) as caught:
        Account.open(tmp_path, MemoryKeys(), {})
    assert isinstance(caught.value, (ConfigError, IntegrityError))
