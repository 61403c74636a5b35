"""One answer in its three stages, each timed: the question is read, the network runs, the reply is written."""

from time import perf_counter_ns

import numpy as np

from enn_service.exchange import Operation, Question, Request
from enn_service.model import Model
from enn_service.replies import Reply


class Answer:
    """An answer on its way.

    Args:
        operation: Reads the question.
        model: Answers it.
        request: Asks it.

    Attributes:
        question: What was read; None before.
        reply: What goes out; None before.
        times: Nanoseconds at the start and after each stage that has ended.
    """

    def __init__(self, operation: Operation, model: Model, request: Request) -> None:
        self._operation, self._model, self._request = operation, model, request
        self.question: Question | None = None
        self.reply: Reply | None = None
        self.times = [perf_counter_ns()]

    def read(self) -> Question:
        """Read and check the question.

        Raises:
            RequestError: The request is refused.
        """
        self.question = self._operation(self._model, self._request)
        self.times.append(perf_counter_ns())
        return self.question

    def finish(self) -> Reply:
        """Run the network on the question, which has been read, and write the reply.

        Raises:
            ArithmeticError: The network gave something that is no finite number.
        """
        question = self.question or self.read()
        tensors = self._model.session.run(question.rows, question.tensors)
        for name, tensor in zip(question.tensors, tensors, strict=True):
            if np.count_nonzero(np.isfinite(tensor)) != tensor.size:
                raise ArithmeticError(f"{self._model.name}/{self._model.version}: {name} is not finite for finite rows")
        self.times.append(perf_counter_ns())
        self.reply = question.answer(tensors)
        self.times.append(perf_counter_ns())
        return self.reply
