"""Compile Anchor.sol by the solc of .parts and write, or with --check compare, Anchor.json beside it."""

import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent
SOURCE = PROJECT / "src/chengyi/trust/anchors/Anchor.sol"
TARGET = SOURCE.with_suffix(".json")
COMPILER = PROJECT / ".parts/node_modules/solc"
_SCRIPT = "const s=require(process.argv[1]);process.stdout.write(s.compile(require('fs').readFileSync(0,'utf8')))"
_SETTINGS = {
    "optimizer": {"enabled": True, "runs": 200},
    "evmVersion": "paris",
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
    "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object"]}},
}


def compiled() -> str:
    """Return the text of Anchor.json."""
    sources = {"Anchor.sol": {"content": SOURCE.read_text()}}
    asked = json.dumps({"language": "Solidity", "sources": sources, "settings": _SETTINGS})
    done = subprocess.run(
        ["node", "-e", _SCRIPT, str(COMPILER)], input=asked, capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    if any(each["severity"] == "error" for each in answer.get("errors", ())):
        raise SystemExit("\n".join(each["formattedMessage"] for each in answer["errors"]))
    found = answer["contracts"]["Anchor.sol"]["Anchor"]
    version = json.loads((COMPILER / "package.json").read_text())["version"]
    value = {"compiler": f"solc {version}", "target": "paris", "abi": found["abi"]}
    return json.dumps({**value, "bytecode": found["evm"]["bytecode"]["object"]}, indent=1) + "\n"


if __name__ == "__main__":
    text = compiled()
    if "--check" in sys.argv:
        raise SystemExit(text != TARGET.read_text())
    TARGET.write_text(text)
