import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.model.errors import IntegrityError
from chengyi.trust.ledger.cosignatures import Ed25519Key, cosign
from chengyi.trust.ledger.policy import Policy
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger
from simulators.witness import NOW, key_of, witness_keys

LOG = MemoryKeys("log.invalid/a")
TWO_LEVELS = """\
# two organisations
log {log}

witness X1 {x1} https://x1.invalid/
witness\tX2 {x2}
witness X3 {x3}
group X 2 X1 X2 X3
witness Y1 {y1}
witness Y2 {y2}
group Y any Y1 Y2
group both all X Y
quorum both
"""


def two_levels() -> Policy:
    keys = {name: str(key_of(name)) for name in ("x1", "x2", "x3", "y1", "y2")}
    return Policy.parse(TWO_LEVELS.format(log=LOG.verifier, **keys))


def cosigned(*names: str) -> str:
    ledger = MemoryLedger(LOG, "log.invalid/a")
    ledger.append([b"a"])
    point = ledger.checkpoint()
    return point.note + "".join(cosign(point, Ed25519Key.of(witness_keys(name)), NOW) for name in names)


@pytest.mark.parametrize(
    ("names", "met"),
    [("x1 x2 y1", True), ("x1 x3 y2", True), ("x1 x2", False), ("x1 y1 y2", False), ("", False), ("x1 z9 y1", False)],
)
def test_promise_4_a_quorum_is_met_by_its_groups(names: str, met: bool) -> None:
    policy, note = two_levels(), cosigned(*names.split())
    found = policy.judge(note)
    assert found.met is met
    assert found.policy == policy.id
    assert {each.cosigner.name for each in found.cosignatures} == set(names.split()) - {"z9"}
    assert {each.at for each in found.cosignatures} <= {NOW}
    if not met:
        with pytest.raises(IntegrityError, match="quorum"):
            policy.require(note)


def test_m_of_n_is_written_and_read_again() -> None:
    keys = {name: key_of(name) for name in ("a", "b", "c")}
    policy = Policy.of(keys, 2)
    assert Policy.parse(policy.text) == policy
    assert [policy.judge(cosigned(*names)).met for names in ("", "a", "ab", "abc")] == [False, False, True, True]
    assert Policy.of({}, 0).judge(cosigned()).met


A, B = key_of("a"), key_of("b")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quorum none",
        "quorum none\nquorum none\n",
        "quorum nobody\n",
        f"witness a {A}\n",
        f"witness a {A}\nwitness a {B}\nquorum a\n",
        f"witness a {A}\nwitness b {A}\nquorum a\n",
        f"witness none {A}\nquorum none\n",
        f"witness a {A}\ngroup g 2 a\nquorum g\n",
        f"witness a {A}\ngroup g 0 a\nquorum g\n",
        f"witness a {A}\ngroup g any a a\nquorum g\n",
        f"witness a {A}\ngroup g any a\ngroup h any a\nquorum h\n",
        f"witness a {A}\ngroup g any b\nwitness b {B}\nquorum g\n",
        f"witness a {A}\ngroup g any\nquorum a\n",
        f"witness a {LOG.verifier}\nquorum a\n",
        f"log {A}\nquorum none\n",
        f"log {LOG.verifier}\nlog {LOG.verifier}\nquorum none\n",
        f"witness a {A} url more\nquorum a\n",
        "hello\nquorum none\n",
        "quorum\vnone\n",
        f"witness a {A}\ngroup g ² a\nquorum g\n",
        "#\n" * 2_000 + "quorum none\n",
    ],
)
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        Policy.parse(text)


@given(st.text(alphabet="wlgq aon\n12#\t", max_size=80))
@settings(deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(IntegrityError):
        Policy.parse(f"{text}\nquorum none\n")
