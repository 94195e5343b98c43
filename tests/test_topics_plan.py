"""The plan of the topics and what is said of a cluster that differs from it: no broker needed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stream.topics import (
    BrokerUnreachable,
    Problem,
    ProblemCode,
    TopicsError,
    TopicSpec,
    TopicState,
    check,
    compare,
    create,
    needed,
    plan,
)

CHANGELOGS = ("stormwatch-patients-changelog", "stormwatch-windows-changelog")


def as_planned(specs: tuple[TopicSpec, ...]) -> dict[str, TopicState]:
    return {
        spec.name: TopicState(spec.partitions, spec.replication, dict(spec.configs))
        for spec in specs
    }


def changed(found: dict[str, TopicState], name: str, **configs: str) -> dict[str, TopicState]:
    state = found[name]
    return found | {name: replace(state, configs={**state.configs, **configs})}


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def test_the_plan_has_every_topic_of_the_contract_and_the_changelogs() -> None:
    specs = plan(8, 3, "ward7.", CHANGELOGS)
    contract = ("vitals", "care", "ticks", "alerts", "deadletter", "audit", "status")
    assert tuple(spec.name for spec in specs) == (*(f"ward7.{n}" for n in contract), *CHANGELOGS)
    assert {spec.partitions for spec in specs} == {8}
    assert {spec.replication for spec in specs} == {3}
    assert all(spec.purpose for spec in specs)


def test_a_worker_starts_without_the_router_s_topic_and_a_router_without_the_worker_s() -> None:
    worker = {spec.name for spec in needed("worker", 8, 3, "ward7.", CHANGELOGS)}
    router = {spec.name for spec in needed("router", 8, 3, "ward7.")}
    assert worker | router == {spec.name for spec in plan(8, 3, "ward7.", CHANGELOGS)}
    assert router - worker == {"ward7.audit"}
    assert worker - router == {f"ward7.{n}" for n in ("vitals", "ticks", "deadletter")} | {
        *CHANGELOGS
    }


@pytest.mark.parametrize("name", ["status", *CHANGELOGS])
def test_state_is_compacted_soon_and_never_ages_away(name: str) -> None:
    configs = {spec.name: spec.configs for spec in plan(1, 1, changelogs=CHANGELOGS)}[name]
    assert configs["cleanup.policy"] == "compact"
    assert "retention.ms" not in configs
    assert int(configs["segment.ms"]) <= 600_000
    assert int(configs["max.compaction.lag.ms"]) <= 3_600_000
    assert float(configs["min.cleanable.dirty.ratio"]) <= 0.1
    assert int(configs["delete.retention.ms"]) >= 86_400_000


@pytest.mark.parametrize("name", ["vitals", "care", "ticks", "alerts", "deadletter"])
def test_what_happened_is_kept_for_a_stated_time(name: str) -> None:
    configs = {spec.name: spec.configs for spec in plan(1, 1)}[name]
    assert configs["cleanup.policy"] == "delete"
    assert int(configs["retention.ms"]) >= 86_400_000


def test_inputs_outlive_the_time_in_which_they_may_be_revised() -> None:
    for spec in plan(1, 1):
        if spec.name in {"vitals", "care"}:
            assert int(spec.configs["retention.ms"]) > 2 * 48 * 3_600_000


def test_retention_counts_from_arrival_everywhere() -> None:
    stamps = {s.configs["message.timestamp.type"] for s in plan(4, 1, changelogs=CHANGELOGS)}
    assert stamps == {"LogAppendTime"}


@pytest.mark.parametrize(("copies", "in_sync"), [(1, "1"), (2, "1"), (3, "2"), (5, "3")])
def test_a_write_needs_most_of_its_copies(copies: int, in_sync: str) -> None:
    assert {spec.configs["min.insync.replicas"] for spec in plan(4, copies)} == {in_sync}


@pytest.mark.parametrize(
    ("partitions", "replication", "prefix"),
    [(0, 1, ""), (1, 0, ""), (-3, 1, ""), (1, 1, "a b"), (1, 1, "ä"), (1, 1, "x" * 245)],
)
def test_an_impossible_plan_is_refused(partitions: int, replication: int, prefix: str) -> None:
    with pytest.raises(ValueError, match=r"at least 1|no topic name"):
        plan(partitions, replication, prefix)


def test_a_spec_can_be_a_key_and_cannot_be_changed() -> None:
    spec = plan(1, 1)[0]
    assert {spec: 1}[spec] == 1
    with pytest.raises(TypeError):
        spec.configs["retention.ms"] = "1"  # type: ignore[index]


def test_a_cluster_as_planned_has_no_problem() -> None:
    specs = plan(8, 3, "x-", CHANGELOGS)
    assert compare(specs, as_planned(specs)) == []


def test_more_than_wanted_is_no_problem() -> None:
    specs = plan(4, 1)
    found = {n: replace(state, replication=3) for n, state in as_planned(specs).items()}
    found = changed(found, "vitals", **{"retention.ms": "-1"})
    found = changed(found, "care", **{"retention.ms": str(10**15)})
    found["somebody-elses"] = TopicState(1, 1, {})
    assert compare(specs, found) == []


def test_each_missing_topic_is_named() -> None:
    specs = plan(4, 1)
    found = as_planned(specs)
    del found["care"]
    del found["status"]
    problems = compare(specs, found)
    assert [problem.topics for problem in problems] == [("care",), ("status",)]
    assert all(p.fatal and p.code is ProblemCode.MISSING for p in problems)
    assert "stormwatch topics create" in problems[0].text


def test_partitions_that_differ_are_refused_with_each_count_and_a_way_out() -> None:
    specs = plan(8, 1, changelogs=CHANGELOGS)
    found = as_planned(specs)
    found["care"] = replace(found["care"], partitions=4)
    problem = only(compare(specs, found))
    assert problem.code is ProblemCode.PARTITIONS_DIFFER
    assert problem.fatal
    assert problem.topics == tuple(spec.name for spec in specs)
    for spec in specs:
        assert f"{spec.name}: {4 if spec.name == 'care' else 8}\n" in problem.text
    assert "topics create" in problem.text


def test_another_number_than_the_settings_say_names_the_number_to_set() -> None:
    found = as_planned(plan(12, 1))
    problem = only(compare(plan(8, 1), found))
    assert problem.code is ProblemCode.PARTITIONS_UNWANTED
    assert problem.fatal
    assert "set partitions = 12" in problem.text


@pytest.mark.parametrize(
    ("topic", "policy"),
    [("status", "delete"), ("status", "compact,delete"), ("vitals", "compact")],
)
def test_a_cleanup_policy_that_loses_records_is_fatal(topic: str, policy: str) -> None:
    specs = plan(4, 1)
    found = changed(as_planned(specs), topic, **{"cleanup.policy": policy})
    problem = only(compare(specs, found))
    assert problem.code is ProblemCode.CLEANUP_POLICY
    assert problem.fatal
    assert policy in problem.text


def test_too_few_copies_are_a_warning() -> None:
    specs = plan(4, 3)
    found = as_planned(specs)
    found["alerts"] = replace(found["alerts"], replication=2)
    problem = only(compare(specs, found))
    assert problem.code is ProblemCode.REPLICATION
    assert not problem.fatal
    assert "2 copies, wanted are 3" in problem.text


def test_short_retention_is_a_warning_in_days() -> None:
    specs = plan(4, 1)
    found = changed(as_planned(specs), "vitals", **{"retention.ms": "43200000"})
    problem = only(compare(specs, found))
    assert problem.code is ProblemCode.RETENTION
    assert not problem.fatal
    assert "0.5 days, wanted are 7 days" in problem.text


def test_timestamps_of_the_producer_are_a_warning() -> None:
    specs = plan(4, 1)
    found = changed(as_planned(specs), "vitals", **{"message.timestamp.type": "CreateTime"})
    problem = only(compare(specs, found))
    assert problem.code is ProblemCode.TIMESTAMP_TYPE
    assert not problem.fatal


def test_settings_that_may_not_be_read_are_not_judged() -> None:
    specs = plan(4, 1)
    found = {n: replace(state, configs={}) for n, state in as_planned(specs).items()}
    assert compare(specs, found) == []


def test_fatal_problems_come_first() -> None:
    specs = plan(4, 3)
    found = as_planned(specs)
    found["vitals"] = replace(found["vitals"], replication=1)
    found = changed(found, "status", **{"cleanup.policy": "delete"})
    assert [problem.fatal for problem in compare(specs, found)] == [True, False]


@pytest.mark.filterwarnings("ignore:read_text is deprecated:DeprecationWarning")
@pytest.mark.parametrize("call", [check, create])
@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "127.0.0.1:1,127.0.0.1:2", "no-such-host.invalid:9092"]
)
def test_an_unreachable_broker_is_said_plainly(call, address: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BrokerUnreachable, match="no Kafka broker could be reached") as caught:
        call(address, plan(1, 1), timeout_s=0.3)
    assert all(server in str(caught.value) for server in address.split(","))
    assert isinstance(caught.value, TopicsError)
