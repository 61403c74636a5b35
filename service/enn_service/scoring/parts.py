"""Folders of files: one part of answers for each file of rows; a later run leaves out the parts that are complete."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import orjson

from enn_service.scoring.errors import ScoreError
from enn_service.scoring.files import Place
from enn_service.scoring.jobs import Job

RECORD = "_enn_score.json"
"""File in the folder of answers that says what they answer."""


def plan(source: Place, target: Place, kind: str | None) -> list[Job]:
    """Return the job of each file in a folder and its subfolders; names that begin with . or _ are left out.

    Args:
        source: Folder of rows.
        target: Folder of answers.
        kind: Format of the answers; None for that of each file.

    Raises:
        ScoreError: The folder has no file of rows, or the answers to two files would have the same name.
    """
    jobs: dict[str, Job] = {}
    for path in sorted(source.files.find(source.path)):
        inside = path[len(source.path.rstrip("/")) + 1 :]
        file = source.child(inside)
        if file.kind is None or any(part[0] in "._" for part in inside.split("/")):
            continue
        chosen = kind or file.kind
        name = str(PurePosixPath(inside).with_name(f"{file.name.split('.')[0]}.{chosen}"))
        if name in jobs:
            raise ScoreError(f"{file.path} and {jobs[name].source.path}: the answers to both would be {name}")
        jobs[name] = Job(file, file.kind, target.child(name), chosen)
    if not jobs:
        raise ScoreError(f"{source.path}: no .csv, .tsv, .parquet, .arrow or .feather file in the folder")
    return list(jobs.values())


def unfinished(jobs: list[Job], target: Place, settings: Mapping[str, Any], *, overwrite: bool) -> list[Job]:
    """Return the jobs whose parts are not complete, after the record of this run has been written.

    A part is complete if it exists, and was made by the same model and options from the file as it is now.

    Args:
        jobs: All jobs.
        target: Folder of answers.
        settings: Model and options of this run.
        overwrite: True to score all files again.

    Raises:
        ScoreError: The folder has answers of another model or of other options.
    """
    record = target.child(RECORD)
    now = {job.source.path: str(job.source.files.checksum(job.source.path)) for job in jobs}
    before = _read(record)
    if before is None and not overwrite and (found := next(_existing(jobs), None)):
        raise ScoreError(
            f"{found.target.path} exists, and {record.path} does not: choose another --out, or --overwrite"
        )
    if before is not None and before["settings"] != settings and not overwrite:
        differing = next(name for name in settings if before["settings"].get(name) != settings[name])
        raise ScoreError(
            f"{target.path} has parts with {differing} {before['settings'].get(differing)!r}; expected"
            f" {settings[differing]!r}: choose another --out, or --overwrite"
        )
    known = {} if before is None or overwrite else before["files"]
    complete = [job for job in _existing(jobs) if known.get(job.source.path) == now[job.source.path]]
    for job in _existing(jobs):
        if job not in complete:
            job.target.remove()
    with record.writing() as file:
        file.write(orjson.dumps({"settings": settings, "files": now}, option=orjson.OPT_INDENT_2))
    return [job for job in jobs if job not in complete]


def _existing(jobs: list[Job]) -> Iterator[Job]:
    """Yield the jobs whose parts exist."""
    return (job for job in jobs if job.target.exists())


def _read(record: Place) -> dict[str, Any] | None:
    """Return the record of an earlier run; None if there is none."""
    if not record.exists():
        return None
    with record.reading() as file:
        return orjson.loads(file.read())
