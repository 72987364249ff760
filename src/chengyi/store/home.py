"""A node's home folder: where everything is, and who works on it.

Rules: every path inside a home is relative to it, so a home can be moved or copied whole; one process at a
time brings it up to date, and the operating system lets go of the lock when that process dies.
"""

import fcntl
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from chengyi.model.errors import BusyError, ConfigError, HomeError
from chengyi.model.text import Text

_Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
_Words = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TitleSettings(_Settings):
    """A name in both languages."""

    zh: _Words
    en: _Words


class NodeSettings(_Settings):
    """[node] Who this node is."""

    id: _Id
    """The node's name in the ledger and in addresses."""
    name: TitleSettings
    """The node's name for people."""
    department: _Words
    """The organisation that answers for this node."""
    fonds: Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{3}$")] = "X001"
    """全宗号 of the node's own records."""
    demonstration: bool = False
    """True where every record is invented; every page then says so."""
    format: Literal[1] = 1
    """The version of the home's layout."""


class RowsSettings(_Settings):
    """[rows] Where rows are kept."""

    url: str = ""
    """A SQLAlchemy URL; empty means node.db in the home. ${NAME} is taken from the environment."""


class StoreSettings(_Settings):
    """[[vault.stores]] One store of fragments: a folder (best on a disk of its own), or a bucket of an S3 site."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
    """The store's name; its certificate bears it."""
    kind: Literal["folder", "s3"] = "folder"
    """A folder, or an S3-compatible store."""
    path: str = ""
    """The folder, relative to the home; empty means vault/<id>."""
    endpoint: str = ""
    """The S3 endpoint's address."""
    bucket: str = ""
    """The S3 bucket; it must exist."""
    access_key: str = ""
    """The S3 access key; write ${NAME} to take it from the environment."""
    secret_key: str = ""
    """The S3 secret key; write ${NAME} to take it from the environment."""
    key: str = ""
    """The file of the store's own key, relative to the home; empty means keys/stores/<id>.key."""
    patience: Annotated[float, Field(gt=0, le=3600)] = 30
    """Seconds after which a store that does not answer is taken for lost, for this once."""


class VaultSettings(_Settings):
    """[vault] How stored bytes lie in pieces: any k of n stores give them back, fewer reveal nothing."""

    k: Annotated[int, Field(ge=2, le=31)] = 2
    """How many fragments give an object back."""
    n: Annotated[int, Field(ge=3, le=32)] = 3
    """How many stores are in use; each holds one fragment of every object."""
    t: Annotated[int, Field(ge=0, le=32)] = 0
    """How many key shares give the key back, at least k; 0 means k."""
    suite: Literal["aes-sha256", "aes-blake3", "sm4-sm3"] = "aes-sha256"
    """Cipher and hash of new objects."""
    write_quorum: Annotated[int, Field(ge=0, le=32)] = 0
    """How many fragments have to be durable before an object counts as written; 0 means all n."""
    scrub_bytes_per_day: Annotated[int, Field(ge=0)] = 1 << 36
    """How many bytes `chengyi vault scrub` reads in a day; 0 means no limit."""
    stores: tuple[StoreSettings, ...] = ()
    """The stores: the first n are in use, further ones are spares; empty means n folders vault/s1, vault/s2 ..."""

    @property
    def listed(self) -> tuple[StoreSettings, ...]:
        """Return the stores, the folders of an embedded home where none are listed."""
        return self.stores or tuple(StoreSettings(id=f"s{number}") for number in range(1, self.n + 1))


class TablesSettings(_Settings):
    """[tables] How tables are computed."""

    memory: Annotated[str, StringConstraints(pattern=r"^[0-9]+(MiB|GiB)$")] = "1GiB"
    """Memory that the engine may use; larger work spills to the home's disk."""


class WitnessAddressSettings(_Settings):
    """One witness that this node asks to cosign its ledger."""

    name: Annotated[str, StringConstraints(pattern=r"^[^\s+#]{1,100}$")]
    """What this node calls the witness."""
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=500)]
    """The witness's submission prefix; ``/add-checkpoint`` is added to it."""
    key: Annotated[str, StringConstraints(min_length=1, max_length=2500)]
    """The witness's cosignature key (vkey of type 04 or 06), as ``chengyi ledger status`` shows it there."""


