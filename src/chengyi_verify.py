"""离线核验城忆节点开出的回执、档案证明和账本分叉证据。 Checks offline what a Chengyi node hands out.

It trusts only the key and the policy that you give it, needs only Python >= 3.11 and `cryptography`, and uses no code
of the node. Exit code: 0 proven, 1 not proven, 2 wrong use. It refuses at the first of these steps that fails:

1. The checkpoint is a note (c2sp.org/signed-note) that the log whose key you gave signed with Ed25519.
2. Cosignatures (c2sp.org/tlog-cosignature) by that key or by witnesses of your policy (c2sp.org/tlog-policy) are right,
   and together they meet the policy's quorum. Lines of other keys prove nothing.
3. A receipt (c2sp.org/tlog-proof): the SHA-256 of the act is an entry that leads by its audit path to the signed root.
4. A record: the act names the digest of the inventory; that names the digests of all files, and the root over all rows,
   to which each shown row leads. Nothing else lies in the record.
5. Evidence of a split view: two checkpoints that the log signed contradict each other.
"""

import argparse
import base64
import json
import re
import sys
import zipfile
from collections import namedtuple
from datetime import UTC, datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG, WITNESS, QUANTUM = b"\x01", b"\x04", b"\x06"  # kinds of keys: a log's; a witness's, by Ed25519 and by ML-DSA-44
Key = namedtuple("Key", "name kind public")
Checkpoint = namedtuple("Checkpoint", "origin size root cosigned")  # `cosigned`: at which second, by key


def demand(holds: object, why: str) -> None:
    """Refuse unless it holds; any other exception refuses as well."""
    if not holds:
        raise ValueError(why)


