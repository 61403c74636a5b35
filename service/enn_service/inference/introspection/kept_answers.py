"""KeptAnswers: answers that took long, kept in memory up to a total size."""

from collections import OrderedDict


class KeptAnswers:
    """Answers by tag; the one that was asked for longest ago makes room for others.

    Args:
        size: Maximum number of bytes of all answers.
    """

    def __init__(self, size: int) -> None:
        self._limit, self._size = size, 0
        self._answers: OrderedDict[str, bytes] = OrderedDict()

    def get(self, tag: str) -> bytes | None:
        """Return the answer with a tag; None if it is not kept."""
        if (answer := self._answers.get(tag)) is not None:
            self._answers.move_to_end(tag)
        return answer

    def add(self, tag: str, answer: bytes) -> None:
        """Keep an answer, unless it alone exceeds the size."""
        if len(answer) > self._limit or tag in self._answers:
            return
        self._answers[tag] = answer
        self._size += len(answer)
        while self._size > self._limit:
            self._size -= len(self._answers.popitem(last=False)[1])
