"""Held-out exam evaluation: grading replies, accuracy with bootstrap intervals."""

from psyche_rl.evaluation.bootstrap import bootstrap_interval
from psyche_rl.evaluation.grading import ExamReply, GradedAnswer, GradedExam, grade, summarise

__all__ = ["ExamReply", "GradedAnswer", "GradedExam", "bootstrap_interval", "grade", "summarise"]
