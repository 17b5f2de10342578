"""What is answered when a command may not be: nothing has changed."""

from alerting.terms import Sentence


class IllegalTransition(Exception):  # noqa: N818 - the name is the project's word for it
    """What was asked the state forbids; nothing has changed. `sentence` is for the person who asked."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        super().__init__(sentence.en)


class Unknown(IllegalTransition):
    """What was asked about does not exist."""


class Exists(IllegalTransition):
    """An id is given out once."""
