"""The scripted teacher: an OpenAI-compatible server that answers our prompts as a teacher LLM would."""

from psyche_rl.mini.teacher.flaws import TeacherFlaws

__all__ = ["TeacherFlaws"]
