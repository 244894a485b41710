"""An LLM handle without actor: answers from a function."""

from psyche_rl.config.teacher import TeacherConfig


class FakeLLM:
    """``answer(messages as one text, sample)`` gives a ChatResult; every request is kept."""

    def __init__(self, answer):
        self.teacher, self.answer, self.asked = TeacherConfig(), answer, []

    def complete(self, requests, phase):
        self.asked += requests
        return [
            self.answer("\n".join(text for _, text in request.messages), request.sample)
            for request in requests
        ]
