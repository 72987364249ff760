"""The page of certificates: what it shows, who may do what, and that no secret is ever on it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chengyi.console import certifying
from chengyi.model.act import ActKind
from chengyi.model.actor import Role
from chengyi.model.errors import UnreachableError
from chengyi.trust.authority import suites
from chengyi.trust.authority.requests import make_request
from console.conftest import NOW, Counter, only_turned_away

pytestmark = pytest.mark.slow
REVOKING = {"reason": "keyCompromise", "confirmed": "yes"}


@pytest.fixture
def bare(counter: Callable[..., Counter]) -> Counter:
    """A node whose home is from before there were authorities."""
    made = counter()
    shutil.rmtree(made.node.home.keys / "authority")
    return made


@pytest.fixture
def founded(bare: Counter) -> Counter:
    """That node, once its security administrator founded an authority."""
    assert bare.visit(Role.SECURITY_ADMIN).post("/certificates/renew/").status_code == 302
    return bare


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def issue(founded: Counter, name: str) -> str:
    """Issue a person's certificate and return its serial number."""
    authority = certifying.authority_of(founded.node)
    assert authority is not None
    authority.issue_person(name, make_request(suites.generate(suites.Suite.P256), name))
    return authority.issued(name=name)[0].serial


def last(founded: Counter, kind: ActKind) -> Any:
    return founded.node.audit.entries(kind=kind.value, limit=1)[0].act


def test_looking_founds_nothing(bare: Counter) -> None:
    for role in (Role.AUDITOR, Role.SECURITY_ADMIN):
        assert "本节点尚无证书机构" in text_of(bare.visit(role).get("/certificates/"))
    assert bare.visit(Role.SECURITY_ADMIN).get("/certificates/00/").status_code == 404
    assert bare.visit().get("/authority/lists").status_code == 404
    assert not (bare.node.home.keys / "authority").exists()


def test_promise_4_founding_and_issuing_are_on_record_in_the_name_of_who_did_it(founded: Counter) -> None:
    assert last(founded, ActKind.FOUNDED).actor == "security-admin"
    issued = last(founded, ActKind.CERTIFIED)
    assert (issued.actor, issued.detail["name"]) == ("security-admin", "small")
    assert issued.session
    page = text_of(founded.visit(Role.AUDITOR).get("/certificates/"))
    for said in ("small.chengyi.internal", "根证书", "区域证书", "不得签发地址证书", issued.object, "由本节点签发"):
        assert said in page
    region = founded.node.audit.entries(kind=ActKind.FOUNDED.value, limit=1)[0].act.object
    assert region in page


def test_the_node_s_certificate_is_renewed_when_two_thirds_of_its_life_have_passed(founded: Counter) -> None:
    admin, first = founded.visit(Role.SECURITY_ADMIN), last(founded, ActKind.CERTIFIED).object
    assert "尚不需续期" in text_of(admin.post("/certificates/renew/", follow=True))
    founded.node.clock.at = NOW + timedelta(hours=17)
    admin = founded.visit(Role.SECURITY_ADMIN)
    assert "应续期" in text_of(admin.get("/certificates/"))
    assert "本节点证书已签发" in text_of(admin.post("/certificates/renew/", follow=True))
    assert last(founded, ActKind.CERTIFIED).object != first


def test_a_list_that_ran_out_is_a_warning_and_looking_does_not_hide_it(founded: Counter) -> None:
    auditor = founded.visit(Role.AUDITOR)
    assert "吊销列表已过期" not in text_of(auditor.get("/certificates/"))
    founded.node.clock.at = NOW + timedelta(hours=7)
    for _ in range(2):
        page = text_of(founded.visit(Role.AUDITOR).get("/certificates/"))
        assert "吊销列表已过期" in page
        assert "small.chengyi.internal 的列表已于 2026-11-23 22:00 失效" in page
    english = text_of(founded.visit(Role.AUDITOR, language="en").get("/certificates/"))
    assert "A list of revoked certificates is out of date" in english
    page = text_of(founded.visit(Role.SECURITY_ADMIN).post("/certificates/lists/", follow=True))
    assert "本节点负责的吊销列表均已有效" in page
    assert "吊销列表已过期" not in page


def test_a_certificate_is_revoked_for_a_reason_and_stays_so(founded: Counter) -> None:
    serial, admin = issue(founded, "林知远"), founded.visit(Role.SECURITY_ADMIN)
    assert "不可撤回" in text_of(admin.get(f"/certificates/{serial}/"))
    assert admin.post(f"/certificates/{serial}/revoke/", REVOKING).status_code == 302
    page = text_of(admin.get(f"/certificates/{serial}/"))
    for said in ("已吊销", "私钥可能泄露"):
        assert said in page
    assert f"/certificates/{serial}/revoke/" not in admin.get(f"/certificates/{serial}/").content.decode()
    act = last(founded, ActKind.DECERTIFIED)
    assert (act.actor, act.object, act.detail["reason"]) == ("security-admin", serial, "keyCompromise")
    authority = certifying.authority_of(founded.node)
    assert authority is not None
    held = authority.trusted.list_of(authority.trusted.regions[0])
    assert held is not None
    assert [f"{each.serial_number:040x}" for each in held.crl] == [serial]


