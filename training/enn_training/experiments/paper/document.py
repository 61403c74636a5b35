"""Render the page of the paper's problems from template.md and the results."""

from importlib.resources import files
from statistics import median

from enn_training.data.problems import problem, problems
from enn_training.experiments.paper import claims, peers
from enn_training.experiments.paper.contenders import HARD_PROBLEM, MORE_STEPS_PROBLEMS, ENNContender
from enn_training.experiments.paper.peers import Peer
from enn_training.experiments.paper.results import Budget
from enn_training.experiments.paper.spread import Line, Outcome, Spread, best_contender, markdown_table

KINDS = tuple(peer.kind for peer in peers.tuned_peers(6))
ENN = "ENN"
SIMPLE = {"majority or mean": "constant", "straight line": "line"}


def render(outcomes: dict[str, Outcome], budget: Budget) -> str:
    """Return the page in Markdown.

    Args:
        outcomes: Problem -> contender -> seed -> result; each problem has results of all contenders.
        budget: Rows and passes of every contender.
    """
    fields = {
        "judged": budget.judged,
        "samples": budget.samples,
        "passes": budget.passes,
        "seeds": len({seed for outcome in outcomes.values() for results in outcome.values() for seed in results}),
        "same_size_parameters": _describe_parameters(ENNContender(), peers.tuned_peers(6)),
        "same_size": _table(outcomes, _same_size_lines(), (*SIMPLE, ENN, *KINDS)),
        "equal_parameters": _describe_parameters(ENNContender(), (*peers.tuned_peers(17), peers.kan_peer(3))),
        "twelve_parameters": _describe_parameters(ENNContender(12), (*peers.tuned_peers(32), peers.kan_peer(6))),
        "equal": _table(outcomes, _same_parameters_lines(), (ENN, *KINDS, "KAN")),
        "batch": peers.kan_peer(3).batch,
        "longer_batch": peers.with_more_steps(peers.kan_peer(3)).batch,
        "longer": _table(outcomes, [line for pair in _more_steps_lines() for line in pair], (ENN, *KINDS, "KAN")),
        "longer_verdicts": "\n".join(_more_steps_verdicts(outcomes)),
        "plain_rate": peers.untuned_peers(6)[0].rates[0],
        "plain": _table(outcomes, _untuned_lines(), (ENN, *KINDS)),
        "variants": "\n".join(f"  - {_describe_variants(peer)}" for peer in (*peers.tuned_peers(6), peers.kan_peer(3))),
        "degree": peers.DEGREE,
        "seconds": _describe_seconds(outcomes),
        "pictures": "\n\n".join(f"![{name}](../pictures/paper-{name}.png)" for name in outcomes),
    }
    return (
        files("enn_training.experiments.paper")
        .joinpath("template.md")
        .read_text()
        .format(**fields, **claims.claim_fields(outcomes))
    )


def _same_size_lines() -> list[Line]:
    """Return the table lines of networks with six hidden neurons."""
    columns = SIMPLE | {ENN: "enn-6"} | {kind: f"{kind.lower()}-6" for kind in KINDS}
    return [Line(problem.name, problem, columns) for problem in problems()]


def _same_parameters_lines() -> list[Line]:
    """Return the table lines of networks with equally many parameters; the hard problem has a second line."""
    lines: list[Line] = []
    for each in problems():
        lines.append(Line(each.name, each, _contender_columns(6, 17, 3)))
        if each.name == HARD_PROBLEM:
            lines.append(Line(f"{each.name}, M = 12", each, _contender_columns(12, 32, 6)))
    return lines


def _more_steps_lines() -> list[tuple[Line, Line]]:
    """Return pairs of table lines without and with four times the steps."""
    columns = _contender_columns(6, 17, 3)
    longer = {title: name if title == ENN else f"{name}-longer" for title, name in columns.items()}
    chosen = [problem(name) for name in MORE_STEPS_PROBLEMS]
    return [(Line(each.name, each, columns), Line(f"{each.name}, more steps", each, longer)) for each in chosen]


def _untuned_lines() -> list[Line]:
    """Return the table lines of untuned networks."""
    columns = {ENN: "enn-6"} | {kind: f"{kind.lower()}-6-plain" for kind in KINDS}
    return [Line(each.name, each, columns) for each in problems() if each.task == "classification"]


def _contender_columns(enn: int, fixed: int, kan: int) -> dict[str, str]:
    """Return the contender of each column, by title."""
    return {ENN: f"enn-{enn}"} | {kind: f"{kind.lower()}-{fixed}" for kind in KINDS} | {"KAN": f"kan-{kan}"}


def _table(outcomes: dict[str, Outcome], lines: list[Line], titles: tuple[str, ...]) -> str:
    """Return the table of lines whose problem has results."""
    rows = [line.cells(outcomes[line.problem.name], titles) for line in lines if line.problem.name in outcomes]
    return markdown_table(("problem", *titles), rows)


def _describe_parameters(enn: ENNContender, others: tuple[Peer, ...]) -> str:
    """Return the numbers of parameters of the networks."""
    sizes = (f"{peer.kind} 2-{peer.hidden}-1 {peer.parameters}" for peer in others)
    return ", ".join((f"ENN 2-{enn.hidden}-1 {enn.parameters}", *sizes))


def _more_steps_verdicts(outcomes: dict[str, Outcome]) -> list[str]:
    """Return a line for each problem about the networks ahead of the ENN with and without more steps."""
    lines: list[str] = []
    for pair in _more_steps_lines():
        if outcome := outcomes.get(pair[0].label):
            before, after = (_names_ahead(line.spreads(outcome)) for line in pair)
            lines.append(f"- {pair[0].label}: {before}; with four times the steps: {after}.")
    return lines


def _names_ahead(spreads: dict[str, Spread]) -> str:
    """Return the contenders with a better median than the ENN, best first."""
    own, names = spreads.pop(ENN), []
    while spreads and spreads[first := best_contender(spreads)].better(own):
        names.append(first)
        del spreads[first]
    return ", ".join(names) or "nobody"


def _describe_variants(peer: Peer) -> str:
    """Return the learning rates, gains and starts tried for a network."""
    rates, gains = (", ".join(f"{value:g}" for value in values) for values in (peer.rates, peer.gains))
    return f"{peer.kind}: steps {rates}; gains {gains}; {peer.starts} starts of each; {len(peer.variants)} networks."


def _describe_seconds(outcomes: dict[str, Outcome]) -> str:
    """Return the median CPU seconds of the ENN and of each network with equally many parameters."""
    medians: list[str] = []
    for title, name in _contender_columns(6, 17, 3).items():
        times = [result.seconds for outcome in outcomes.values() for result in outcome.get(name, {}).values()]
        medians += [f"{title} {median(times):.1f}"] if times else []
    return ", ".join(medians)