class LedgerSettings(_Settings):
    """[ledger] Who cosigns this node's ledger."""

    witnesses: tuple[WitnessAddressSettings, ...] = ()
    """The witnesses that are asked after each run; none means that the ledger rests on the node's own signature."""
    quorum: Annotated[int, Field(ge=1)] | None = None
    """How many of them make a quorum; more than half where it is not given."""

    @model_validator(mode="after")
    def _fits(self) -> "LedgerSettings":
        names, keys = ({getattr(each, part) for each in self.witnesses} for part in ("name", "key"))
        if len(names) < len(self.witnesses) or len(keys) < len(self.witnesses):
            raise ValueError("见证方的名称和公钥不得重复 (a witness is named twice)")
        if self.quorum is not None and self.quorum > len(self.witnesses):
            raise ValueError("quorum 超过见证方数量 (there are fewer witnesses than the quorum)")
        return self

    @property
    def needed(self) -> int:
        """Return how many witnesses have to cosign; 0 where there are none."""
        return 0 if not self.witnesses else self.quorum or len(self.witnesses) // 2 + 1


class WitnessedLogSettings(_Settings):
    """One log that this node is a witness of."""

    origin: Annotated[str, StringConstraints(pattern=r"^[^\s+]{1,200}$")]
    """The log's name, the first line of its checkpoints; of another node, its id."""
    key: Annotated[str, StringConstraints(min_length=1, max_length=400)]
    """The log's verifier key (vkey of type 01), from a place that is trusted."""


class WitnessSettings(_Settings):
    """[witness] Whose ledgers this node cosigns."""

    logs: tuple[WitnessedLogSettings, ...] = ()
    """The logs that this node cosigns when they ask it to; no other is answered."""
    post_quantum: bool = False
    """True to cosign with ML-DSA-44 (FIPS 204) as well as with Ed25519."""

    @model_validator(mode="after")
    def _fits(self) -> "WitnessSettings":
        if len({each.origin for each in self.logs}) < len(self.logs):
            raise ValueError("账本名称不得重复 (a log is named twice)")
        return self


class AuthoritySettings(_Settings):
    """[authority] Certificates of nodes, persons and stores."""

    suite: Literal["p256", "sm"] = "p256"
    """The algorithms a new authority signs with: P-256 with SHA-256, or SM2 with SM3 (needs the system's libcrypto)."""
    leaf_hours: Annotated[int, Field(ge=1, le=24)] = 24
    """How long a node's or a person's certificate lives; it is renewed when two thirds have passed."""
    list_hours: Annotated[int, Field(ge=1, le=6)] = 6
    """How long a list of revoked certificates holds."""
    store_days: Annotated[int, Field(ge=1, le=366)] = 365
    """How long a store's certificate lives; what is sealed to it rests on disks that long."""


class AuditSettings(_Settings):
    """[audit] What the watch over conduct has to know."""

    utc_offset: Annotated[int, Field(ge=-720, le=840)] = 480
    """The office's time, in minutes ahead of UTC."""
    opens: Annotated[int, Field(ge=0, le=23)] = 7
    """The hour from which acts are within working hours."""
    closes: Annotated[int, Field(ge=1, le=24)] = 20
    """The hour from which they are not."""
    watched: tuple[_Words, ...] = ()
    """Objects under special watch, such as dossier:dos-1: every reading of one is flagged."""


class AnchorSettings(_Settings):
    """[anchor] The EVM chain that keeps this node's checkpoints; without an address there is none."""

    url: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s]+)?$", max_length=500)] = ""
    """The address of the chain's JSON-RPC; ${NAME} is taken from the environment."""
    contract: Annotated[str, StringConstraints(pattern=r"^(0x[0-9a-fA-F]{40})?$")] = ""
    """The address of the Anchor contract, as `chengyi anchor deploy` prints it."""
    chain: Annotated[int, Field(ge=0)] = 0
    """The chain's id; another one is refused. 0 takes the id that the chain has."""
    answer_seconds: Annotated[float, Field(gt=0, le=300)] = 10
    """Seconds after which an answer of the chain is given up."""
    receipt_seconds: Annotated[float, Field(gt=0, le=3600)] = 30
    """Seconds to wait for a transaction to be taken into a block."""


class TimestampSettings(_Settings):
    """[timestamps] Who stamps this node's checkpoints with the time (RFC 3161)."""

    kind: Literal["local", "http", "off"] = "local"
    """The node's own authority (its own clock), an outside one behind HTTP, or none."""
    url: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s]+)?$", max_length=500)] = ""
    """The outside authority's address."""
    roots: str = ""
    """A PEM file, relative to the home, of the certificates that the outside authority's tokens lead to."""
    certificate: str = ""
    """A PEM file of the outside authority's own certificate; where it is given, no other signer is accepted."""
    answer_seconds: Annotated[float, Field(gt=0, le=300)] = 10
    """Seconds after which an answer is given up."""

    @model_validator(mode="after")
    def _fits(self) -> "TimestampSettings":
        if self.kind == "http" and not (self.url and self.roots):
            raise ValueError("须给出 url 与 roots (an outside authority needs url and roots)")
        return self


