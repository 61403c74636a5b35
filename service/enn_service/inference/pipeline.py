"""One answer in its three stages: the question is read, the network runs, the reply is written."""

from time import perf_counter_ns

from enn_service.http.responses import Response
from enn_service.inference.cost import row_cost_ns
from enn_service.inference.types import Endpoint, InferenceCall, InferenceRequest
from enn_service.observability.counters import EndpointStats
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import all_finite


class Answer:
    """An answer on its way.

    Args:
        operation: Reads the question.
        model: Answers it.
        request: Asks it.

    Attributes:
        model: The model.
    """

    def __init__(self, operation: Endpoint, model: ServedModel, request: InferenceRequest) -> None:
        self.model = model
        self._operation, self._request = operation, request
        self._question: InferenceCall | None = None
        self._started = perf_counter_ns()
        self._reading = self._running = self._writing = 0

    @property
    def rows(self) -> int:
        """How many rows were asked for; 0 where the question was refused."""
        return 0 if self._question is None else len(self._question.rows)

    @property
    def numbers(self) -> int:
        """About how many numbers the reply has as text."""
        return 0 if self._question is None else len(self._question.rows) * self._question.written

    def read(self) -> int:
        """Read and check the question, and return about how many nanoseconds it takes to answer it.

        Raises:
            RequestError: The request is refused.
        """
        began = perf_counter_ns()
        question = self._question = self._operation(self.model, self._request)
        self._reading = perf_counter_ns() - began
        return len(question.rows) * row_cost_ns(self.model.parameters, question.written) + question.besides

    def finish(self) -> Response:
        """Run the network on the question, read now if it was not, and write the reply.

        Raises:
            RequestError: The request is refused.
            ArithmeticError: The network gave something that is no finite number.
        """
        if self._question is None:
            self.read()
        question = self._question
        assert question is not None  # noqa: S101  (it was read)
        began = perf_counter_ns()
        tensors = self.model.session.run(question.rows, question.tensors)
        if not all(map(all_finite, tensors)):
            model, names = f"{self.model.name}/{self.model.version}", ", ".join(question.tensors)
            raise ArithmeticError(f"{model}: not all of {names} is finite for finite rows")
        ran = perf_counter_ns()
        reply = question.answer(tensors)
        self._running, self._writing = ran - began, perf_counter_ns() - ran
        return reply

    def tell(self, tally: EndpointStats, *, refused: bool) -> None:
        """Add to a tally what the answer took, or that there was none."""
        took = perf_counter_ns() - self._started
        if refused or self._question is None:
            tally.refused += 1
            tally.refusing += took
            return
        outside = self._question.outside
        stages = self._reading, self._running, self._writing
        tally.took(took, *stages, rows=len(self._question.rows), outside=0 if outside is None else outside.rows)
