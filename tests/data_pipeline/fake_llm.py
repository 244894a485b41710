"""An LLM handle without actor: answers from a function."""

from psyche_rl.config.teacher import TeacherConfig


class FakeLLM:
    """``answer(prompt, sample)`` gives a ChatResult; every request is kept."""

    def __init__(self, answer):
        self.teacher, self.answer, self.asked = TeacherConfig(), answer, []

    def complete(self, requests, phase):
        self.asked += requests
        return [self.answer(request.messages[0][1], request.sample) for request in requests]
