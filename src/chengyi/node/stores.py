"""The vault of a home: its stores by `node.toml`, their keys and certificates, and what was retired."""

from pathlib import Path
from typing import TYPE_CHECKING

from chengyi.model.errors import HomeError
from chengyi.store.settings import StoreSettings, from_environment
from chengyi.trust.vault.care import Care
from chengyi.trust.vault.custody import Custodian
from chengyi.trust.vault.faults import OnFault
from chengyi.trust.vault.placement import Placement, Retirements, place
from chengyi.trust.vault.sites import Site
from chengyi.trust.vault.vault import FragmentVault, Shape
from chengyi.trust.vault.versions import RowVersions

if TYPE_CHECKING:
    from chengyi.node.node import Node
    from chengyi.store.ports import Objects

_HOLDING_IT = ("vault", "collect", "archive", "integrate", "share", "brain")
"""The parts of a node that hold its vault, or a room that does: all are made anew where the stores changed."""


def open_vault(node: "Node", on_fault: OnFault) -> FragmentVault:
    """Open the vault of a home; HomeError where its objects are of the older layout, ConfigError on wrong settings."""
    _refuse_older(node.home.vault)
    settings = node.settings.vault
    placement = placement_of(node)
    sites = [open_site(node, store) for store in placement.used]
    sites += [open_site(node, store, leaving=True) for store in placement.leaving]
    shape = Shape(settings.k, settings.n, settings.t, settings.suite, settings.write_quorum)
    return FragmentVault(sites, node.keys, RowVersions(node.rows), shape, on_fault)


def placement_of(node: "Node") -> Placement:
    """Return which stores of a home are in use, leaving, spare and retired."""
    settings = node.settings.vault
    return place([each.id for each in settings.listed], settings.n, Retirements(node.rows).known())


def open_site(node: "Node", store: str, *, leaving: bool = False) -> Site:
    """Open one listed store; the key of an empty one is made, that of one that holds fragments has to be there."""
    (settings,) = [each for each in node.settings.vault.listed if each.id == store]
    certifier = node.certifier
    path = node.home.path / (settings.key or f"keys/stores/{store}.key")
    custodian = Custodian(store, path, node.keys, node.clock, certify=certifier.certify, check=certifier.check)
    objects = _objects(node, settings)
    if not path.exists() and next(iter(objects.keys()), None) is None:
        custodian.create()
    return Site(store, objects, custodian, settings.patience, leaving=leaving)


def _objects(node: "Node", settings: StoreSettings) -> "Objects":
    if settings.kind == "folder":
        from chengyi.store.objects import FolderObjects

        return FolderObjects(node.home.path / (settings.path or f"vault/{settings.id}"))
    from chengyi.store.s3 import S3Objects

    access, secret = (
        from_environment(value, f"vault.stores.{settings.id}.{key}")
        for key, value in (("access_key", settings.access_key), ("secret_key", settings.secret_key))
    )
    prefix = f"{node.settings.node.id}/{settings.id}"
    return S3Objects(settings.endpoint, settings.bucket, access, secret, prefix=prefix, patience=settings.patience)


def _refuse_older(vault: Path) -> None:
    if next(vault.glob(f"[0-9a-f][0-9a-f]/obj-{'[0-9a-f]' * 32}"), None) is not None:
        why = "存储对象属旧版布局，须用旧版程序导出后重新归档 (its objects are of the older layout)"
        raise HomeError(home=str(vault.parent), why=why)


def care_of(node: "Node", actor: str = "") -> Care:
    """Return the care for a home's vault, in the name of `actor`; of the node itself where none is given."""
    return Care(
        node.rows,
        node.audit,
        node.clock,
        actor or node.actor.id,
        vault=lambda: _reopened(node),
        placement=lambda: placement_of(node),
        scrub_bytes_per_day=node.settings.vault.scrub_bytes_per_day,
    )


def _reopened(node: "Node") -> FragmentVault:
    """Return the vault as the stores are placed now."""
    placement = placement_of(node)
    if {site.id for site in node.vault.sites} != {*placement.used, *placement.leaving}:
        for room in _HOLDING_IT:
            node.__dict__.pop(room, None)
    return node.vault
