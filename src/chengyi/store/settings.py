"""The settings of a node: one class a section of `node.toml`, each field with its default and meaning.

Rules: unknown keys are refused; every field is explained in `docs/settings.md`.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from chengyi.model.errors import ConfigError

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
    node: _Id | Literal[""] = ""
    """Id of the node whose certificate has to sign the requests; empty: the log's own signature is enough."""


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
    region: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s/?#]+)?$")] = ""
    """Address of the region's node, where a served member renews its certificate and takes lists; empty: by files."""
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

    @model_validator(mode="after")
    def _fits(self) -> "HomeSettings":
        if any(each.node for each in self.witness.logs) and not self.messages.authorities:
            raise ValueError(
                "账本限定了节点，须给出 messages.authorities (a log bound to a node needs messages.authorities)"
            )
        return self


class Areas(_Settings):
    """The whole of areas.toml: what people call the areas whose codes stand in the data."""

    areas: dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{2,12}$")], TitleSettings] = {}


_Model = TypeVar("_Model", bound=_Settings)


def parse_settings(text: str, file: str) -> HomeSettings:
    """Return the settings that the text of a node.toml holds; ConfigError names the file and the key."""
    return parse(HomeSettings, text, file)


def parse(kind: type[_Model], text: str, file: str) -> _Model:
    """Return what a TOML text says, as one of the models here; ConfigError names the file and the key."""
    try:
        return kind.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError(file=file, key="-", why=f"不是有效的 TOML (not valid TOML: {fault})") from fault
    except ValidationError as fault:
        first = fault.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(file=file, key=key, why=first["msg"]) from fault


def from_environment(value: str, key: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return a setting with each ${NAME} taken from the environment; ConfigError where one is not set."""

    def look_up(match: re.Match[str]) -> str:
        try:
            return environment[match[1]]
        except KeyError as fault:
            raise ConfigError(file="node.toml", key=key, why=f"${{{match[1]}}} 未设置 (is not set)") from fault

    return re.sub(r"\$\{([A-Z0-9_]+)\}", look_up, value)
