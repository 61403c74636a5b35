"""The scoring of one file: read, score and encode blocks of rows in threads, and write them in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from tqdm import tqdm

from enn_service.errors import InvalidRequestError
from enn_service.scoring.csv_blocks import CsvOptions
from enn_service.scoring.errors import ScoreError
from enn_service.scoring.files import Place
from enn_service.scoring.inputs import Source, opened
from enn_service.scoring.outputs import SINKS, Sink
from enn_service.scoring.rows import Rows
from enn_service.scoring.scorer import ScoredRows, Scorer

Result = TypeVar("Result")


@dataclass(frozen=True)
class Job:
    """A file to score.

    Attributes:
        source: File of rows.
        source_kind: Format of these rows: csv, parquet or arrow.
        target: File of answers.
        target_kind: Format of the answers, also stream.
    """

    source: Place
    source_kind: str
    target: Place
    target_kind: str


@dataclass(frozen=True)
class JobOptions:
    """Options of each job.

    Attributes:
        threads: Number of threads.
        mark: True to mark rows that the service refuses; False to end at the first.
        quiet: True to show no progress.
        csv: Form of CSV files of rows.
    """

    threads: int
    mark: bool = False
    quiet: bool = False
    csv: CsvOptions = field(default_factory=CsvOptions)


@dataclass
class Counts:
    """Counts of scored rows.

    Attributes:
        rows: Number of rows.
        refused: Number of rows that are marked.
    """

    rows: int = 0
    refused: int = 0


def run_job(scorer: Scorer, job: Job, options: JobOptions) -> Counts:
    """Score one file; the file of answers exists only if it is complete.

    Args:
        scorer: Scorer of the rows.
        job: File to score.
        options: Options of each job.

    Raises:
        ScoreError: The file cannot be read, or a row is refused and not marked; the text names the file.
    """
    try:
        with opened(job.source, job.source_kind, options.csv, scorer) as source, job.target.writing() as file:
            sink = SINKS[job.target_kind](file, scorer.schema(source.kept, mark=options.mark))
            try:
                counts = _copy(scorer, source, sink, job.source.name, options)
                sink.close()
            except BaseException:
                sink.abandon()
                raise
    except (InvalidRequestError, ScoreError) as error:
        raise ScoreError(f"{job.source.path}: {error}") from None
    return counts


def _copy(scorer: Scorer, source: Source, sink: Sink, name: str, options: JobOptions) -> Counts:
    """Write the answers to all rows of a file, and return their counts."""
    counts, off = Counts(), True if options.quiet else None
    tasks = (partial(_score, scorer, sink, read, mark=options.mark) for read in source.tasks)
    with tqdm(total=source.rows, unit=" rows", unit_scale=True, desc=name, disable=off) as bar:
        for scored, encoded in in_order(tasks, options.threads):
            known = encoded is not None
            sink.write(encoded if known else sink.encode(scored.finish(counts.rows, mark=options.mark)))
            counts.rows += scored.table.num_rows
            counts.refused += len(scored.refused)
            bar.update(scored.table.num_rows)
    return counts


def in_order(tasks: Iterable[Callable[[], Result]], threads: int) -> Iterator[Result]:
    """Yield the result of each task, in their order; at most two tasks per thread are begun and not yielded.

    Args:
        tasks: Tasks; they spend their time in libraries that release the interpreter lock.
        threads: Number of threads.
    """
    pending: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for task in tasks:
            pending.append(pool.submit(task))
            if len(pending) >= 2 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _score(scorer: Scorer, sink: Sink, read: Callable[[], Rows], *, mark: bool) -> tuple[ScoredRows, Any]:
    """Return the answers to some rows, encoded unless some are refused: only the caller knows where the rows begin."""
    scored = scorer.score(read())
    return scored, None if scored.refused else sink.encode(scored.finish(0, mark=mark))
