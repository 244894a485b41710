"""A run folder with a review queue: one item for each reason, as the stages would leave it."""

from __future__ import annotations

from pathlib import Path

from data_pipeline.review import Evidence, Flag, queue_items, write_queue
from psyche_rl.records import Dialogue, Message, Passage, Question, Rationale, Verdict
from psyche_rl.store import RunStore

MEMORY = Passage(
    id="passage-1",
    title="记忆与遗忘",
    text="艾宾浩斯用无意义音节研究遗忘，发现遗忘在学习之后立刻开始，进程先快后慢：最初的一小时内忘得最多，"
    "以后逐渐变慢。过度学习达到百分之一百五十时效果最好，超过之后收效递减。先前学习的材料对后来学习的材料"
    "的干扰叫做前摄抑制，后来学习的材料对先前材料的干扰叫做倒摄抑制。一份材料的中间部分同时受到两种抑制，"
    "所以最难记住。",
    source="普通心理学.md",
    row=12,
)
QUESTIONS = [
    Question(
        id="question-curve",
        kind="single",
        stem="艾宾浩斯的研究表明，遗忘的进程是（ ）",
        options=("先快后慢", "先慢后快", "匀速进行", "时快时慢"),
        gold="A",
        passage_id=MEMORY.id,
        span="遗忘在学习之后立刻开始，进程先快后慢",
        source=MEMORY.source,
    ),
    Question(
        id="question-inhibition",
        kind="multiple",
        stem="学习一篇较长的材料时，中间部分往往最难记住，原因是它受到（ ）",
        options=("前摄抑制", "倒摄抑制", "超限抑制", "过度学习"),
        gold="A",
        passage_id=MEMORY.id,
        span="一份材料的中间部分同时受到两种抑制，所以最难记住",
        source=MEMORY.source,
    ),
    Question(
        id="question-overlearning",
        kind="single",
        stem="过度学习的效果最好时，学习程度约为（ ）",
        options=("100%", "120%", "150%", "200%"),
        gold="C",
        passage_id=MEMORY.id,
        span="过度学习达到百分之一百五十时效果最好",
        source=MEMORY.source,
    ),
    Question(
        id="question-short",
        kind="short",
        stem="什么是倒摄抑制？",
        gold="后来学习的材料对先前材料的干扰",
        passage_id=MEMORY.id,
        span="后来学习的材料对先前材料的干扰叫做倒摄抑制",
        source=MEMORY.source,
    ),
]
POST = Dialogue(
    id="dialogue-post",
    kind="plain",
    source="posts.jsonl",
    messages=(
        Message(role="user", content="最近总觉得活着没有意思，晚上睡不着，也不想见人。"),
        Message(role="assistant", content="多出去走走，别想太多。"),
    ),
)
REPLY = Dialogue(
    id="dialogue-reply",
    kind="empathetic",
    source_id=POST.id,
    source="posts.jsonl",
    messages=(
        POST.messages[0],
        Message(
            role="assistant",
            content="听到你这样说，我很担心你。夜里一个人醒着，白天又不想见人，一定非常累。"
            "你愿意告诉我，有没有想过伤害自己吗？如果有，请现在就联系你信任的人，或拨打当地的心理援助热线。",
        ),
    ),
)
ORDER = [REPLY.id, "question-inhibition", "question-overlearning", "question-short", "question-curve"]


def make_run(folder: Path) -> RunStore:
    """A run folder whose queue holds :data:`ORDER`."""
    store = RunStore(str(folder))
    answers = {"qwen2.5-7b": ("AB", "AB"), "llama-3.1-8b": ("AB", "AB"), "glm-4-9b": ("AB", "AB")}
    verdicts = [
        Verdict(question_id="question-inhibition", selector=name, sample=n, text="", answer=a, correct=False)
        for name, given in answers.items()
        for n, a in enumerate(given)
    ]
    rationale = Rationale(
        id="rationale-1",
        question_id="question-inhibition",
        prompt="",
        text="材料的中间部分，前面有先学的内容，后面有后学的内容。先学的内容干扰后学的，是前摄抑制；后学的内容"
        "干扰先学的，是倒摄抑制。中间部分两面受扰，因此最难记住。",
        answer="A",
        round=1,
        model="teacher",
    )
    items = queue_items(
        QUESTIONS,
        [POST, REPLY],
        flags=[
            Flag(REPLY.id, "crisis", "活着没有意思"),
            Flag("question-inhibition", "label_audit", "selectors agree on AB, the key is A"),
            Flag("question-overlearning", "teacher_wrong", "the teacher's first answer is B, the key is C"),
            Flag("question-short", "quality_filter", "too_easy: the stem names what it asks for"),
            Flag("question-curve", "sampled"),
        ],
        seed=0,
        rate=0,
        evidence=Evidence(
            {MEMORY.id: MEMORY}, {"question-inhibition": rationale}, {"question-inhibition": verdicts}
        ),
    )
    write_queue(store, "synth", items)
    store.write_text("config.yaml", "seed: 0\nrun_dir: x\nreview:\n  reviewer: 李老师\n")
    return store
