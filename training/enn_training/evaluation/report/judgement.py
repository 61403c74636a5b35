"""Sections of a report that judge a model by rows: scores, confusion, ROC, calibration, residuals, coverage, errors."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from enn_models import conformal
from enn_models.card import Card
from enn_models.network import Network
from enn_training.data.float32_range import to_float32
from enn_training.evaluation.metrics import Floats, score_output
from enn_training.evaluation.report.figures import Series, chart
from enn_training.evaluation.report.judged import PIECE, Judged
from enn_training.evaluation.report.parts import Section, Table, number

RESAMPLED_ROWS = 500_000
"""Rows scored in all resamples of a bootstrap together; fewer resamples of more rows, at least MIN_RESAMPLES."""
MIN_RESAMPLES, MAX_RESAMPLES = 100, 500
CONFIDENCE = 0.95
COVERAGES = (0.8, 0.9, 0.95)
MAX_CLASSES = 30
"""Most classes in a confusion matrix and most curves; a larger matrix is unreadable."""
MAX_CURVES = 6
MAX_POINTS = 1000
MAX_GROUPS = 30
WORST = 15
SHOWN_VALUES = 6
"""Number of values of a row in the table of the worst errors."""


def judgement(card: Card, network: Network, judged: Judged) -> Iterator[Section]:
    """Yield the sections that judge a model by rows, in the order of the page."""
    yield _scores(network, judged)
    if card.classes is None:
        yield _residuals(judged)
    else:
        yield _confusion(card, judged)
        yield _roc(card, network, judged)
        yield _calibration(card, network, judged)
    if card.calibration is not None:
        yield _coverage(card, network, judged)
    yield _worst_errors(card, network, judged)
    if judged.groups is not None:
        yield _groups(network, judged, judged.groups)


def intervals(network: Network, judged: Judged) -> dict[str, tuple[float, float]]:
    """Return the 95 % interval of each score: percentiles of a bootstrap of the rows, all scores of a resample at once.

    Source: Efron, Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    generator, count = np.random.default_rng(0), len(judged.output)
    found: dict[str, list[float]] = {}
    for _ in range(int(np.clip(RESAMPLED_ROWS // count, MIN_RESAMPLES, MAX_RESAMPLES))):
        places = generator.integers(0, count, count)
        for name, value in score_output(network, judged.output[places], judged.rows.take(places)).items():
            found.setdefault(name, []).append(value)
    tail = 50 * (1 - CONFIDENCE)
    return {name: tuple(np.percentile(values, [tail, 100 - tail]).tolist()) for name, values in found.items()}


def _scores(network: Network, judged: Judged) -> Section:
    bounds = intervals(network, judged)
    rows = [
        (name, number(value), *map(number, bounds.get(name, (value, value))))
        for name, value in score_output(network, judged.output, judged.rows).items()
    ]
    tables = [Table("Scores with their 95 % confidence intervals", ("score", "value", "from", "to"), rows)]
    metric = "R²" if network.task == "regression" else "accuracy"
    if judged.baselines:
        lines = [(each.name, number(each.score)) for each in judged.baselines]
        own = rows[0][1]
        tables.append(Table("Simple models on the same rows", ("model", metric), [("this model", own), *lines]))
    text = judged.description
    if not judged.baselines:
        text += " Simple models are not compared, because the rows that they would learn from are not known."
    return Section("Scores", text, tables)


def _confusion(card: Card, judged: Judged) -> Section:
    labels = [str(label) for label in card.classes or ()]
    if len(labels) > MAX_CLASSES:
        return Section("Confusion matrix", f"{len(labels)} classes are too many for a matrix.")
    counts = metrics.confusion_matrix(judged.rows.y, judged.predicted, labels=range(len(labels)))
    rows = [(label, *map(str, line.tolist())) for label, line in zip(labels, counts, strict=True)]
    table = Table("Rows by true class (down) and predicted class (across)", ("true class", *labels), rows)
    return Section("Confusion matrix", "", [table])


def _ranked(card: Card, network: Network, judged: Judged) -> Iterator[tuple[str, NDArray[np.bool_], Floats]]:
    """Yield label, truth and probability of the classes that some rows have and some have not."""
    probabilities, classes = judged.probabilities(network), card.classes or ()
    for place in range(1 if len(classes) == 2 else 0, len(classes)):
        truth = judged.rows.y == place
        if 0 < truth.sum() < len(truth):
            yield str(classes[place]), truth, probabilities[:, place]


def _roc(card: Card, network: Network, judged: Judged) -> Section:
    figures, areas = [], []
    for label, truth, values in _ranked(card, network, judged):
        areas.append((label, number(float(metrics.roc_auc_score(truth, values, sample_weight=judged.rows.weight)))))
        if len(figures) < MAX_CURVES:
            false, true, _ = metrics.roc_curve(truth, values, sample_weight=judged.rows.weight)
            kept = np.unique(np.linspace(0, len(false) - 1, 200).round().astype(np.intp))
            curves = [Series(false[kept], true[kept]), Series((0, 1), (0, 1), "reference")]
            figures.append(chart(f"ROC of {label}", "false positive rate", f"true positive rate of {label}", curves))
    text = "" if areas else "The rows have one class alone, so nothing can be ranked."
    tables = [Table("Area under the curve", ("class", "area"), areas)] if areas else []
    return Section("ROC", text, tables, figures)


def _calibration(card: Card, network: Network, judged: Judged) -> Section:
    figures, lines = [], []
    for label, truth, values in _ranked(card, network, judged):
        bins = np.minimum((values * 10).astype(np.intp), 9)
        used: list[int] = np.unique(bins).tolist()
        mean = np.array([values[bins == place].mean() for place in used])
        share = np.array([truth[bins == place].mean() for place in used])
        size = np.array([(bins == place).mean() for place in used])
        lines.append((label, number(float((size * np.abs(mean - share)).sum()))))
        if len(figures) < MAX_CURVES:
            curves = [Series(mean, share), Series(mean, share, "points"), Series((0, 1), (0, 1), "reference")]
            figures.append(chart(f"Calibration of {label}", "mean probability", f"share of {label}", curves))
    text = "In each tenth of the probabilities, the share of rows that have the class, against the mean probability."
    if network.head == "dct":
        text += " Probabilities are a softmax of the class scores."
    tables = [Table("Expected calibration error", ("class", "error"), lines)] if lines else []
    return Section("Calibration of probabilities", text, tables, figures)


def _residuals(judged: Judged) -> Section:
    truth = judged.rows.y.reshape(judged.output.shape)
    kept = np.unique(np.linspace(0, len(truth) - 1, MAX_POINTS).round().astype(np.intp))
    figures, rows = [], []
    outputs = judged.output.shape[1]
    for unit in range(min(outputs, MAX_CURVES)):
        errors, predicted = truth[:, unit] - judged.output[:, unit], judged.output[:, unit]
        name = "" if outputs == 1 else f" of value_{unit}"
        zero = Series((predicted.min(), predicted.max()), (0, 0), "reference")
        points = Series(predicted[kept], errors[kept], "points")
        figures.append(chart(f"Residuals{name}", f"predicted{name}", "truth - predicted", [points, zero]))
        shares, edges = np.histogram(errors, bins=30)
        steps = Series(np.repeat(edges, 2)[1:-1], np.repeat(shares, 2))
        figures.append(chart(f"Distribution of the residuals{name}", "truth - predicted", "rows", [steps]))
        quantiles = np.quantile(np.abs(errors), [0.5, 0.9, 1.0]).tolist()
        rows.append((f"residuals{name}", number(float(errors.mean())), *map(number, quantiles)))
    header = ("output", "mean error", "median |error|", "90 % below", "largest")
    return Section("Residuals", "", [Table("Sizes of the residuals", header, rows)], figures)


def _coverage(card: Card, network: Network, judged: Judged) -> Section:
    calibration = card.calibration
    assert calibration is not None  # noqa: S101 - the caller has checked
    lines, x = [], to_float32(judged.rows.x)
    for coverage in COVERAGES:
        if coverage > conformal.largest_coverage(calibration.rows):
            continue
        if card.classes is None:
            widths = np.concatenate(
                [
                    conformal.half_widths(calibration, network.respond(x[start : start + PIECE]).bumps, coverage)
                    for start in range(0, len(x), PIECE)
                ]
            )
            held = np.abs(judged.rows.y.reshape(widths.shape) - judged.output) <= widths
            lines.append((f"{coverage:.0%}", f"{held.mean():.1%}", number(float(2 * widths.mean()))))
        else:
            sets = conformal.label_sets(calibration, x, judged.probabilities(network), coverage)
            held = sets[np.arange(len(x)), judged.rows.y.astype(np.intp)]
            lines.append((f"{coverage:.0%}", f"{held.mean():.1%}", number(float(sets.sum(axis=1).mean()))))
    size = "mean width" if card.classes is None else "labels in a set"
    table = Table("Share of rows whose truth is in the interval or set", ("stated", "found", size), lines)
    return Section("Coverage", "Intervals and sets are those of the parameter coverage of the service.", [table])


def _errors(network: Network, judged: Judged) -> Floats:
    """Return the error of each row: 1 - probability of the true class, or the largest absolute residual."""
    if network.task == "regression":
        return np.abs(judged.rows.y.reshape(judged.output.shape) - judged.output).max(axis=1)
    return 1.0 - judged.probabilities(network)[np.arange(len(judged.output)), judged.rows.y.astype(np.intp)]


def _worst_errors(card: Card, network: Network, judged: Judged) -> Section:
    errors, lines = _errors(network, judged), []
    for place in np.argsort(-errors, kind="stable")[:WORST]:
        if card.classes is None:
            truth, predicted = (
                ", ".join(map(number, np.atleast_1d(values[place]).tolist()))
                for values in (judged.rows.y, judged.output)
            )
        else:
            truth, predicted = (str(card.classes[int(values[place])]) for values in (judged.rows.y, judged.predicted))
        row = ", ".join(
            f"{feature.name} = {_value(feature.categories if feature.kind == 'categorical' else (), value)}"
            for feature, value in zip(card.features[:SHOWN_VALUES], judged.rows.x[place].tolist(), strict=False)
        )
        lines.append((str(judged.numbers[place]), truth, predicted, number(float(errors[place])), row))
    header = ("row", "truth", "predicted", "error", "first values")
    measure = "the absolute residual" if card.classes is None else "1 - the probability of the true class"
    return Section(
        "Worst errors",
        f"The error is {measure}. Rows are numbered from 1 among those that judge.",
        [Table("Rows with the largest errors", header, lines)],
    )


def _value(categories: tuple[str, ...], value: float) -> str:
    if np.isnan(value):
        return "missing"
    return categories[int(value)] if categories else number(value)


def _groups(network: Network, judged: Judged, groups: NDArray[np.str_]) -> Section:
    names, counts = np.unique(groups, return_counts=True)
    largest = np.argsort(-counts, kind="stable")[:MAX_GROUPS]
    score, lines = next(iter(score_output(network, judged.output, judged.rows))), []
    errors = _errors(network, judged)
    for place in largest:
        mask = groups == names[place]
        found = score_output(network, judged.output[mask], judged.rows.take(mask))[score]
        lines.append((str(names[place]), str(counts[place]), number(found), number(float(errors[mask].mean()))))
    text = f"The {MAX_GROUPS} largest of {len(names)} groups are shown." if len(names) > MAX_GROUPS else ""
    table = Table(f"Rows by {judged.by}", (str(judged.by), "rows", score, "mean error"), lines)
    return Section("Groups", text, [table])
