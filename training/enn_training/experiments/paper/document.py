"""The document: prose from template.md, every number from the results."""

from importlib.resources import files
from statistics import median

from enn_training.data.problems import problem, problems
from enn_training.experiments.paper import claims, peers
from enn_training.experiments.paper.contenders import HARD, LONGER, Enn
from enn_training.experiments.paper.peers import Peer
from enn_training.experiments.paper.results import Budget
from enn_training.experiments.paper.spread import Line, Outcome, Spread, best, table

KINDS = tuple(peer.kind for peer in peers.tuned(6))
ENN = "ENN"
SIMPLE = {"majority or mean": "constant", "straight line": "line"}


def text(found: dict[str, Outcome], budget: Budget) -> str:
    """Return the document, in Markdown.

    Args:
        found: Problem -> contender -> seed -> result; of each problem all contenders, or no problem.
        budget: What every contender had.
    """
    fields = {
        "judged": budget.judged,
        "samples": budget.samples,
        "passes": budget.passes,
        "seeds": len({seed for outcome in found.values() for results in outcome.values() for seed in results}),
        "same_size_parameters": _parameters(Enn(), peers.tuned(6)),
        "same_size": _table(found, _same_size(), (*SIMPLE, ENN, *KINDS)),
        "equal_parameters": _parameters(Enn(), (*peers.tuned(17), peers.kan(3))),
        "twelve_parameters": _parameters(Enn(12), (*peers.tuned(32), peers.kan(6))),
        "equal": _table(found, _equal(), (ENN, *KINDS, "KAN")),
        "batch": peers.kan(3).batch,
        "longer_batch": peers.longer(peers.kan(3)).batch,
        "longer": _table(found, [line for pair in _longer() for line in pair], (ENN, *KINDS, "KAN")),
        "longer_verdicts": "\n".join(_verdicts(found)),
        "plain_rate": peers.plain(6)[0].rates[0],
        "plain": _table(found, _plain(), (ENN, *KINDS)),
        "variants": "\n".join(f"  - {_variants(peer)}" for peer in (*peers.tuned(6), peers.kan(3))),
        "degree": peers.DEGREE,
        "seconds": _seconds(found),
        "pictures": "\n\n".join(f"![{name}](../pictures/paper-{name}.png)" for name in found),
    }
    return (
        files("enn_training.experiments.paper")
        .joinpath("template.md")
        .read_text()
        .format(**fields, **claims.fields(found))
    )


def _same_size() -> list[Line]:
    columns = SIMPLE | {ENN: "enn-6"} | {kind: f"{kind.lower()}-6" for kind in KINDS}
    return [Line(problem.name, problem, columns) for problem in problems()]


def _equal() -> list[Line]:
    """Return the lines of equal parameters; the hard problem has one for M = 12 too."""
    lines: list[Line] = []
    for one in problems():
        lines.append(Line(one.name, one, _columns(6, 17, 3)))
        if one.name == HARD:
            lines.append(Line(f"{one.name}, M = 12", one, _columns(12, 32, 6)))
    return lines


def _longer() -> list[tuple[Line, Line]]:
    """Return, of the problems where peers are given more steps, the lines without them and with them."""
    columns = _columns(6, 17, 3)
    longer = {title: name if title == ENN else f"{name}-longer" for title, name in columns.items()}
    chosen = [problem(name) for name in LONGER]
    return [(Line(one.name, one, columns), Line(f"{one.name}, more steps", one, longer)) for one in chosen]


def _plain() -> list[Line]:
    columns = {ENN: "enn-6"} | {kind: f"{kind.lower()}-6-plain" for kind in KINDS}
    return [Line(one.name, one, columns) for one in problems() if one.task == "classification"]


def _columns(enn: int, fixed: int, kan: int) -> dict[str, str]:
    return {ENN: f"enn-{enn}"} | {kind: f"{kind.lower()}-{fixed}" for kind in KINDS} | {"KAN": f"kan-{kan}"}


def _table(found: dict[str, Outcome], lines: list[Line], titles: tuple[str, ...]) -> str:
    rows = [line.cells(found[line.problem.name], titles) for line in lines if line.problem.name in found]
    return table(("problem", *titles), rows)


def _parameters(enn: Enn, others: tuple[Peer, ...]) -> str:
    told = (f"{peer.kind} 2-{peer.hidden}-1 {peer.parameters}" for peer in others)
    return ", ".join((f"ENN 2-{enn.hidden}-1 {enn.parameters}", *told))


def _verdicts(found: dict[str, Outcome]) -> list[str]:
    lines: list[str] = []
    for pair in _longer():
        if outcome := found.get(pair[0].label):
            before, after = (_ahead(line.spreads(outcome)) for line in pair)
            lines.append(f"- {pair[0].label}: {before}; with four times the steps: {after}.")
    return lines


def _ahead(spreads: dict[str, Spread]) -> str:
    """Return who has a better median than the ENN, best first."""
    own, names = spreads.pop(ENN), []
    while spreads and spreads[first := best(spreads)].better(own):
        names.append(first)
        del spreads[first]
    return ", ".join(names) or "nobody"


def _variants(peer: Peer) -> str:
    rates, gains = (", ".join(f"{value:g}" for value in values) for values in (peer.rates, peer.gains))
    return f"{peer.kind}: steps {rates}; gains {gains}; {peer.starts} starts of each; {len(peer.variants)} networks."


def _seconds(found: dict[str, Outcome]) -> str:
    """Return the median processor seconds of the ENN and of each peer of as many parameters."""
    told: list[str] = []
    for title, name in _columns(6, 17, 3).items():
        times = [result.seconds for outcome in found.values() for result in outcome.get(name, {}).values()]
        told += [f"{title} {median(times):.1f}"] if times else []
    return ", ".join(told)
