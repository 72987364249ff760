import pytest
from hypothesis import given
from hypothesis import strategies as st

from chengyi.model.errors import UsageError
from chengyi.trust.authority.names import Kind, domain_of, host, label, own_domain, split_host


@pytest.mark.parametrize("name", ["a", "health", "a-1", "x", "x1", "9", "a" * 63])
def test_a_label_is_its_own(name: str) -> None:
    assert label(name) == name


@pytest.mark.parametrize("name", ["x-abc", "A", "李月", "a.b", "-a", "a-", "a_b", "a" * 64, "*", "a b"])
def test_anything_else_is_a_digest_that_no_name_can_claim(name: str) -> None:
    assert label(name).startswith("x-")
    assert label(name) != name
    assert label(label(name)) != label(name)


@given(st.text(min_size=1, max_size=64), st.text(min_size=1, max_size=64))
def test_two_names_never_share_a_label(one: str, other: str) -> None:
    assert (label(one) == label(other)) == (one == other)


@given(st.sampled_from(Kind), st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True))
def test_hosts_are_read_as_they_were_written(kind: Kind, name: str) -> None:
    assert split_host(host(kind, name, "yunting.chengyi.internal")) == (kind, "yunting.chengyi.internal")


@pytest.mark.parametrize("text", ["", "a", "a.node", "a.other.b", "a.Node.b", ".."])
def test_other_hosts_say_nothing(text: str) -> None:
    assert split_host(text) is None


@pytest.mark.parametrize("node", ["a", "node", "a-", "x-1", "a" * 46, "a" * 47, "a" * 48, "a" * 63, "9"])
def test_every_node_has_a_domain_of_its_own(node: str) -> None:
    domain = own_domain(node)
    assert domain_of(domain) == domain
    assert (domain == f"{node}.chengyi.internal") == (node in {"a", "node", "a" * 46, "a" * 47, "9"})


def test_names_are_as_long_as_a_certificate_can_hold() -> None:
    assert host(Kind.PERSON, "月" * 21, "a.internal").startswith("x-")
    with pytest.raises(UsageError):
        host(Kind.PERSON, "月" * 22, "a.internal")
    with pytest.raises(UsageError):
        domain_of("a" * 60)


def test_a_region_is_a_label_or_a_domain() -> None:
    assert domain_of("yunting") == "yunting.chengyi.internal"
    assert domain_of("yunting.example") == "yunting.example"
    for bad in ("", ".", "a..b", "A", "*.a.b", "云汀", "a.b."):
        with pytest.raises(UsageError):
            domain_of(bad)
