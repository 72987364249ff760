"""The commands about certificates: the ceremony of the root, regions, enrolling, renewing, revoking, checking.

Requests, certificates and lists pass from machine to machine as files: PEM, and JSON for a renewal.
"""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chengyi.cli.options import HOME, HomeOption, JsonOption
from chengyi.cli.terminal import Terminal
from chengyi.model.errors import BadInputError, NotFoundError, UsageError
from chengyi.model.text import Text
from chengyi.node import Node
from chengyi.node.certificates import forget_store_certificates, foundation_of
from chengyi.trust.authority.wire import (
    CERTIFICATE,
    LIST,
    LONGEST_CHAIN,
    MOST_LISTS,
    REQUEST,
    Renewal,
    pem,
    unpem,
)

if TYPE_CHECKING:
    from chengyi.trust.authority.ceremony import Root

authority_app = typer.Typer(no_args_is_help=True, help="证书：根、区域、登记、续期、吊销。 Certificates.")

RootOption = Annotated[Path, typer.Option("--root", help="根密钥所在目录。 The folder of the root.")]
ToOption = Annotated[Path | None, typer.Option("--to", help="写入的文件。 The file to write.")]
_LARGEST = 16 << 20


class Holder(StrEnum):
    """Whom a certificate is for, as the command line says it."""

    NODE = "node"
    PERSON = "person"
    STORE = "store"


class Use(StrEnum):
    """What a certificate is shown for."""

    SERVER = "server"
    CLIENT = "client"
    SEAL = "seal"


class Why(StrEnum):
    """Why a certificate is revoked (RFC 5280, section 5.3.1)."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"


HolderOption = Annotated[Holder, typer.Option("--kind", help="节点或人员。 A node or a person.")]


@authority_app.command()
def ceremony(
    to: Annotated[Path, typer.Option("--to", help="离线介质上的目录。 A folder on a medium kept offline.")],
    present: Annotated[list[str], typer.Option("--present", help="在场人姓名，可多次。 Who is present; repeat.")],
    suite: Annotated[str, typer.Option(help="p256 或 sm。 p256 or sm.")] = "p256",
    json: JsonOption = False,
) -> None:
    """举行根密钥仪式：生成离线根。 Hold the ceremony that makes the offline root."""
    from chengyi.model.clock import SystemClock
    from chengyi.trust.authority.ceremony import Root
    from chengyi.trust.authority.suites import Suite

    if suite not in {each.value for each in Suite}:
        raise UsageError(why="套件须为 p256 或 sm (the suite is p256 or sm)")
    terminal = Terminal(as_json=json)
    root = Root.create(to, _passphrase(confirm=True), present, SystemClock().now(), Suite(suite))
    terminal.say(Text(f"根已生成，指纹 {root.record.fingerprint}", f"The root is made: {root.record.fingerprint}"))
    terminal.say(
        Text(
            "请当场记下指纹，将该介质离线封存；仪式记录见 ceremony.json。",
            "Write the fingerprint down now and lock the medium away; the record is ceremony.json.",
        )
    )
    terminal.answer({"folder": str(to), "fingerprint": root.record.fingerprint, "present": root.record.present})


@authority_app.command()
def region(domain: str, root: RootOption, home: HomeOption = HOME, json: JsonOption = False) -> None:
    """由根为本节点签发区域证书。 Make this node the authority of a region."""
    from chengyi.trust.authority.authority import Authority

    terminal = Terminal(as_json=json)
    node = Node(home)
    opened = _root(root)
    authority = Authority.create(*foundation_of(node), root=opened, region=domain)
    forget_store_certificates(node)
    terminal.say(Text(f"本节点现为 {authority.domain} 的签发机构", f"This node now certifies {authority.domain}"))
    terminal.answer({"domain": authority.domain, "root": opened.record.fingerprint})


@authority_app.command()
def request(name: str, to: ToOption = None, home: HomeOption = HOME, json: JsonOption = False) -> None:
    """生成本节点的新密钥与证书申请。 Make this node's next key and the request for its certificate."""
    from chengyi.trust.authority.suites import Suite

    terminal = Terminal(as_json=json)
    node = Node(home)
    made = pem(REQUEST, node.authority.credentials.begin(name, Suite(node.settings.authority.suite)))
    _give(terminal, to, made)
    terminal.answer({"name": name, "request": made})


