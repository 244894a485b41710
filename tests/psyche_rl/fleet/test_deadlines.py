"""The bound's arithmetic beside schedules that are made and walked through."""

from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.fleet.deadlines import Deadlines


def schedulable(births, prompts, staleness, step, taken, steps):
    """Whether groups consumed oldest first, as many as fit in each step, all come in time."""
    waiting = sorted(births)
    free = prompts - taken
    while waiting:
        if steps is not None and step >= steps:
            return False
        now, waiting = waiting[:free], waiting[free:]
        if any(birth + staleness < step for birth in now):
            return False
        step, free = step + 1, prompts
    return True


@st.composite
def moments(draw):
    prompts, staleness = draw(st.integers(1, 5)), draw(st.integers(0, 4))
    step, taken = draw(st.integers(0, 6)), draw(st.integers(0, prompts))
    steps = draw(st.none() | st.integers(step + 1, step + 6))
    ages = st.integers(max(0, step - staleness), step)
    births = []
    for birth in draw(st.lists(ages, max_size=30)):
        if schedulable([*births, birth], prompts, staleness, step, taken, steps):
            births.append(birth)
    deadlines = Deadlines(prompts, staleness, steps)
    left = draw(st.lists(ages, max_size=3))
    for birth in [*births, *left]:
        deadlines.add(birth)
    for birth in left:
        deadlines.remove(birth)
    return deadlines, births, (step, taken), draw(ages), (prompts, staleness, step, taken, steps)


@given(moments())
def test_the_room_is_what_a_schedule_can_still_hold(moment):
    deadlines, births, now, birth, setting = moment
    held = 0
    while schedulable([*births, *[birth] * (held + 1)], *setting):
        held += 1
    assert deadlines.room(birth, *now) == held


@given(moments())
def test_a_group_may_be_taken_where_the_others_still_come_in_time(moment):
    deadlines, births, (step, taken), _, (prompts, staleness, _, _, steps) = moment
    if taken == prompts:
        return
    for birth in set(births):
        rest = [*births]
        rest.remove(birth)
        assert deadlines.may_take(birth, step, taken) == schedulable(
            rest, prompts, staleness, step, taken + 1, steps
        )


def test_a_birth_beyond_the_bound_has_no_room():
    assert Deadlines(4, 1, None).room(birth=2, step=4, taken=0) == 0
    assert Deadlines(4, 1, None).room(birth=3, step=4, taken=0) == 4


def test_what_is_removed_takes_no_room():
    deadlines = Deadlines(2, 0, None)
    deadlines.add(0)
    assert deadlines.room(0, 0, 0) == 1
    deadlines.remove(0)
    assert deadlines.room(0, 0, 0) == 2
