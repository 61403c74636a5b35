"""Progress of learning: a bar on standard error, and callbacks of users."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tqdm.auto import tqdm

from enn_training.learners.base import PassResult, ProgressCallback

Callback = Callable[[int, float], object]
"""Function of the number of the iteration, from 1, and its held-out loss; learning stops if it returns a true value."""


@contextmanager
def progress_bar(name: str, *, shown: bool | None = None) -> Iterator[ProgressCallback]:
    """Yield a callback that shows every pass on a bar.

    Args:
        name: Name of the model, shown on the bar.
        shown: True to show the bar, False to show none; None to show it if standard error is a terminal.
    """
    with tqdm(desc=f"learning {name}", unit="pass", disable=None if shown is None else not shown) as bar:

        def watch(result: PassResult) -> None:
            bar.total = result.total
            bar.set_postfix_str(f"held-out loss {result.loss:.4g}", refresh=False)
            bar.update()

        yield watch


def call_all(bar: ProgressCallback, callbacks: Sequence[Callback]) -> ProgressCallback:
    """Return a callback that moves a bar and calls all functions, and asks to stop if one of them does."""

    def watch(result: PassResult) -> bool:
        bar(result)
        answers = [callback(result.number, result.loss) for callback in callbacks]
        return any(map(bool, answers))

    return watch
