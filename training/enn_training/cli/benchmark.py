"""The commands `benchmark ...`: experiments that print their tables and keep what they found."""

import typer

from enn_training.cli.benchmark_paper import paper
from enn_training.cli.benchmark_pruning import pruning
from enn_training.cli.benchmark_tables import tables

app = typer.Typer(help="Hold the ENN against its peers.", no_args_is_help=True)
app.command()(paper)
app.command()(pruning)
app.command()(tables)