@pytest.mark.parametrize(
    "form", [{}, {"reason": "keyCompromise"}, {"confirmed": "yes"}, {"reason": "nonsense", "confirmed": "yes"}]
)
def test_what_was_not_confirmed_with_a_reason_is_not_revoked(founded: Counter, form: dict[str, str]) -> None:
    serial = issue(founded, "林知远")
    assert founded.visit(Role.SECURITY_ADMIN).post(f"/certificates/{serial}/revoke/", form).status_code == 422
    assert not founded.node.audit.entries(kind=ActKind.DECERTIFIED.value)


def test_an_enrolment_token_is_shown_once_and_is_good_once(founded: Counter) -> None:
    admin = founded.visit(Role.SECURITY_ADMIN)
    answer = admin.post("/certificates/invite/", {"kind": "person", "name": "林知远"})
    (token,) = re.findall(r'<p class="secret" tabindex="0">([a-z2-7]{32})</p>', answer.content.decode())
    assert "no-store" in answer.headers["Cache-Control"]
    assert token not in admin.get("/certificates/").content.decode()
    authority = certifying.authority_of(founded.node)
    assert authority is not None
    authority.enrol(make_request(suites.generate(suites.Suite.P256), "林知远"), token)
    assert "林知远" in text_of(admin.get("/certificates/?kind=person"))
    assert "林知远" not in text_of(admin.get("/certificates/?kind=node"))
    every = json.dumps([str(each.act) for each in founded.node.audit.entries(limit=100)])
    assert token not in every


@pytest.mark.parametrize("form", [{"kind": "store", "name": "s1"}, {"kind": "", "name": "x"}, {"kind": "node"}])
def test_nobody_is_invited_without_a_name_or_as_what_does_not_enrol(founded: Counter, form: dict[str, str]) -> None:
    answer = founded.visit(Role.SECURITY_ADMIN).post("/certificates/invite/", form)
    assert answer.status_code == 422
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SECURITY_ADMIN])
def test_only_the_security_administrator_manages_certificates(founded: Counter, role: Role) -> None:
    serial, client, size = issue(founded, "林知远"), founded.visit(role), founded.node.ledger.checkpoint().size
    assert client.post(f"/certificates/{serial}/revoke/", REVOKING).status_code == 404
    assert client.post("/certificates/renew/").status_code == 404
    assert client.post("/certificates/lists/").status_code == 404
    assert client.post("/certificates/invite/", {"kind": "node", "name": "x"}).status_code == 404
    if role in {Role.AUDITOR, Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN}:
        for address in ("/certificates/", f"/certificates/{serial}/"):
            shown = client.get(address)
            assert shown.status_code == 200
            assert 'action="/certificates/' not in shown.content.decode()
    else:
        assert client.get("/certificates/").status_code == 404
        assert client.get(f"/certificates/{serial}/").status_code == 404
    assert only_turned_away(founded.node, size)


def test_no_private_key_is_on_any_page(founded: Counter) -> None:
    serial, folder = issue(founded, "林知远"), founded.node.home.keys / "authority"
    secrets = [
        json.loads((folder / name).read_text())[part] for name, part in (("own.json", "key"), ("region.key", "secret"))
    ]
    admin = founded.visit(Role.SECURITY_ADMIN)
    for address in ("/certificates/", f"/certificates/{serial}/"):
        page = admin.get(address).content.decode()
        assert "PRIVATE KEY" not in page
        assert not any(each in page for each in secrets)


def test_a_node_s_own_certificate_that_was_changed_is_said_in_words(founded: Counter) -> None:
    own = founded.node.home.keys / "authority" / "own.json"
    own.write_text(own.read_text().replace('"chain": ["', '"chain": ["AAAA'))
    answer = founded.visit(Role.AUDITOR).get("/certificates/")
    assert answer.status_code == 200
    assert "无法识读" in text_of(answer)


def test_an_unknown_certificate_is_not_found(founded: Counter) -> None:
    admin = founded.visit(Role.SECURITY_ADMIN)
    for serial in ("00", "zz", "f" * 400):
        assert admin.get(f"/certificates/{serial}/").status_code == 404
        assert admin.post(f"/certificates/{serial}/revoke/", REVOKING).status_code == 404


def test_a_member_that_cannot_reach_its_region_says_so_on_its_page(counter: Callable[..., Counter]) -> None:
    made = counter('[authority]\nregion = "http://127.0.0.1:9"\n')
    (made.node.home.keys / "authority/region.key").unlink()
    page = text_of(made.visit(Role.SECURITY_ADMIN).get("/certificates/"))
    assert "未能续期或更新吊销列表" not in page
    assert isinstance(made.desk.upkeep.once().certificates, UnreachableError)
    page = text_of(made.visit(Role.SECURITY_ADMIN).get("/certificates/"))
    assert "未能续期或更新吊销列表 来源 127.0.0.1:9 暂不可达" in page.replace("\u3000", " ")
    assert "由区域节点 http://127.0.0.1:9 签发" in page


def test_a_token_for_a_node_is_shown_with_the_fingerprint_to_compare(founded: Counter) -> None:
    answer = founded.visit(Role.SECURITY_ADMIN).post("/certificates/invite/", {"kind": "node", "name": "health"})
    authority = certifying.authority_of(founded.node)
    assert authority is not None
    assert certifying.fingerprint_of(authority) in answer.content.decode()
