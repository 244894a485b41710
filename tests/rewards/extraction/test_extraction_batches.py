"""Replies of the blind batches, and further forms of the kinds that their tuned halves showed.

``batches/batch_N.jsonl`` were written from docs/extraction.md alone. Rules were mended on the rows with half
``tuned``; those with half ``held`` have been counted and never looked at.
"""

import json
from pathlib import Path

import pytest

from rewards import extract_answer

ROWS = [
    (path.stem, json.loads(line))
    for path in sorted((Path(__file__).parent / "batches").glob("batch_*.jsonl"))
    for line in path.read_text("utf-8").splitlines()
]
HELD_RIGHT, HELD_WRONG_LETTERS = 488, 5
"""Of the 500 held rows: those read right, and those read as letters that are not meant."""


def misses(half):
    """Id, what was meant and what was read, of each row of the half that is read wrongly."""
    for batch, row in ROWS:
        if row["half"] == half:
            read = extract_answer(row["text"], row["options"], row["stem"]).letters
            if read != row["expect"]:
                yield f"{batch} {row['id']}", row["expect"], read


def test_the_tuned_half_is_read_right():
    assert sum(row["half"] == "tuned" for _, row in ROWS) == 500
    assert list(misses("tuned")) == []


def test_the_held_half_is_read_no_worse_than_it_was():
    wrong = list(misses("held"))
    assert sum(row["half"] == "held" for _, row in ROWS) == 500
    assert 500 - len(wrong) >= HELD_RIGHT, len(wrong)
    letters = sum(read is not None for _, _, read in wrong)
    assert letters <= HELD_WRONG_LETTERS, letters