@authority_app.command()
def accept(
    file: Path,
    trust: Annotated[str, typer.Option(help="新的根的指纹。 Fingerprint of a root that is new here.")] = "",
    lists: Annotated[list[Path] | None, typer.Option("--list", help="吊销列表文件。 Lists of revoked ones.")] = None,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """收下本节点的证书；给出根的指纹即加入该区域。 Take this node's certificate; --trust joins its region."""
    from chengyi.trust.authority.authority import Authority

    terminal = Terminal(as_json=json)
    node, chain = Node(home), _chain(file)
    if trust:
        ders = [each for path in lists or () for each in _unpem(path, LIST, MOST_LISTS)]
        Authority.join(*foundation_of(node), chain=chain, fingerprint=trust, lists=ders)
        forget_store_certificates(node)
        identity = node.authority.check(chain)
    else:
        authority = node.authority
        identity = authority.credentials.accept(chain, authority.trusted, node.clock.now())
    terminal.say(Text(f"已收下 {identity.name} 的证书", f"Took the certificate of {identity.name}"))
    terminal.answer(identity)


@authority_app.command()
def join(
    token: Annotated[str, typer.Option(help="登记凭据，由区域机构发给。 The token that the region gave.")],
    trust: Annotated[str, typer.Option(help="区域的根的指纹，当面核对。 Fingerprint of the region's root.")],
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """加入 node.toml 所写的区域：登记、取列表，一步完成。 Join the region that node.toml names, in one step."""
    from chengyi.node.membership import join as join_region

    terminal = Terminal(as_json=json)
    identity = join_region(Node(home), token, trust)
    terminal.say(
        Text(
            f"已加入 {identity.domain}，本节点为 {identity.name}；已开控制台的，请重新启动",
            f"Joined {identity.domain} as {identity.name}; restart the console where it is being served",
        )
    )
    terminal.answer(identity)


@authority_app.command()
def enrol(  # noqa: PLR0917 - options of a command
    name: str,
    kind: HolderOption = Holder.NODE,
    request: Annotated[Path | None, typer.Option(help="申请文件。 The request.")] = None,
    token: Annotated[str, typer.Option(help="登记凭据。 The enrolment token.")] = "",
    to: ToOption = None,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """登记：先发一次性凭据，再凭申请与凭据签发。 Make a one-time token; with a request and the token, issue."""
    from chengyi.trust.authority.names import Kind

    terminal = Terminal(as_json=json)
    authority = Node(home).authority
    if request is None:
        made = authority.invite(Kind(kind.value), name)
        terminal.say(Text(f"登记凭据（24 小时内用一次）：{made}", f"Enrolment token, good once within a day: {made}"))
        terminal.answer({"name": name, "token": made})
        return
    (der,) = _unpem(request, REQUEST, 1)
    issued = pem(CERTIFICATE, authority.enrol(der, token), *authority.chain)
    _give(terminal, to, issued)
    terminal.answer({"name": name, "chain": issued})


@authority_app.command()
def renew(
    file: Annotated[Path | None, typer.Argument(help="他人的续期申请。 Another's renewal.")] = None,
    store: Annotated[str, typer.Option(help="为此存储点换发。 Certify this store anew.")] = "",
    to: ToOption = None,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """续期：本节点的证书、他人的续期申请，或存储点的证书。 Renew this node's certificate, another's, or a store's."""
    from chengyi.node.certificates import renew_store
    from chengyi.node.membership import ask_for_renewal
    from chengyi.node.membership import renew as renew_at_region

    terminal = Terminal(as_json=json)
    node = Node(home)
    authority = node.authority
    if store:
        given = pem(CERTIFICATE, renew_store(node, store))
    elif file is not None:
        told = _renewal(file)
        given = pem(CERTIFICATE, authority.renew(told.chain, told.request, told.proof), *authority.chain)
    elif authority.issuing:
        given = authority.own(node.settings.node.id).pem().decode()
    elif node.settings.authority.region and to is None:
        renew_at_region(node)
        given = authority.own(node.settings.node.id).pem().decode()
    else:
        given = ask_for_renewal(node).render()
    _give(terminal, to, given)
    terminal.answer({"given": given})


@authority_app.command()
def revoke(  # noqa: PLR0917 - options of a command
    serial: Annotated[str, typer.Argument(help="序列号。 The serial number.")] = "",
    name: Annotated[str, typer.Option(help="持有者：吊销其全部证书。 Revoke all of this holder's.")] = "",
    kind: HolderOption = Holder.NODE,
    reason: Annotated[Why, typer.Option(help="吊销原因。 Why.")] = Why.UNSPECIFIED,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """吊销证书并发布吊销列表。 Revoke certificates and publish the list."""
    from cryptography.x509 import ReasonFlags

    from chengyi.trust.authority.names import Kind

    terminal = Terminal(as_json=json)
    if bool(serial) == bool(name):
        raise UsageError(why="请指明序列号或 --name 之一 (name one serial number, or --name)")
    authority, why = Node(home).authority, ReasonFlags(reason.value)
    if serial:
        authority.revoke(serial.lower(), why)
        count = 1
    else:
        count = authority.revoke_all(Kind(kind.value), name, why)
    terminal.say(Text(f"已吊销 {count} 份证书", f"Revoked {count} certificates"))
    terminal.answer({"revoked": count})


@authority_app.command()
def crl(
    take: Annotated[Path | None, typer.Option("--from", help="收下他处的列表。 Take a list from elsewhere.")] = None,
    to: ToOption = None,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """发布或收下吊销列表。 Publish the list of revoked certificates, or take one."""
    terminal = Terminal(as_json=json)
    authority = Node(home).authority
    if take is not None:
        for der in _unpem(take, LIST, MOST_LISTS):
            authority.take_list(der)
        terminal.say(Text("已收下吊销列表", "Took the list"))
        terminal.answer({"taken": str(take)})
        return
    made = pem(LIST, *authority.lists())
    _give(terminal, to, made)
    terminal.answer({"list": made})


@authority_app.command("list")
def list_issued(
    name: Annotated[str, typer.Option(help="只看某持有者。 Of one holder only.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """列出已签发的证书。 List what was issued."""
    terminal = Terminal(as_json=json)
    found = Node(home).authority.issued(name=name, limit=limit)
    heads = (Text("序列号", "Serial"), Text("类别", "Kind"), Text("名称", "Name"), Text("到期", "Until"))
    rows = [(each.serial, each.kind.value, each.name, each.expires_at, each.reason) for each in found]
    terminal.table((*heads, Text("吊销原因", "Revoked")), rows)
    terminal.answer({"certificates": [{**_plain(each), "der": None} for each in found]})


@authority_app.command()
def check(
    file: Path,
    name: Annotated[str, typer.Option(help="应有的名称。 Whom it has to name.")] = "",
    purpose: Annotated[Use, typer.Option(help="用途。 What it is shown for.")] = Use.CLIENT,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """核验一份证书（PEM，叶在前）。 Check a certificate or chain, leaf first."""
    from chengyi.trust.authority.names import Purpose

    terminal = Terminal(as_json=json)
    identity = Node(home).authority.check(_chain(file), name, Purpose(purpose.value))
    terminal.say(
        Text(
            f"有效：{identity.name}（{identity.kind.value}，{identity.domain}），序列号 {identity.serial}",
            f"Good: {identity.name} ({identity.kind.value}, {identity.domain}), serial {identity.serial}",
        )
    )
    terminal.answer(identity)


def _root(folder: Path) -> "Root":
    from chengyi.trust.authority.ceremony import Root

    if not folder.is_dir():
        raise NotFoundError(kind="根密钥目录 folder of the root", id=str(folder))
    return Root.open(folder, _passphrase(confirm=False))


def _passphrase(*, confirm: bool) -> str:
    told = os.environ.get("CHENGYI_ROOT_PASSPHRASE")
    if told is not None:
        return told
    if not sys.stdin.isatty():
        why = "须在终端输入口令，或设置 CHENGYI_ROOT_PASSPHRASE (a passphrase is typed in a terminal, or set there)"
        raise UsageError(why=why)
    return str(typer.prompt("根密钥口令 Passphrase of the root", hide_input=True, confirmation_prompt=confirm))


def _renewal(file: Path) -> Renewal:
    try:
        return Renewal.parse(_bytes(file))
    except ValueError as error:
        raise _bad(file, "不是续期申请 (not a renewal)") from error


def _chain(file: Path) -> list[bytes]:
    return _unpem(file, CERTIFICATE, LONGEST_CHAIN)


def _unpem(file: Path, what: str, most: int) -> list[bytes]:
    """Return the DER of the PEM blocks of one kind in a file; BadInputError where there are none, or too many."""
    try:
        return unpem(what, _bytes(file), most)
    except ValueError as error:
        why = f"应含 1 至 {most} 段 PEM {what} (it should hold 1 to {most} PEM blocks of {what})"
        raise _bad(file, why) from error


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            found = source.read(_LARGEST + 1)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFoundError(kind="文件 file", id=file) from error
    if len(found) > _LARGEST:
        raise _bad(file, "文件过大 (the file is too large)")
    return found


def _bad(file: Path, why: str) -> BadInputError:
    return BadInputError(source="ca", file=str(file), row="—", field="—", why=why)


def _give(terminal: Terminal, to: Path | None, text: str) -> None:
    if to is None:
        terminal.say(Text(text, text))
        return
    to.write_text(text, encoding="utf-8")
    terminal.say(Text(f"已写入 {to}", f"Wrote {to}"))


def _plain(issued: object) -> dict[str, object]:
    return {name: getattr(issued, name) for name in type(issued).__dataclass_fields__}  # type: ignore[attr-defined]
