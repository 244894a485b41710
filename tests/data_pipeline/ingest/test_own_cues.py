"""A domain's own cues of a crisis: found in what was written, whatever cleaning makes of it."""

import pickle

import pytest

from data_pipeline.cleaning.crisis_post import CrisisPost
from data_pipeline.cleaning.post_cleaning import POST_ENDS, clean_posts
from data_pipeline.cleaning.raw_post import RawPost
from data_pipeline.domains import load_domain
from data_pipeline.ingest.clean_blocks import POSTS
from data_pipeline.ingest.own_cues import cleaning_with, posts_with
from data_pipeline.ingest.posts import plain_dialogue
from data_pipeline.rows.mixed_records import from_mixed, places_of
from psyche_rl.config import parse_config
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.records import Dialogue, RowOutcome

CUES = {"despair": ("走投无路", "no way out"), "threat": ("要我的命",)}
ROWS = [
    ("房东不退押金，我已经走投无路了，怎么办？", "先协商，再起诉到法院。"),
    ("他说要我的命，还说 NO WAY OUT，我很害怕。", "先报警，再申请人身安全保护令。"),
    ("合同还没到期，房东要我搬走，怎么办？", "你没有走投无路，可以继续住到期满。"),
    ("我不想活了，合同的事让我整夜睡不着。", "先缓一缓，再找人帮忙看合同。"),
    ("。", "。"),
]
CLEAN = CleanConfig()


def cleaned(kind, clean=CLEAN):
    return kind.clean(RawPost.to_table(posts()), clean)


def posts():
    said = [RawPost(dialogue=plain_dialogue(post, reply, "p.jsonl")) for post, reply in ROWS]
    return [*said, said[3].model_copy(update={"others": ("后来我走投无路。",)})]


def test_rows_with_own_cues_wait_for_a_person_and_those_with_others_do_not():
    kind = pickle.loads(pickle.dumps(posts_with(CUES)))
    table = cleaned(kind)
    assert places_of(table, CrisisPost) == [0, 1, 2, 5]
    assert [waiting.cues for waiting in from_mixed(table, CrisisPost)] == [
        "despair: 走投无路, seeker",
        "despair: no way out, seeker; threat: 要我的命, seeker",
        "despair: 走投无路, counsellor",
        "despair: 走投无路, another turn",
    ]
    assert [d.messages[0].content for d in from_mixed(table, Dialogue)] == [ROWS[3][0]]
    plain = clean_posts(
        RawPost.to_table(posts()),
        CLEAN.model_copy(update={"crisis_review": False}),
    )
    assert from_mixed(table, RowOutcome) == from_mixed(plain, RowOutcome)
    assert table.num_rows == plain.num_rows
    assert from_mixed(table, POST_ENDS[-1]) == from_mixed(plain, POST_ENDS[-1])


def test_without_own_cues_the_built_in_ones_are_looked_for():
    assert posts_with(None) is POSTS
    assert places_of(cleaned(posts_with(None)), CrisisPost) == [3, 5]


def test_no_review_is_no_review():
    off = CLEAN.model_copy(update={"crisis_review": False})
    assert places_of(cleaned(posts_with(CUES), off), CrisisPost) == []


@pytest.mark.parametrize(("cues", "reviewed"), [("none", False), ("builtin", True)])
def test_a_domain_may_do_without(cues, reviewed):
    domain = load_domain("psychology")
    words = domain.words.model_copy(update={"cues": cues})
    config = parse_config({"run_dir": "runs/x"}, "c.yaml")
    found = cleaning_with(config.clean, type(domain)(words, domain.prompts, domain.digest))
    assert found == config.clean.model_copy(update={"crisis_review": reviewed})