MOODS = ("anxious", "calm", "bored", "sad")
DEFENCES = ("投射", "否认", "升华", "合理化")
TRADITIONAL = ("投射", "否認", "昇華", "合理化")
PEOPLE = ("Stanley Milgram", "Philip Zimbardo", "Solomon Asch", "Leon Festinger")
KINDS = [
# a run-on into a made-up question, also with the same options
("Answer: B\n\nQuestion: Who studied conformity?\nA. Stanley Milgram\nB. Philip Zimbardo\nC. Solomon Asch\nD. Leon Festinger\nAnswer: C", PEOPLE, "Who conducted the Stanford prison experiment?","B"),
("The answer is B. Philip Zimbardo.\n\nWho studied conformity?\nA. Stanley Milgram\nB. Philip Zimbardo\nC. Solomon Asch\nD. Leon Festinger\nAnswer: C", PEOPLE, "Who conducted the Stanford prison experiment?","B"),
("B\n\nQ: Which is dull?\n(A) x\n(B) y\n(C) z\n(D) w\nA: C", PEOPLE, "Who conducted the Stanford prison experiment?","B"),
("答案：B\n\n题目：哪一个是把冲动转向建设性活动？\nA. 投射\nB. 否认\nC. 升华\nD. 合理化\n答案：C", DEFENCES, "拒绝承认事实属于","B"),
("答案：B\n\n2. 把冲动转向建设性活动称为（ ）\nA. 投射\nB. 否认\nC. 升华\nD. 合理化\n答案：C", DEFENCES, "拒绝承认事实属于","B"),
("B。\n\n3、将自己的愿望归于他人\nA. 投射\nB. 否认\nC. 升华\nD. 合理化\n答案：A", DEFENCES, "拒绝承认事实属于","B"),
("Answer: C\n\n5. The man who shocked people was\nA) Pavlov\nB) Milgram\nC) Skinner\nD) Freud\nAnswer: B", PEOPLE, "Who studied conformity?","C"),
("C. Solomon Asch\n\nQuestion 2: The man who shocked people was\nA) Pavlov\nB) Milgram\nC) Skinner\nD) Freud\nAnswer: B\n\nQuestion 3: Who ...", PEOPLE, "Who studied conformity?","C"),
("Answer: A\n\n---\n\n**Question:** Which mood is dull?\nA. anxious\nB. calm\nC. bored\nD. sad\n**Answer:** C", MOODS, "Which mood is worry?","A"),
("Question: Which mood is worry?\nA. anxious\nB. calm\nC. bored\nD. sad\nAnswer: A\n\nQuestion: Which mood is dull?\nA. anxious\nB. calm\nC. bored\nD. sad\nAnswer: C", MOODS, "Which mood is worry?","A"),
("Answer: B\nExplanation: calm is it.\n\nQuestion: Which of the following is dull?\nA. x\nB. y\nC. z\nD. w\nAnswer: D\nExplanation: w.", MOODS, "Which of the following is worry?","B"),
("Answer: B\n\nHere is another question:\nWhich mood is dull?\nA. x\nB. y\nC. z\nAnswer: C", MOODS, "Which of the following is not strong?","B"),
# a clause of its own about another letter follows
("应选ABD，C项与题意相反。", DEFENCES, None,"ABD"),("本题选A、B、C，D项属于别的概念。", DEFENCES, None,"ABC"),("正确答案为ACD，B选项说的是防御。", DEFENCES, None,"ACD"),
("故选AB，C、D项与此无关", DEFENCES, None,"AB"),("答案是A、C、D，B项升华强调的是转化。", DEFENCES, None,"ACD"),("答案：BCD，A夸大了作用", DEFENCES, None,"BCD"),
("應選擇ABC，D項違背了這一理念。", TRADITIONAL, None,"ABC"),("The answer is A, B, and C, D describes a different mood.", MOODS, None,"ABC"),
("The correct options are A and C; B refers to something else.", MOODS, None,"AC"),("The correct options are A, C, D was never shown.", MOODS, None,"AC"),
("答案是A、B、C三项", DEFENCES, None,"ABC"),("选A，B，D三项", DEFENCES, None,"ABD"),("选A项，B项，D项。", DEFENCES, None,"ABD"),("答案：A，B，D都对", DEFENCES, None,"ABD"),("应选A，C，D这三个", DEFENCES, None,"ACD"),
("选A，B和D选项", DEFENCES, None,"ABD"),("因此正确的选项是**A、B、C**，而D项多见于精神分裂症。",(),None,"ABC"),("答案是A、B、D，C则不然", DEFENCES, None,"ABD"),
("答案：A、B、D，C项（升华）不在其列", DEFENCES, None,"ABD"),
# verdicts in the verb that the question asks with
("A不属于，B属于，C属于，D不属于。", DEFENCES, "下列属于防御机制的有","BC"),("(A)属於，(B)屬於，(C)不屬於，(D)屬於", TRADITIONAL, "下列何者屬於防衛機制","ABD"),
("A：包括；B：包括；C：不包括；D：包括", DEFENCES, "防御机制包括","ABD"),("A是，B不是，C是，D是。", DEFENCES, "下列是防御机制的有","ACD"),
("A项属于，B项不属于，C项属于，D项属于", DEFENCES, "下列属于防御机制的是","ACD"),("- A：属于\n- B：不属于\n- C：属于\n- D：不属于", DEFENCES, "以下属于防御机制的有哪些","AC"),
("A. 投射：属于\nB. 否认：属于\nC. 升华：不属于\nD. 合理化：属于", DEFENCES, "以下属于防御机制的有哪些","ABD"),
("A属于，B属于，C属于，D不属于", DEFENCES, "以下不属于防御机制的是","D"),("A、B属于，C、D不属于", DEFENCES, "以下属于防御机制的有哪些","AB"),
("A is, B is, C is not, D is.", MOODS, "Which of the following are moods?","ABD"),("A: yes\nB: no\nC: yes\nD: no", MOODS, "Which are moods?","AC"),
("A does, B does not, C does, D does not.", MOODS, "Which of the following lead to worry?","AC"),
("**A** 属于，**B** 不属于，**C** 属于，**D** 不属于", DEFENCES, "以下属于防御机制的有哪些","AC"),
("A有，B没有，C有，D没有", DEFENCES, "焦虑的表现有哪些","AC"),
# the question's words completed by letters
("The most likely diagnosis is C.",(),"A boy ... What is the most likely diagnosis?","C"),
("The most likely diagnosis here is (D) Schizophrenia.",(),"What is the most likely diagnosis?","D"),
("The protective factors include A, B and C.", MOODS, "Which of the following are protective factors?","ABC"),
("The symptoms of depression are **B** and **D**.", MOODS, "Which of the following are symptoms of depression?","BD"),
("The factors that reduce conformity are A and C.",(),"Which of the following reduce conformity?","AC"),
("Classical conditioning was discovered by B. Pavlov.",("Skinner","Pavlov"),"Classical conditioning was discovered by","B"),
("Damage to the hippocampus leads to (C) anterograde amnesia.",("a","b","anterograde amnesia","c"),"Damage to the hippocampus leads to","C"),
("埃里克森认为，青春期的主要任务是（B）自我同一性。",("亲密","自我同一性","勤奋","自主"),"埃里克森认为，青春期的主要任务是","B"),
("把冲动转向建设性活动属于（C）升华。", DEFENCES, "把冲动转向建设性活动属于","C"),
("把冲动转向建设性活动称为C升华。", DEFENCES, "把冲动转向建设性活动称为","C"),
("焦虑的躯体表现有A、B、C。",(),"焦虑的躯体表现有哪些","ABC"),("焦虑的躯体表现主要包括A、C。",(),"下列哪些属于焦虑的躯体表现","AC"),
("抑郁的核心症状为A、B、D。",(),"抑郁的核心症状包括","ABD"),("憂鬱的核心症狀包括A、B、D。",(),"憂鬱的核心症狀包括","ABD"),
("The hallmark of A is fear. The hallmark of B is joy.", MOODS, "What is the hallmark of worry?",None),
("A patient with fear came in. I think of moods.", MOODS, "What is the hallmark of worry?",None),
("The factors that do not increase conformity are B and C.", MOODS, "Which of the following increase conformity?",None),
("The factor that does not increase conformity is B.", MOODS, "Which of the following does NOT increase conformity?","B"),
("One possible diagnosis is B. Another diagnosis is C.",(),"What is the most likely diagnosis?",None),
("The symptom that is not part of depression is C.", MOODS, "Which is not a symptom of depression?","C"),
("不属于防御机制的是（D）合理化。", DEFENCES, "下列不属于防御机制的是","D"),
("This behavior is best explained by option D.", MOODS, "This behavior is best explained by","D"),
("The therapist should first choose B.", MOODS, "What should the therapist do first?","B"),
("The best initial treatment is C) CBT.",("SSRI","ECT","CBT","MAOI"),"What is the best initial treatment?","C"),
("His stage is C, concrete operational.",(),"Which stage is he in?","C"),
("The drug of choice would be A.", MOODS, "What is the drug of choice?","A"),
("The neurotransmitter involved is (B) dopamine.",("GABA","dopamine","ATP"),"Which neurotransmitter is involved in reward?","B"),
("It is B) dopamine.",("GABA","dopamine","ATP"),"Which neurotransmitter is involved in reward?","B"),
# letters and only
("A and C only", MOODS, None,"AC"),("Only A and C.", MOODS, None,"AC"),("**A and B only**", MOODS, None,"AB"),("A, B and D only.", MOODS, None,"ABD"),("只有A和C。", DEFENCES, None,"AC"),("仅A、B", DEFENCES, None,"AB"),("Only B.", MOODS, None,"B"),("B only", MOODS, None,"B"),
("I, II and III only", MOODS, None,None),("只有AC", DEFENCES, None,"AC"),("Just A and D.", MOODS, None,"AD"),("Options A and B only.", MOODS, None,"AB"),("Only options A and D.", MOODS, None,"AD"),("Both A and C.", MOODS, None,"AC"),("A和B而已", DEFENCES, None,"AB"),
("Answer: A and B only.", MOODS, None,"AB"),("Answer: only A and C", MOODS, None,"AC"),("答案：仅A、C", DEFENCES, None,"AC"),("答案：只有B", DEFENCES, None,"B"),("Answer: Both B and D", MOODS, None,"BD"),
# traditional wordings that ask for what is wrong
("(A) 正確：甲。\n(B) 錯誤：乙。\n(C) 正確：丙。\n(D) 正確：丁。", TRADITIONAL, "下列敘述何者錯誤？","B"),
("(A) 正確：甲。\n(B) 錯誤：乙。\n(C) 正確：丙。\n(D) 正確：丁。", TRADITIONAL, "下列關於記憶的敘述，何者為非？","B"),
("(A) 正確。\n(B) 正確。\n(C) 正確。\n(D) 不正確。", TRADITIONAL, "下列何者「不」正確？","D"),
("A 正確，B 錯誤，C 正確，D 正確", TRADITIONAL, "下列有關依附的敘述何者有誤","B"),("A 對，B 錯，C 對，D 對", TRADITIONAL, "下列何者不屬於防衛機制？","B"),
("A：正確\nB：正確\nC：錯誤\nD：正確", TRADITIONAL, "下列何者是錯誤的？","C"),("A：正確\nB：錯誤\nC：錯誤\nD：錯誤", TRADITIONAL, "下列何者正確？","A"),
("【A】正確：甲\n【B】錯誤：乙\n【C】正確：丙", TRADITIONAL, "以下敘述哪一項錯誤","B"),
("A、正确，甲。B、正确，乙。C、错误，丙。D、正确，丁。", DEFENCES, "下列哪项描述是错误的","C"),
("(A) 符合：甲。\n(B) 不符合：乙。\n(C) 符合：丙。\n(D) 符合：丁。", TRADITIONAL, "下列何者不是依附理論的主張","B"),
# all but some
("Answer: all except D", MOODS, None,"ABC"),("除D外全选", DEFENCES, None,"ABC"),("答案：除D外全选", DEFENCES, None,"ABC"),("答案：除了D以外都选", DEFENCES, None,"ABC"),("除C外，其余都对", DEFENCES, None,"ABD"),("All but C.", MOODS, None,"ABD"),("The answer is all but C", MOODS, None,"ABD"),
("All of the above except B", MOODS, None,"ACD"),("Everything except A", MOODS, None,"BCD"),("答案：全选，除了D", DEFENCES, None,"ABC"),("除D之外均选", DEFENCES, None,"ABC"),("除B項外全選", TRADITIONAL, None,"ACD"),("Answer: All options except C.", MOODS, None,"ABD"),("All options are correct except D.", MOODS, None,"ABC"),
("答案是除D外的所有选项", DEFENCES, None,"ABC"),("除D外的所有选项都正确。", DEFENCES, None,"ABC"),("除D以外，全部正确", DEFENCES, None,"ABC"),("Answer: All of them apart from B", MOODS, None,"ACD"),("Answer: every option except B", MOODS, None,"ACD"),("答案：除D外都是", DEFENCES, None,"ABC"),("除A、B外都正确", DEFENCES, None,"CD"),
("Answer: **all except (D)**", MOODS, None,"ABC"),
# a letter with its text, and then prose on the others
("B. Calm. Option A would describe worry, C boredom, and D grief.", MOODS, None,"B"),("C. 升华。A说的是归于他人，B是拒绝承认，D是找理由。", DEFENCES, None,"C"),("(C) 升华。选项A是归于他人，B是拒绝承认。", DEFENCES, None,"C"),("**D. Sad**. A is worry, B is peace and C is dullness.", MOODS, None,"D"),
("B. calm\n\nA would be worry; C is dull.", MOODS, None,"B"),
("A. anxious. This is worry. B. calm. This is peace. C. bored. D. sad.", MOODS, None,None),("A. 投射：归于他人。\nB. 否认：拒绝。\nC. 升华：转化。\nD. 合理化：找理由。", DEFENCES, None,None),
("B) Calm. A) is too strong, C) is too weak.", MOODS, None,"B"),("C 升华。A项归于他人，B项拒绝承认，D项找理由。", DEFENCES, None,"C"),("B. Calm, because A describes worry and C describes dullness.", MOODS, None,"B"),
("B. Calm — A would be worry.", MOODS, None,"B"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "options", "stem", "letters"), KINDS, ids=lambda value: str(value)[:30])
def test_a_kind_is_read_right_in_further_forms(text, options, stem, letters):
    assert extract_answer(text, options, stem).letters == letters
