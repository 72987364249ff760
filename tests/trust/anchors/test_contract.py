"""The committed contract is what its source compiles to."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import system
from chengyi.trust.anchors.contract import compiled, origin_key

PROJECT = Path(__file__).parents[3]


def test_the_committed_bytecode_is_what_the_source_compiles_to() -> None:
    system.solc()
    done = subprocess.run([sys.executable, PROJECT / "scripts" / "solc.py", "--check"], check=False)
    assert done.returncode == 0


def test_the_contract_has_what_is_called() -> None:
    names = {each["name"] for each in compiled().abi if each["type"] == "function"}
    assert {"anchor", "heads", "register", "registrar", "senders"} == names
    assert bytes.fromhex(compiled().bytecode)


def test_a_log_is_known_by_the_digest_of_its_name() -> None:
    assert origin_key("云汀") == sha256("云汀".encode()).digest()
