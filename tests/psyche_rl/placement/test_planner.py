"""Plans on pretended clusters: what fits, what is refused and how, and what holds on every cluster."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from psyche_rl.config import load_config, parse_config
from psyche_rl.errors import ConfigError, PlacementError
from psyche_rl.placement.cluster_shape import ClusterShape, Node, pretended
from psyche_rl.placement.holding import spots_of
from psyche_rl.placement.memory import MOVING, total
from psyche_rl.placement.planner import plan_stage, plan_stages
from psyche_rl.placement.reservations import BundleGroup, settle

SEVEN = "Qwen/Qwen2.5-7B-Instruct"
MINI = "launch/configs/mini.yaml"
STAGES = ("world", "synth", "select", "sft", "grpo", "eval", "report")
EMPTY = ClusterShape((Node(),))


def config(**sections):
    return parse_config({"run_dir": "r", "mini": {}, **sections}, "c")


def grpo(shape: str | ClusterShape, device: str = "auto", **keys):
    shape = pretended(shape) if isinstance(shape, str) else shape
    return plan_stage("grpo", config(grpo=keys, device=device), shape)


def counts(plan) -> dict[str, int]:
    return dict(Counter(seat.role for seat in plan.seats))


def refused(shape, **keys) -> str:
    with pytest.raises(PlacementError) as caught:
        grpo(shape, **keys)
    return str(caught.value)


# -- how many --------------------------------------------------------------------------------------
def test_stated_numbers_stay_and_take_a_gpu_each():
    plan = grpo("1x8x80", ranks=3, rollout_workers=2, engine={"tensor_parallel_size": 2})
    assert counts(plan) == {"learner": 3, "rollout worker": 2}
    assert [(g.bundles, g.strategy) for g in plan.groups] == [
        ((1, 1, 1), "PACK"),
        ((2,), "PACK"),
        ((2,), "PACK"),
    ]
    assert plan.config.grpo.ranks == 3
    assert plan.grows == 0


@pytest.mark.parametrize(
    ("shape", "keys", "expected"),
    [
        ("1x8x80", {"ranks": "auto", "rollout_workers": "auto"}, (4, 4)),
        ("1x8x80", {"ranks": "auto", "rollout_workers": 2}, (6, 2)),
        ("1x8x80", {"ranks": 2, "rollout_workers": "auto"}, (2, 6)),
        ("1x8x80", {"ranks": 2, "rollout_workers": "auto", "engine": {"tensor_parallel_size": 4}}, (2, 1)),
        ("2x8x80", {"ranks": 8, "rollout_workers": {"min": 4, "max": 24}, "staleness": 1}, (8, 8)),
        ("2x8x80", {"ranks": 8, "rollout_workers": {"min": 2, "max": 6}, "staleness": 1}, (8, 6)),
        ("2x8x80", {"ranks": "auto", "rollout_workers": {"min": 12, "max": 24}, "staleness": 1}, (4, 12)),
        ("2x8x80", {"ranks": "auto", "rollout_workers": {"min": 1, "max": 24}, "staleness": 1}, (8, 8)),
        ("1x8x80", {"ranks": "auto", "rollout_workers": "auto", "placement": "colocated"}, (8, 8)),
        ("1x8x80", {"ranks": 4, "placement": "colocated", "rollout_workers": "auto"}, (4, 4)),
        ("1x8x80", {"ranks": "auto", "placement": "colocated", "rollout_workers": 3}, (3, 3)),
        ("1x1x80", {"ranks": "auto", "rollout_workers": "auto", "placement": "auto"}, (1, 1)),
        ("1x0x0", {"ranks": "auto", "rollout_workers": "auto", "placement": "auto"}, (2, 2)),
        ("1x0x0", {"ranks": "auto", "rollout_workers": {"min": 3, "max": 9}, "staleness": 1}, (2, 3)),
        ("1x0x0+1", {"ranks": "auto", "rollout_workers": "auto"}, (2, 2)),
    ],
)
def test_auto_is_by_what_there_is(shape, keys, expected):
    plan = grpo(shape, **keys)
    assert (counts(plan)["learner"], counts(plan)["rollout worker"]) == expected


def test_a_reference_pool_has_its_gpus_first():
    keys = {"ranks": "auto", "rollout_workers": "auto", "reference_workers": 2}
    assert counts(grpo("1x8x80", **keys)) == {"learner": 3, "rollout worker": 3, "reference": 2}
    shared = grpo("1x8x80", **keys, placement="colocated")
    assert counts(shared) == {"learner": 6, "rollout worker": 6, "reference": 2}


def test_other_stages_take_what_there_is():
    tree = {"sft": {"ranks": "auto"}, "eval": {"workers": "auto"}, "select": {"engines_per_selector": "auto"}}
    tree |= {"teacher": {"engine": "vllm", "vllm_engines": "auto", "model": SEVEN}}
    plans = {p.stage: counts(p) for p in plan_stages(STAGES, config(**tree), pretended("2x4x80"))[0]}
    assert (plans["sft"], plans["eval"], plans["synth"]) == (
        {"learner": 8}, {"engine": 8}, {"teacher engine": 8})  # fmt: skip
    assert plans["select"] == {"selector engine": 8}
    assert plans["world"] == {"learner": 2}
    on_cpu = {p.stage: counts(p) for p in plan_stages(STAGES, config(**tree), EMPTY)[0]}
    assert on_cpu["sft"] == {"learner": 2}
    assert on_cpu["eval"] == {"engine": 1}


@pytest.mark.parametrize(
    ("per", "gpus", "at_once"), [(1, 2, 2), (1, 8, 3), (2, 4, 4), (2, 8, 6), ("auto", 8, 8), ("auto", 2, 2)]
)
def test_all_selectors_together_have_engines_for_what_is_free(per, gpus, at_once):
    three = config(select={"engines_per_selector": per})  # the mini world has three selectors
    assert len(plan_stage("select", three, pretended(f"1x{gpus}x80")).seats) == at_once


def test_a_selector_leaves_the_others_an_engine_each():
    three = config(select={"engines_per_selector": "auto"})
    assert plan_stage("select", three, pretended("1x8x80")).config.select.engines_per_selector == 6
    assert plan_stage("select", three, pretended("1x2x80")).config.select.engines_per_selector == 1


def test_engines_are_as_wide_as_their_model_needs():
    def width(model, gib, **engine):
        tree = {
            "mini": None,
            "model": model,
            "eval": {"workers": "auto", "engine": {"tensor_parallel_size": "auto", **engine}},
        }
        plan = plan_stage("eval", config(**tree), pretended(f"1x8x{gib}"))
        return plan.config.eval.engine.parallel, len(plan.seats)

    assert width(SEVEN, 80) == (1, 8)
    assert width("Qwen/Qwen2.5-72B-Instruct", 80) == (4, 2)  # 135 GiB: 34 on each of four, and 3 beside them
    assert width("Qwen/Qwen2.5-14B-Instruct", 24) == (2, 4)
    assert width("Qwen/Qwen2.5-14B-Instruct", 24, kv_cache_mib=10 * 1024) == (4, 2)
    assert width("nobody/nothing", 24) == (1, 8)


def test_a_machine_with_one_gpu_has_the_whole_mini_run_on_it():
    plans, refusals = plan_stages(STAGES, load_config(MINI), pretended("1x1x24"))
    assert refusals == []
    found = {plan.stage: counts(plan) for plan in plans}
    assert found["grpo"] == {"learner": 1, "rollout worker": 1}
    assert found["world"] == {"learner": 2}
    assert {(0, 0)} == {
        (s.node, g) for p in plans for seat in p.seats for s in spots_of(seat, p.spots) for g in s.gpus
    }


def test_the_mini_run_without_a_gpu_is_as_it_was():
    plans, _ = plan_stages(STAGES, load_config(MINI), EMPTY)
    found = {plan.stage: counts(plan) for plan in plans}
    assert found["grpo"] == {"learner": 2, "rollout worker": 2}
    assert (found["sft"], found["eval"]) == ({"learner": 2}, {"engine": 1})
    assert not any(plan.on_gpu for plan in plans)
    assert all("not known" not in line for plan in plans for line in plan.unknown)


# -- where -----------------------------------------------------------------------------------------
def test_colocated_ranks_and_engines_share_each_gpu_in_halves():
    plan = grpo("2x8x80", placement="colocated", ranks=16, rollout_workers=16)
    (group,) = plan.groups
    assert group.bundles == (1,) * 16
    for role in ("learner", "rollout worker"):
        assert [(s.bundles, s.share) for s in plan.seats_of(role)] == [((n,), 0.5) for n in range(16)]


def test_with_an_engine_that_sleeps_the_larger_turn_is_counted_and_not_the_sum():
    def held(**keys):
        plan = grpo("1x8x80", placement="colocated", ranks=8, rollout_workers=8, **keys)
        return dict(plan.devices[0, 0])

    engine = {"kv_cache_mib": 2048}
    awake, asleep = held(engine=engine), held(engine=engine, sleep_level=2)
    assert awake["learner"] == asleep["learner"]
    moving = total(term for term in awake["learner"] if term.what in MOVING)
    own = total(term for term in awake["rollout worker"] if term.what != "CUDA")
    saved = total(awake["rollout worker"]) - total(asleep["rollout worker"])
    assert saved == min(moving, own) > 0
    assert {term.what for term in awake["learner"]} > MOVING


def test_shards_of_a_colocated_engine_are_on_one_node_each_with_its_own_ranks():
    plan = grpo(
        "2x3x80", placement="colocated", ranks=4, rollout_workers=2, engine={"tensor_parallel_size": 2}
    )
    assert [group.strategy for group in plan.groups] == ["STRICT_PACK"] * 2
    for engine in plan.seats_of("rollout worker"):
        spots = spots_of(engine, plan.spots)
        assert len({spot.node for spot in spots}) == 1
        ranks = [spots_of(s, plan.spots)[0] for s in plan.seats_of("learner") if s.group == engine.group]
        assert sorted(ranks, key=lambda s: s.gpus) == sorted(spots, key=lambda s: s.gpus)


def test_ranks_stay_together_where_the_others_leave_them_a_node():
    plan = grpo("2x8x80", ranks=8, rollout_workers=4)
    assert {s.node for seat in plan.seats_of("learner") for s in spots_of(seat, plan.spots)} == {0}


def test_ranks_spread_where_engines_need_whole_nodes():
    plan = grpo("2x3x80", ranks=2, rollout_workers=2, engine={"tensor_parallel_size": 2})
    assert {s.node for seat in plan.seats_of("learner") for s in spots_of(seat, plan.spots)} == {0, 1}


def test_what_must_be_on_one_node_is_not_spread_over_two():
    shape = ClusterShape((Node(gpus=1), Node(gpus=1)))
    assert settle([BundleGroup("shards", (1, 1), "STRICT_PACK")], shape) is None
    assert settle([BundleGroup("ranks", (1, 1))], shape) is not None


@pytest.mark.parametrize(("gpus", "share", "devices"), [(1, 0.5, 1), (2, 1.0, 2), (8, 1.0, 2)])
def test_small_learners_share_a_gpu_only_where_there_is_one(gpus, share, devices):
    plan = plan_stage("world", config(), pretended(f"1x{gpus}x80"))
    assert [seat.share for seat in plan.seats] == [share, share]
    assert len({spots_of(seat, plan.spots) for seat in plan.seats}) == devices


def test_what_is_not_there_yet_is_planned_where_it_may_come():
    plan = grpo(ClusterShape((Node(),), (Node(gpus=8, gpu_gib=80),) * 2), ranks=8, rollout_workers=4)
    assert (plan.on_gpu, plan.grows) == (True, 12)
    assert grpo("1x8x80+1", ranks=8, rollout_workers=1).grows == 1
    assert grpo("1x8x80+1", ranks=4, rollout_workers=1).grows == 0


def test_what_the_user_says_of_the_autoscaler_counts_where_the_cluster_says_nothing():
    told = config(cluster={"may_add": "2x8x80"}, grpo={"ranks": 8, "rollout_workers": 4})
    plan = plan_stage("grpo", told, EMPTY)
    assert (plan.grows, plan.shape.nodes[1:]) == (12, (Node(gpus=8, gpu_gib=80, cpus=128),) * 2)
    reported = ClusterShape((Node(),), (Node(gpus=12),))
    assert plan_stage("grpo", told, reported).shape == reported.grown
    with pytest.raises(ConfigError, match=r"cluster\.may_add"):
        config(cluster={"may_add": "plenty"})


def test_a_joiner_has_a_group_of_its_own_like_the_others():
    plan = grpo("1x8x80", ranks=1, rollout_workers=2, engine={"tensor_parallel_size": 2})
    group, seat = plan.joiner("rollout worker", 1, 2)
    assert (group, seat) == (plan.groups[2], plan.seats_of("rollout worker")[1])


# -- refused ---------------------------------------------------------------------------------------
def test_too_few_gpus_and_what_would_fit():
    told = refused("1x8x80", ranks=8, rollout_workers=8, reference_workers=1)
    assert told == (
        "'grpo.ranks': grpo needs 17 GPUs, the cluster has 8 and may grow to 8 (given: 8); "
        "with grpo.placement=colocated and grpo.reference_workers=0 8 are enough"
    )
    assert refused("1x8x80", ranks=8, rollout_workers=8).endswith(
        "with grpo.placement=colocated 8 are enough"
    )
    assert refused("1x8x80+0", ranks=9, rollout_workers=8).endswith(
        "grpo.rollout_workers or grpo.engine.tensor_parallel_size, or run it on a larger cluster"
    )
    assert "has 8 and may grow to 16" in refused("1x8x80+1", ranks=16, rollout_workers=8)
    assert grpo("1x8x80+2", ranks=16, rollout_workers=8).grows == 16


def test_engines_that_no_node_is_wide_enough_for():
    told = refused("4x2x80", ranks=1, rollout_workers=1, engine={"tensor_parallel_size": 4})
    assert told.startswith("'grpo.engine.tensor_parallel_size': grpo: the 4 GPUs of one rollout worker")
    assert "at most 2 GPUs" in told


def test_gpus_that_are_asked_for_and_those_that_are_not_wanted():
    with pytest.raises(PlacementError, match=r"'device'.*no GPU and may not grow"):
        plan_stage("sft", config(device="gpu"), EMPTY)
    assert not plan_stage("sft", config(device="cpu"), pretended("1x8x80")).on_gpu
    assert plan_stage("sft", config(device="gpu"), ClusterShape((Node(),), (Node(gpus=1),))).grows == 1


def test_memory_that_does_not_fit_is_named_with_its_largest_terms_and_what_to_turn():
    tree = {"mini": None, "model": SEVEN, "grpo": {"ranks": 2, "rollout_workers": 1}}
    with pytest.raises(PlacementError) as caught:
        plan_stage("grpo", config(**tree), pretended("1x3x40"))
    told = str(caught.value)
    assert "would hold" in told
    assert "has 40.0" in told
    assert "learner's optimizer moments 28.4" in told
    assert "raise grpo.ranks" in told
    assert plan_stage("grpo", config(**{**tree, "grpo": {"ranks": 8, "rollout_workers": 1,
        "learner": {"gradient_checkpointing": True}}}), pretended("2x8x40")).on_gpu  # fmt: skip


def test_a_device_is_full_to_the_byte_and_no_more():
    plan = plan_stage("sft", config(mini=None, model=SEVEN, sft={"ranks": 1}), ClusterShape((Node(gpus=1),)))
    ((_, terms),) = plan.devices[0, 0]
    exact = total(terms) / 1024**3
    assert plan_stage("sft", config(mini=None, model=SEVEN), ClusterShape((Node(1, exact + 1e-6),))).on_gpu
    with pytest.raises(PlacementError):
        plan_stage("sft", config(mini=None, model=SEVEN), ClusterShape((Node(1, exact - 1e-6),)))


def test_a_host_that_cannot_hold_what_passes_through_it():
    tree = {"mini": None, "model": SEVEN, "grpo": {"ranks": 4, "rollout_workers": 4}}
    tree["learner"] = {"gradient_checkpointing": True}
    small, large = (ClusterShape((Node(8, 80, host_gib=gib),)) for gib in (64, 512))
    with pytest.raises(PlacementError, match="the host of node 0 would hold"):
        plan_stage("grpo", config(**tree), small)
    assert plan_stage("grpo", config(**tree), large).on_gpu


def test_a_laptop_does_not_train_seven_billion():
    with pytest.raises(PlacementError, match="the host of node 0"):
        plan_stage("sft", config(mini=None, model=SEVEN), ClusterShape((Node(cpus=8, host_gib=16),)))


def test_processes_beside_a_model_refuse_nothing():
    assert grpo(ClusterShape((Node(gpus=16, host_gib=8),)), ranks=8, rollout_workers=8).on_gpu


def test_machines_without_gpus_are_measured_together():
    def hosts(count):
        return ClusterShape((Node(cpus=8, host_gib=64),) * count)

    tree = {"mini": None, "model": SEVEN, "learner": {"gradient_checkpointing": True}}
    with pytest.raises(PlacementError):
        plan_stage("sft", config(**tree), hosts(2))
    assert not plan_stage("sft", config(**tree), hosts(8)).on_gpu


def test_what_is_not_known_is_said_and_refuses_nothing():
    plan = plan_stage("sft", config(mini=None, model="nobody/nothing"), pretended("1x1x1"))
    assert plan.unknown == ("sft: whether nobody/nothing fits the memory; its config is not on this machine",)
    assert plan.devices == {}
    plan = plan_stage("sft", config(mini=None, model=SEVEN), ClusterShape((Node(gpus=1),)))
    assert plan.unknown == ("sft: whether it fits the GPUs, whose memory is not known",)


def test_a_teacher_behind_a_server_takes_no_place_and_no_memory_here():
    teacher = {"base_url": "http://127.0.0.1:1/v1", "model": "nobody/nothing"}
    plan = plan_stage("synth", config(teacher=teacher), pretended("1x1x1"))
    assert (plan.seats, plan.unknown, plan.hosts) == ((), (), {})
    engines = config(teacher={"engine": "vllm", "model": "nobody/nothing"})
    assert "nobody/nothing" in plan_stage("synth", engines, pretended("1x1x1")).unknown[0]


def test_ranks_and_shards_that_do_not_pair():
    told = refused(
        "1x8x80", ranks=3, rollout_workers="auto", placement="colocated", engine={"tensor_parallel_size": 2}
    )
    assert "3 ranks do not share their GPUs evenly with 1 engines of 2 GPUs" in told


def test_a_shared_gpu_is_tried_first_where_it_is_left_open():
    assert grpo("1x8x80", placement="auto", ranks=4, rollout_workers=4).config.grpo.placement == "colocated"
    assert grpo("1x8x80", placement="auto", ranks=4, rollout_workers=2).config.grpo.placement == "split"
    elastic = {"rollout_workers": {"min": 1, "max": 2}, "staleness": 1}
    assert grpo("1x8x80", placement="auto", **elastic).config.grpo.placement == "split"
    assert (
        grpo("1x8x80", placement="auto", ranks=4, rollout_workers=4, staleness=1).config.grpo.placement
        == "split"
    )
    tree = {"mini": None, "model": SEVEN, "grpo": {"placement": "auto", "ranks": 8, "rollout_workers": 8}}
    tree["learner"] = {"gradient_checkpointing": True}
    # An engine that takes 85 % of its GPU leaves a rank no room.
    assert plan_stage("grpo", config(**tree), pretended("2x8x80")).config.grpo.placement == "split"


def test_where_nothing_fits_it_is_the_first_choice_that_is_told():
    tree = {"mini": None, "model": SEVEN, "grpo": {"placement": "auto", "ranks": 8, "rollout_workers": 8}}
    with pytest.raises(PlacementError, match="GPU 0 of node 0 would hold"):
        plan_stage("grpo", config(**tree), pretended("1x8x40"))


def test_the_keys_of_a_pretended_cluster():
    assert pretended("2x8x80").gpus == 16
    assert pretended("1x8x79.6+3").may_grow_to == 32
    assert pretended("2x8x80").nodes[0] == Node(gpus=8, gpu_gib=80, cpus=128)
    assert pretended("1x0x0").cpus == 1
    with pytest.raises(ConfigError, match="NODESxGPUSxGIB"):
        pretended("eight")


# -- on every cluster ------------------------------------------------------------------------------
SHAPES = st.builds(
    lambda now, more: ClusterShape(tuple(Node(gpus=g) for g in now), tuple(Node(gpus=g) for g in more)),
    st.lists(st.integers(0, 8), min_size=1, max_size=4),
    st.lists(st.integers(0, 8), max_size=2),
)
NUMBERS = st.integers(1, 9)
OR_AUTO = NUMBERS | st.just("auto")
ELASTIC = st.tuples(NUMBERS, NUMBERS).map(lambda two: {"min": min(two), "max": max(two)})
KEYS = st.fixed_dictionaries(
    {
        "ranks": OR_AUTO,
        "rollout_workers": OR_AUTO | ELASTIC,
        "placement": st.sampled_from(["split", "auto", "colocated"]),
        "reference_workers": st.integers(0, 2),
        "engine": st.fixed_dictionaries({"tensor_parallel_size": st.integers(1, 4) | st.just("auto")}),
    }
)


def tried(shape, keys):
    """The plan, or None where it is refused; what contradicts itself is no case."""
    try:
        checked = config(grpo=keys)
    except ConfigError:
        assume(False)
    try:
        return plan_stage("grpo", checked, shape)
    except PlacementError:
        return None


@settings(max_examples=60)
@given(SHAPES, KEYS)
def test_no_device_is_given_away_more_than_once_and_everybody_has_one_seat(shape, keys):
    plan = tried(shape, keys)
    assume(plan is not None)
    grpo_now = plan.config.grpo
    expected = {"learner": grpo_now.ranks, "rollout worker": grpo_now.rollout_workers}
    if grpo_now.reference_in_pool:
        expected["reference"] = grpo_now.reference_workers
    assert counts(plan) == expected
    assert all([s.number for s in plan.seats_of(role)] == list(range(n)) for role, n in expected.items())
    used: Counter[tuple[int, int]] = Counter()
    for seat in plan.seats:
        for spot in spots_of(seat, plan.spots):
            assert all(gpu < plan.shape.nodes[spot.node].gpus for gpu in spot.gpus)
            used.update({(spot.node, gpu): seat.share for gpu in spot.gpus})
    assert all(share <= 1 for share in used.values())
    if plan.on_gpu:
        gpus = [seat for seat in plan.seats if sum(len(s.gpus) for s in spots_of(seat, plan.spots)) < 1]
        assert gpus == []
        engine = plan.config.grpo.engine.parallel
        for seat in plan.seats_of("rollout worker"):
            spots = spots_of(seat, plan.spots)
            assert sum(len(s.gpus) for s in spots) == engine
            assert len({s.node for s in spots}) == 1


@settings(max_examples=60)
@given(SHAPES, KEYS, st.integers(0, 8), st.booleans(), st.data())
def test_a_larger_cluster_refuses_nothing_that_a_smaller_one_took(shape, keys, more, wider, data):
    assume(shape.gpus > 0)
    assume(tried(shape, keys) is not None)
    nodes = list(shape.nodes)
    if wider:
        place = data.draw(st.integers(0, len(nodes) - 1))
        nodes[place] = Node(gpus=nodes[place].gpus + more)
    else:
        nodes.append(Node(gpus=more))
    assert tried(ClusterShape(tuple(nodes), shape.may_add), keys) is not None


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=6), st.lists(st.integers(0, 8), min_size=1, max_size=4)
)
def test_a_group_that_is_settled_lies_apart_from_the_others(sizes, nodes):
    groups = [BundleGroup(str(n), (size,)) for n, size in enumerate(sizes)] + [
        BundleGroup("ranks", (1, 1, 1))
    ]
    spots = settle(groups, ClusterShape(tuple(Node(gpus=g) for g in nodes)))
    if spots is None:
        alike = len(set(sizes)) == 1
        room = min(sum(g // sizes[0] for g in nodes), (sum(nodes) - 3) // sizes[0])
        assert not alike or room < len(sizes)
        return
    taken = [(s.node, gpu) for found in spots.values() for s in found for gpu in s.gpus]
    assert len(taken) == len(set(taken)) == sum(group.gpus for group in groups)
    assert all(gpu < nodes[node] for node, gpu in taken)
    assert [len(s.gpus) for group in groups for s in spots[group.name]] == [
        b for g in groups for b in g.bundles
    ]