class MessageSettings(_Settings):
    """[messages] Signed requests between nodes (RFC 9421)."""

    authorities: tuple[Annotated[str, StringConstraints(pattern=r"^[^\s/]{1,260}$")], ...] = ()
    """Host, or host:port, by which other nodes address this one; a request to any other is refused."""
    life_seconds: Annotated[int, Field(ge=1, le=120)] = 60
    """How long a signed request may live."""
    skew_seconds: Annotated[int, Field(ge=0, le=60)] = 30
    """By how much two nodes' clocks may differ."""


class HomeSettings(_Settings):
    """The whole of node.toml."""

    node: NodeSettings
    rows: RowsSettings = RowsSettings()
    vault: VaultSettings = VaultSettings()
    tables: TablesSettings = TablesSettings()
    audit: AuditSettings = AuditSettings()
    authority: AuthoritySettings = AuthoritySettings()
    ledger: LedgerSettings = LedgerSettings()
    witness: WitnessSettings = WitnessSettings()
    anchor: AnchorSettings = AnchorSettings()
    timestamps: TimestampSettings = TimestampSettings()
    messages: MessageSettings = MessageSettings()


class _Areas(_Settings):
    """The whole of areas.toml: what people call the areas whose codes stand in the data."""

    areas: dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{2,12}$")], TitleSettings] = {}


_Model = TypeVar("_Model", bound=_Settings)


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of a home folder."""

    path: Path

    @property
    def settings_file(self) -> Path:
        """Return the path of node.toml."""
        return self.path / "node.toml"

    @property
    def sources(self) -> Path:
        """Return the folder of source files, one a source."""
        return self.path / "sources"

    @property
    def keys(self) -> Path:
        """Return the folder of keys."""
        return self.path / "keys"

    @property
    def ledger(self) -> Path:
        """Return the folder of the ledger."""
        return self.path / "ledger"

    @property
    def witness(self) -> Path:
        """Return the folder of what this node knows as a witness of other ledgers, and of its own witnesses."""
        return self.path / "witness"

    @property
    def vault(self) -> Path:
        """Return the folder of stored objects."""
        return self.path / "vault"

    @property
    def lake(self) -> Path:
        """Return the folder of derived tables."""
        return self.path / "lake"

    @property
    def rows(self) -> Path:
        """Return the path of the embedded database."""
        return self.path / "node.db"

    @property
    def areas_file(self) -> Path:
        """Return the path of areas.toml, which may be absent."""
        return self.path / "areas.toml"

    def areas(self) -> dict[str, Text]:
        """Return the names of areas by their code, empty where none are given; ConfigError where they are wrong."""
        if not self.areas_file.exists():
            return {}
        found = _parse(_Areas, _text_of(self.areas_file), str(self.areas_file))
        return {code: Text(name.zh, name.en) for code, name in found.areas.items()}

    def create(self) -> None:
        """Make the folders of a new home; HomeError where something is there already."""
        if self.settings_file.exists():
            raise HomeError(home=self.path, why="已有节点 (there is a node already)")
        if self.path.exists() and not self.path.is_dir():
            raise HomeError(home=self.path, why="不是目录 (not a folder)")
        if (self.ledger / "checkpoint").exists():
            raise HomeError(home=self.path, why="已有账本，但缺少 node.toml (there is a ledger, but no node.toml)")
        for folder in (self.sources, self.keys, self.ledger, self.vault, self.lake):
            folder.mkdir(parents=True, exist_ok=True)
        self.keys.chmod(0o700)

    def settings(self) -> HomeSettings:
        """Read node.toml; HomeError where there is none, ConfigError where it is wrong."""
        try:
            return parse_settings(_text_of(self.settings_file), str(self.settings_file))
        except (FileNotFoundError, NotADirectoryError) as fault:
            raise HomeError(home=self.path, why="没有 node.toml (no node.toml)") from fault

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold this home alone; BusyError, with the holder's process number, where another does."""
        with (self.path / ".lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as fault:
                file.seek(0)
                raise BusyError(home=self.path, holder=file.read().strip() or "?") from fault
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def parse_settings(text: str, file: str) -> HomeSettings:
    """Return the settings that the text of a node.toml holds; ConfigError names the file and the key."""
    return _parse(HomeSettings, text, file)


def _parse(kind: type[_Model], text: str, file: str) -> _Model:
    try:
        return kind.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError(file=file, key="-", why=f"不是有效的 TOML (not valid TOML: {fault})") from fault
    except ValidationError as fault:
        first = fault.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(file=file, key=key, why=first["msg"]) from fault


def _text_of(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError as fault:
        raise ConfigError(file=str(file), key="-", why="须为 UTF-8 编码 (it has to be UTF-8)") from fault


def write_whole(path: Path, text: str) -> None:
    """Write a small file whole or not at all, whatever dies when."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
