"""The commands `benchmark ...`: experiments that print their tables and keep what they found."""

import typer

from enn_training.commands.benchmark_paper import paper

app = typer.Typer(help="Hold the ENN against its peers.", no_args_is_help=True)
app.command()(paper)
