"""Compare enn-score with ONNX Runtime's own run plus reading and writing: `python -m benchmarks.scoring`.

Prints a page in Markdown with the ratio of times and the peak memory.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from enn_training import ENN, adopt, export

FEATURES, NEURONS, PIECE = 10, 16, 2**18
METHOD = """Each side is a process that starts, reads {rows:,} rows of 10 float32 features, predicts with a network of
16 hidden neurons, and writes the predictions. ONNX Runtime's own run is a session with its default threads, between the
readers and writers of pyarrow; it checks no row. The two sides alternate, {repeats} times each. The ratios are those
of the medians: of the elapsed time, and of the CPU time, which other load on the machine changes less. The targets
are a ratio of at most 1.5 and less than 1 GiB, for 10 million rows.
"""
OWN_RUN = """
import sys, numpy as np, onnxruntime, pyarrow as pa
from pyarrow import csv, parquet
model, source, target = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
schema = pa.schema([("prediction", pa.float32())])
if source.endswith(".csv"):
    kinds = csv.ConvertOptions(column_types={f"x{index}": pa.float32() for index in range(10)})
    batches = csv.open_csv(source, csv.ReadOptions(block_size=2**22), convert_options=kinds)
    writer = csv.CSVWriter(target, schema)
else:
    batches, writer = parquet.ParquetFile(source).iter_batches(2**16), parquet.ParquetWriter(target, schema)
for batch in batches:
    rows = np.column_stack([column.to_numpy() for column in batch.columns])
    (output,) = session.run(["output"], {"input": rows})
    writer.write_batch(pa.record_batch([pa.array(output[:, 0])], schema))
writer.close()
"""

OUR_RUN = """
import sys
from enn_service.scoring.command import run
if run(sys.argv[1:]):
    sys.exit(1)
"""
PEAK = """
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
"""End of both programs; the peak that `wait4` knows includes that of the process that starts them."""


class Run(NamedTuple):
    """Cost of a process: elapsed seconds, seconds of CPU, and peak memory in MiB."""

    elapsed: float
    cpu: float
    memory: float


def write_rows(folder: Path, rows: int) -> None:
    """Write the rows in both formats, some at a time."""
    random = np.random.default_rng(0)
    schema = pa.schema([(f"x{index}", pa.float32()) for index in range(FEATURES)])
    with (
        parquet.ParquetWriter(folder / "in.parquet", schema) as first,
        csv.CSVWriter(folder / "in.csv", schema) as second,
    ):
        for start in range(0, rows, PIECE):
            size = (min(PIECE, rows - start), FEATURES)
            values = random.uniform(-1, 1, size).astype(np.float32)
            table = pa.table([*map(pa.array, np.ascontiguousarray(values.T))], schema)
            first.write_table(table)
            second.write_table(table)


def measure(command: list[str]) -> Run:
    """Run a command."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        peak = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"status {process.returncode} of {command[3:]}")
    return Run(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, int(peak) / 1024)


def compare(folder: Path, kind: str, repeats: int) -> str:
    """Return the line of a format."""
    source, models = str(folder / f"in.{kind}"), folder / "models"
    own = [
        sys.executable,
        "-c",
        OWN_RUN + PEAK,
        str(models / "ten" / "1" / "model.onnx"),
        source,
        str(folder / f"own.{kind}"),
    ]
    ours = [sys.executable, "-c", OUR_RUN + PEAK, "ten", source, "--models", str(models)]
    ours += ["--out", str(folder / f"out.{kind}"), "--quiet"]
    pairs = [(measure(own), measure(ours)) for _ in range(repeats)]
    elapsed, cpu = (
        median(getattr(second, name) for _, second in pairs) / median(getattr(first, name) for first, _ in pairs)
        for name in ("elapsed", "cpu")
    )
    memory = [max(run.memory for run in side) for side in zip(*pairs, strict=True)]
    return f"| {kind} | {elapsed:.2f} | {cpu:.2f} | {memory[1]:.0f} | {memory[0]:.0f} |"


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    versions = ", ".join(f"{name} {version(name)}" for name in ("enn", "onnxruntime", "pyarrow"))
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print("# Scoring of files\n\nUse this page to see the time and memory of `enn-score`.\n")
    command = f"python -m benchmarks.scoring --rows {options.rows} --repeats {options.repeats}"
    print(f"Measured by `{command}` on {machine}: {versions}.\n")
    print(METHOD.format(rows=options.rows, repeats=options.repeats))
    print("| format | elapsed time, ratio | CPU time, ratio | peak of enn-score, MiB | peak of the own run, MiB |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network = ENN(FEATURES, (NEURONS,), 1, 6, head="linear", task="regression")
        export(adopt(network, np.random.default_rng(0).uniform(-1, 1, (1000, FEATURES))), folder / "models", "ten")
        write_rows(folder, options.rows)
        for kind in ("parquet", "csv"):
            print(compare(folder, kind, options.repeats), flush=True)


if __name__ == "__main__":
    main()