def _unbase64(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    demand(base64.b64encode(raw).decode() == text, "Base64 有误。 Malformed base64.")
    return raw


def _unjson(text: str, kind: type = dict) -> Any:  # noqa: ANN401
    value = json.loads(text)
    form = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    demand(form == text and type(value) is kind, "JSON 或数字有误。 Malformed JSON, or number.")
    return value


def _id_of(key: Key) -> bytes:
    return sha256(key.name.encode() + b"\n" + key.kind + key.public).digest()[:4]


def parse_key(vkey: str, *kinds: bytes) -> Key:
    """Read a vkey ``name+id+key`` of one of these kinds."""
    name, shown, encoded = vkey.strip().split("+", 2)
    key = Key(name, _unbase64(encoded)[:1], _unbase64(encoded)[1:])
    fits = key.kind in kinds and len(key.public) == (1312 if key.kind == QUANTUM else 32) and _id_of(key).hex() == shown
    demand(fits and re.fullmatch(r"\S+", name), "公钥有误或类型不符。 A key is malformed, or of another kind.")
    return key


class Policy:
    """Which log and which witnesses count, and what makes a quorum."""

    def __init__(self, log: Key, text: str) -> None:
        self.log, self.witnesses, self.quorum = log, dict[str, Key](), ""
        self.groups: dict[str, tuple[int, list[str]]] = {"none": (0, [])}
        logs, named = list[Key](), list[str]()
        for words in (re.split("[ \t]+", line.strip(" \t")) for line in text.split("\n")):
            known = {*self.witnesses, *self.groups}
            match words:
                case ["log", vkey, *rest] if len(rest) < 2:
                    logs.append(parse_key(vkey, LOG))
                case ["witness", name, vkey, *rest] if len(rest) < 2 and name not in known:
                    self.witnesses[name] = parse_key(vkey, WITNESS, QUANTUM)
                    named.append(self.witnesses[name].public.hex())
                case ["group", name, k, *members] if name not in known and {*members} <= known - {"none"}:
                    least = {"any": 1, "all": len(members)}.get(k) or _unjson(k, int)
                    demand(1 <= least <= len(members), "策略门限有误。 A threshold makes no sense.")
                    self.groups[name], named = (least, members), [*named, *members]
                case ["quorum", name] if name in known and not self.quorum:
                    self.quorum = name
                case [first, *_]:
                    demand(not first or first[0] == "#", "策略无法解析。 The policy cannot be read.")
        once = self.quorum and len({*named}) == len(named)
        demand(once and (not logs or log in logs), "策略缺项、重复或不含该账本。 It lacks or repeats something.")

    def met(self, name: str, cosigned: dict[Key, int]) -> bool:
        """Tell whether a witness, or enough members of a group, cosigned."""
        if name in self.witnesses:
            return self.witnesses[name] in cosigned
        return sum(self.met(each, cosigned) for each in self.groups[name][1]) >= self.groups[name][0]


def checkpoint_of(note: str, policy: Policy) -> Checkpoint:
    """Check every signature by a known key; refuse where the log's is missing."""
    (body, _, tail), signed = note.rpartition("\n\n"), False
    text, lines, head = body + "\n", tail.split("\n"), body.split("\n")
    shaped = lines.pop() == "" and len(lines) <= 64 and not re.search("[\0-\x09\x0b-\x1f]", note)
    demand(shaped and len(head) >= 3 and all(head), "检查点格式有误。 The checkpoint is malformed.")
    found = Checkpoint(head[0], _unjson(head[1], int), _unbase64(head[2]), {})
    keys = (policy.log, Key(policy.log.name, WITNESS, policy.log.public), *policy.witnesses.values())
    known = {(key.name, _id_of(key)): key for key in keys}
    for dash, name, encoded in (line.split(" ") for line in lines):
        raw, key = _unbase64(encoded), known.get((name, _unbase64(encoded)[:4]))
        demand(dash == "—" and re.fullmatch(r"[^\s+]+", name) and len(raw) > 4, "签名行有误。 Malformed signature.")
        if key is None:
            continue
        signature, message, public = raw[4:], text.encode(), Ed25519PublicKey
        if key.kind != LOG:  # a cosignature, with its moment
            signature, seconds = raw[12:], int.from_bytes(raw[4:12], "big")
            message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
            demand(key not in found.cosigned and 0 < seconds < 253402300800, "会签重复或时间有误。 Wrong cosignature.")
            found.cosigned[key] = seconds
        if key.kind == QUANTUM:
            who, where = (bytes([len(part)]) + part for part in (name.encode(), found.origin.encode()))
            message = b"subtree/v1\n\0" + who + raw[4:12] + where + found.size.to_bytes(16, "big") + found.root
            from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey as public  # type: ignore  # noqa: N813, PGH003
        public.from_public_bytes(key.public).verify(signature, message)  # raises InvalidSignature
        signed |= key.kind == LOG
    demand(signed and found.origin == policy.log.name, "未由该账本签名。 Not signed by this log.")
    return found


def climb(index: int, last: int, seed: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """Return the roots of the old and the new tree to which a path leads (RFC 9162 sections 2.1.3.2 and 2.1.4.2)."""
    small = large = seed
    demand(0 <= index <= last, "序号不在树中。 The index is outside the tree.")
    for sibling in path:
        demand(last > 0 and len(sibling) == 32, "路径有误。 The path is too long, or malformed.")
        if index & 1 or index == last:
            small, large = (sha256(b"\1" + sibling + each).digest() for each in (small, large))
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            large = sha256(b"\1" + large + sibling).digest()
        index, last = index >> 1, last >> 1
    demand(last == 0, "路径过短。 The path is too short.")
    return small, large


def check_receipt(text: str, policy: Policy) -> tuple[Any, ...]:
    """Return the checkpoint of a receipt, and the act that it proves."""
    head, _, note = text.partition("\n\n")
    first, extra, index, *path = head.split("\n")
    shaped = first == "c2sp.org/tlog-proof@v1" and (extra[:6], index[:6]) == ("extra ", "index ") and len(path) < 64
    demand(shaped, "回执格式有误。 The receipt is malformed.")
    point, body = checkpoint_of(note, policy), _unbase64(extra[6:])
    dated = Key(policy.log.name, WITNESS, policy.log.public) in point.cosigned
    demand(dated and policy.met(policy.quorum, point.cosigned), "未注明时间或会签不足。 No date, or no quorum.")
    leaf = sha256(b"\0" + sha256(body).digest()).digest()
    _, root = climb(_unjson(index[6:], int), point.size - 1, leaf, [*map(_unbase64, path)])
    demand(root == point.root, "不在账本中。 The act is not in the tree with the signed root.")
    return point, _unjson(body.decode())


def check_record(files: dict[str, Any], policy: Policy) -> tuple[Any, ...]:
    """Return checkpoint, act and shown rows, once all files and rows are proven by the act."""
    point, act = check_receipt(_text_of(files.pop("receipt.tlog-proof")), policy)
    listed, told = _text_of(files.pop("inventory.json")), act["detail"]
    demand(sha256(listed.encode()).hexdigest() == told["inventory"], "清单摘要不符。 Another inventory.")
    inventory = _unjson(listed)
    named = f"{inventory['id'].removeprefix('urn:chengyi:')}@{inventory['head'][1:]}"
    demand((act["kind"], act["object"]) == ("archive.kept", named), "清单不属于该行为。 The act is of another thing.")
    state = inventory["versions"][inventory["head"]]["state"]
    for path, digest in ((each, digest) for digest, paths in state.items() for each in paths):
        with files.pop(f"content/{path}").open("rb") as file:
            demand(file_digest(file, "sha512").hexdigest() == digest, f"文件被改动 The file was changed: {path}")
    rows = {name: _unjson(_text_of(files.pop(name))) for name in sorted(files) if name.startswith("rows/")}
    for name, row in rows.items():
        hashes, leaf = [*map(bytes.fromhex, row["hashes"])], sha256(b"\0" + row["text"].encode()).digest()
        form = name == f"rows/{row['row']}.json" and row["hashes"] == [each.hex() for each in hashes]
        root = climb(row["row"] - 1, inventory["chengyi"]["seal"]["rows"] - 1, leaf, hashes)[1].hex()
        demand(form and len(row) == 3 and root == told["root"], "行证明有误。 A row is not proven.")
    demand(not files, f"有未经证明的文件 Files that nothing proves: {', '.join(files)}")
    return point, act, *rows.values()


def check_split(text: str, policy: Policy) -> tuple[Any, ...]:
    """Return the two checkpoints that contradict each other."""
    value = _unjson(text)
    first, second = (checkpoint_of(value[name], policy) for name in ("first", "second"))
    prefix, proof = _unbase64(value["prefix"]), [*map(_unbase64, value["proof"])]
    holds = first.size == second.size and first.root != second.root and not proof and not prefix
    if 0 < first.size < second.size:
        index, last = first.size - 1, second.size - 1
        while index & 1:
            index, last = index >> 1, last >> 1
        small, large = climb(index, last, *((proof[0], proof[1:]) if index else (prefix, proof)))
        holds = large == second.root and small == prefix != first.root
    holds &= value["format"] == "chengyi-split-view/1" and len(value) == 5
    demand(holds, "两者并不矛盾。 They do not contradict each other.")
    return first, second


def _text_of(path: Any) -> str:  # noqa: ANN401
    with path.open("rb") as file:
        return str(file.read(1 << 26), "utf-8")  # a longer text is cut, and so proves nothing


def files_of(path: Path) -> dict[str, Any]:
    """Return each file of a folder or a zip under its path."""
    if path.is_dir():
        found = [each for each in path.rglob("*") if each.is_symlink() or not each.is_dir()]
        return {each.relative_to(path).as_posix(): each for each in found}
    names = (zipped := zipfile.ZipFile(path)).namelist()
    demand(len({*names}) == len(names), "文件名重复。 A name stands twice in the zip.")
    return {each: zipfile.Path(zipped, each) for each in names}


def say(found: Any) -> None:  # noqa: ANN401
    """Print a line in which nothing can play tricks with the terminal."""
    if isinstance(found, Checkpoint):
        who = [f"{key.name} {datetime.fromtimestamp(at, UTC).isoformat()}" for key, at in found.cosigned.items()]
        found = f"账本 Log {found.origin}, {found.size}, {found.root.hex()}; 会签 cosigned by {', '.join(who) or '-'}"
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    print("".join(each if each.isprintable() else "�" for each in text))  # noqa: T201


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="chengyi-verify", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=("receipt", "record", "split"), help="回执、档案证明、分叉证据")
    parser.add_argument("file", type=Path, help="文件；档案证明为目录或 zip。 A file; of a record a folder or zip.")
    parser.add_argument("--key", required=True, help="账本公钥或存有它的文件。 The log's vkey, or a file with it.")
    parser.add_argument("--policy", type=Path, help="会签策略文件。 A file with a witness policy.")
    asked = parser.parse_args()
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        key = asked.key if "+" in asked.key else Path(asked.key).read_text("utf-8")
        policy = Policy(parse_key(key, LOG), asked.policy.read_text("utf-8") if asked.policy else "quorum none\n")
        check: Any = {"receipt": check_receipt, "record": check_record, "split": check_split}[asked.what]
        for each in check(files_of(asked.file) if asked.what == "record" else _text_of(asked.file), policy):
            say(each)
    except OSError as error:
        say(f"无法读取 Cannot read: {error}")
        return 2
    except Exception as error:  # noqa: BLE001 - whatever is malformed is not proven
        say(f"未通过 NOT PROVEN: {error or '签名有误 a signature is wrong'} ({type(error).__name__})")
        return 1
    say(f"通过 PROVEN{'' if asked.policy else '（未给策略，仅凭账本签名 by the log alone: no policy was given）'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
