"""The rules of behaviour: each is broken by its own kind of day, the quiet are left alone, reasons lead to acts."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.district.attacks import SCRIPTS, generate
from chengyi.district.conduct import Habits
from chengyi.model.act import Act, ActKind, Entry
from chengyi.trust.audit.baseline import FLOOR, Cusum, baseline
from chengyi.trust.audit.behaviour import RULES, Alert, Watch
from chengyi.trust.audit.conduct import Surroundings

ZONE = timezone(timedelta(hours=8))
AROUND = Surroundings(ZONE, watched=frozenset({"dossier:star"}))
START = date(2026, 3, 2)
QUIET_DAYS = 26
DAY = START + timedelta(days=QUIET_DAYS)
Plan = Callable[[int], list[tuple[float, Act]]]


def read(object: str = "dossier:1", actor: str = "li", **more: object) -> Act:
    detail = {"case": str(more.pop("case", "C1")), "rows": more.pop("rows", 1)}
    return Act(ActKind.READ, actor, object, detail, **{"address": "10.1.0.5", **more})  # type: ignore[arg-type]


def ordinary(number: int, actor: str = "li") -> list[tuple[float, Act]]:
    """Twenty readings between 9 and 17 o'clock, half of them of dossiers known before."""
    return [
        (
            9 + turn * 0.4,
            read(f"dossier:{number * 10 + turn if turn % 2 else turn}", actor, case=f"C{number}-{turn % 5}"),
        )
        for turn in range(20)
    ]


def entries(plan: Plan, days: int = QUIET_DAYS + 1) -> Iterator[Entry]:
    index = 0
    for number in range(days):
        midnight = datetime.combine(START + timedelta(days=number), time(), ZONE)
        for hour, act in sorted(plan(number), key=lambda each: each[0]):
            yield Entry(index, (midnight + timedelta(hours=hour)).astimezone(UTC), "", act)
            index += 1


def alerts(last: list[tuple[float, Act]], base: Plan = ordinary, **more: object) -> list[Alert]:
    """Return what is said of somebody who did the ordinary for weeks, and then `last` as well."""

    def plan(number: int) -> list[tuple[float, Act]]:
        return base(number) + (last if number == QUIET_DAYS else [])

    watch = Watch(AROUND, **more)  # type: ignore[arg-type]
    return list(watch.assess(entries(plan)))


def exported(rows: int) -> Act:
    return Act(ActKind.EXPORTED, "li", "dataset:a", {"case": "C1", "rows": rows}, address="10.1.0.5")


def denied(number: int) -> Act:
    return Act(ActKind.DENIED, "li", f"grant:{number}", address="10.1.0.5")


def failed(address: str) -> Act:
    return Act(ActKind.SIGN_IN_FAILED, "li", "account:li", address=address)


BROKEN: dict[str, list[tuple[float, Act]]] = {
    "rate": [(9 + n / 20, read(f"dossier:{n % 10 * 2}")) for n in range(120)],
    "burst": [(13 + n / 1000, read(f"dossier:{n % 10 * 2}")) for n in range(60)],
    "volume": [(13, read("dataset:a", rows=5_000))],
    "breadth": [(9 + n / 12, read(f"dossier:x{n}", case=f"C{n}")) for n in range(90)],
    "one_case": [(13 + n / 20, read(f"dossier:x{n}", case="same")) for n in range(25)],
    "night": [(22 + n / 40, read()) for n in range(30)],
    "denied": [(14 + n / 40, denied(n)) for n in range(20)],
    "export": [(13, exported(3_000))],
    "purpose": [(10 + n / 4, read(purpose="自定")) for n in range(8)],
    "field": [(10 + n / 4, read(fields=("disease",))) for n in range(8)],
    "sharing": [(9.2 + n * 0.4, read(address="10.1.7.7")) for n in range(12)],
    "stranger": [*((18.0, failed("172.30.0.1")) for _ in range(4)), *((18.1, read(address="172.30.0.1")),) * 8],
    "watched": [(13, read("dossier:star"))],
}


@pytest.mark.parametrize("rule", BROKEN)
def test_promise_7_each_rule_is_broken_by_its_day_and_says_by_which_acts(rule: str) -> None:
    [alert] = alerts(BROKEN[rule])
    assert (alert.subject, alert.day) == ("li", DAY)
    finding = next(each for each in alert.findings if each.rule == rule)
    assert finding.figure >= finding.limit
    acts = {each.index: each for each in entries(lambda n: ordinary(n) + (BROKEN[rule] if n == QUIET_DAYS else []))}
    assert finding.entries
    assert {acts[index].at.astimezone(ZONE).date() for index in finding.entries} == {DAY}
    assert str(finding.days) in finding.reason.zh
    assert finding.title.en in finding.reason.en


def test_days_of_rest_long_idleness_and_slow_drips_are_seen() -> None:
    def working(number: int) -> list[tuple[float, Act]]:
        day = START + timedelta(days=number)
        return ordinary(number) if day.weekday() < 5 else []

    saturday = [(9 + n / 10, read(f"dossier:{n}")) for n in range(60)]
    assert DAY.weekday() == 5
    assert "rest_day" in {each.rule for alert in alerts(saturday, working) for each in alert.findings}

    def idle(number: int) -> list[tuple[float, Act]]:
        return ordinary(number) if number < 10 else []

    back = [(9 + n / 20, read(f"dossier:{n}")) for n in range(120)]
    assert "dormant" in {each.rule for alert in alerts(back, idle) for each in alert.findings}

    def dripping(number: int) -> list[tuple[float, Act]]:
        return ordinary(number) + ([(11.0, exported(150))] if number >= 16 else [])

    dripped = [alert for alert in alerts([], dripping) if "export_cusum" in {each.rule for each in alert.findings}]
    assert dripped
    assert dripped[0].day > START + timedelta(days=17)


