"""One answer in its three stages: the question is read, the network runs, the reply is written."""

import numpy as np

from enn_service.exchange import Operation, Question, Request
from enn_service.model import Model
from enn_service.replies import Reply

PARAMETER_NANOSECONDS = 1
"""What a row costs for each parameter of the network, roughly: its run."""
NUMBER_NANOSECONDS = 60
"""What a row costs for each number in its reply, roughly: its text."""


class Answer:
    """An answer on its way.

    Args:
        operation: Reads the question.
        model: Answers it.
        request: Asks it.

    Attributes:
        question: What was read; None before.
    """

    def __init__(self, operation: Operation, model: Model, request: Request) -> None:
        self._operation, self._model, self._request = operation, model, request
        self.question: Question | None = None

    def read(self) -> Question:
        """Read and check the question.

        Raises:
            RequestError: The request is refused.
        """
        self.question = self._operation(self._model, self._request)
        return self.question

    @property
    def left(self) -> int:
        """About how many nanoseconds it takes to finish, once the question has been read."""
        question = self.question
        if question is None:
            return 0
        row = PARAMETER_NANOSECONDS * self._model.network.parameters + NUMBER_NANOSECONDS * question.written
        return len(question.rows) * row

    def finish(self) -> Reply:
        """Run the network on the question, read now if it was not, and write the reply.

        Raises:
            RequestError: The request is refused.
            ArithmeticError: The network gave something that is no finite number.
        """
        question = self.question or self.read()
        tensors = self._model.session.run(question.rows, question.tensors)
        for name, tensor in zip(question.tensors, tensors, strict=True):
            if np.count_nonzero(np.isfinite(tensor)) != tensor.size:
                raise ArithmeticError(f"{self._model.name}/{self._model.version}: {name} is not finite for finite rows")
        return question.answer(tensors)