def test_promise_7_the_ordinary_is_left_alone() -> None:
    assert alerts([]) == []
    assert alerts([(13, read())]) == []
    assert alerts([(14, denied(n % 2)) for n in range(8)]) == []
    assert alerts([(9, read(address="10.1.3.3"))] * 3) == []


def test_a_full_day_of_the_whole_office_is_nobodys() -> None:
    people = ("li", "wang", "zhao", "qian", "sun")

    def busy(number: int) -> list[tuple[float, Act]]:
        times = 4 if number == QUIET_DAYS else 1
        return [each for who in people for _ in range(times) for each in ordinary(number, who)]

    assert not {each.rule for alert in alerts([], busy) for each in alert.findings} & {"rate", "volume", "breadth"}


def test_nothing_is_said_before_it_is_known_what_is_usual() -> None:
    def plan(number: int) -> list[tuple[float, Act]]:
        return ordinary(number) + (BROKEN["rate"] if number == 5 else [])

    assert list(Watch(AROUND).assess(entries(plan, 10))) == []


def test_a_newcomer_is_compared_with_peers() -> None:
    people = ("wang", "zhao", "qian", "sun")

    def plan(number: int) -> list[tuple[float, Act]]:
        done = [each for who in people for each in ordinary(number, who)]
        return done + (ordinary(number) if number >= QUIET_DAYS - 2 else [])

    [alert] = alerts(BROKEN["rate"], plan)
    assert alert.subject == "li"
    assert {each.of for each in alert.findings} == {"peers"}


def test_what_was_said_is_not_said_again_the_next_day() -> None:
    def plan(number: int) -> list[tuple[float, Act]]:
        return ordinary(number) + (BROKEN["night"] if number >= QUIET_DAYS - 2 else [])

    assert [alert.day for alert in Watch(AROUND).assess(entries(plan))] == [DAY - timedelta(days=2)]


def test_what_a_node_does_is_no_conduct() -> None:
    assert alerts([(22 + n / 40, read(actor="node:a")) for n in range(60)]) == []


def test_every_rule_has_a_name_of_its_own_in_both_languages() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.title.zh and rule.title.en for rule in RULES)


# the generated set


def test_a_set_is_made_from_its_seed_alone_and_judged_alike() -> None:
    habits = Habits(people=40, departments=2, days=46)
    first, second = generate(7, habits, each=1), generate(7, habits, each=1)
    assert first == second
    assert first.entries != generate(8, habits, each=1).entries
    assert {attack.kind for attack in first.attacks} == set(SCRIPTS)

    def judged() -> list[Alert]:
        return list(Watch(AROUND, lambda who: first.groups.get(who, "")).assess(first.entries))

    assert judged() == judged()


@pytest.mark.slow
def test_promise_7_most_attacks_are_found_within_the_budget() -> None:
    """One set that rules were not tuned on; the measurement takes more."""
    conduct = generate(109)
    watch = Watch(Surroundings(ZONE, watched=conduct.watched), lambda who: conduct.groups.get(who, ""))
    first, last = conduct.scored
    raised = [alert for alert in watch.assess(conduct.entries) if first <= alert.day <= last]
    found = sum(
        any(a.subject == attack.subject and attack.first <= a.day <= attack.last + timedelta(days=1) for a in raised)
        for attack in conduct.attacks
    )
    assert found / len(conduct.attacks) >= 0.8
    assert 100 * len(raised) / (len(conduct.groups) * ((last - first).days + 1)) <= 1


# baselines


@given(st.lists(st.floats(0, 1e9), min_size=8, max_size=40), st.floats(0, 1e9))
@settings(max_examples=200, deadline=None)
def test_a_baseline_is_a_median_with_a_floor(values: list[float], value: float) -> None:
    found = baseline(values, [1e6])
    assert min(values) - 1e-6 <= found.usual <= max(values) * (1 + 1e-9) + 1e-6
    assert found.spread >= FLOOR
    assert found.of == "own"
    assert found.limit(3) >= found.usual * (1 - 1e-9)
    assert (found.deviations(value) > 0) == (value > found.usual) or abs(value - found.usual) < 1e-3 * (1 + value)


def test_a_few_odd_days_do_not_move_a_baseline() -> None:
    quiet = baseline([20.0] * 20, [])
    assert baseline([20.0] * 20 + [5_000.0] * 6, []).usual == pytest.approx(quiet.usual)
    assert baseline([], []).usual == 0
    assert baseline([5.0], [100.0] * 9).of == "peers"


def test_a_sum_of_small_excesses_grows_and_usual_days_bring_it_down() -> None:
    sums = Cusum()
    assert sums.add(100, 100) == 0
    for _ in range(10):
        sums.add(250, 100)
    assert sums.value == pytest.approx(10.0)
    assert sums.add(0, 100) == pytest.approx(8.5)
    assert Cusum().add(1e9, 1) == 4
