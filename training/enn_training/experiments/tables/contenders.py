"""Models compared on tables, each with four settings; the first are its defaults."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from enn_models.network import Task
from enn_training.estimators import ENNClassifier, ENNRegressor

Settings = dict[str, Any]


@dataclass(frozen=True)
class Contender:
    """Kind of model.

    Attributes:
        name: Name in tables.
        build: Function of task and settings that returns an unfitted model.
        settings: Settings of the search; the first are the defaults.
        parameters: Function that counts the learned numbers of a fitted model.
    """

    name: str
    build: Callable[[Task, Settings], Any]
    settings: dict[Task, tuple[Settings, ...]]
    parameters: Callable[[Any], int]


def contenders(*, further: bool = False) -> tuple[Contender, ...]:
    """Return all models; on the further tables, LightGBM in the place of the boosted trees of scikit-learn."""
    trees = Contender("boosted trees", _trees, _both_tasks({}, *_TREES), _count_tree_nodes)
    return (
        Contender("ENN", _enn, _both_tasks({}, *_ENN), lambda model: model.model_.network.parameters),
        Contender("EBM", _ebm, _both_tasks({}, *_EBM), lambda model: sum(scores.size for scores in model.term_scores_)),
        Contender("linear", _linear, _LINEAR, _count_linear),
        Contender("MLP", _mlp, _both_tasks({}, *_MLP), _count_mlp),
        Contender("LightGBM", _lightgbm, _both_tasks({}), _count_lightgbm_nodes) if further else trees,
    )


_ENN = ({"learner": "adam"}, {"learner": "adam", "hidden": 64}, {"learner": "adam", "harmonics": 12})
_EBM = ({"interactions": 0}, {"max_leaves": 2}, {"smoothing_rounds": 500})
_MLP = ({"alpha": 1.0}, {"hidden_layer_sizes": (32,)}, {"early_stopping": True})
_TREES = ({"max_leaf_nodes": 8}, {"learning_rate": 0.03, "max_iter": 300}, {"min_samples_leaf": 5})
_LINEAR: dict[Task, tuple[Settings, ...]] = {
    "classification": ({}, {"C": 0.01}, {"C": 0.1}, {"C": 10.0}),
    "regression": ({}, {"alpha": 0.01}, {"alpha": 10.0}, {"alpha": 100.0}),
}


def _both_tasks(*settings: Settings) -> dict[Task, tuple[Settings, ...]]:
    """Return the same settings for both tasks."""
    return {"classification": settings, "regression": settings}


def _enn(task: Task, settings: Settings) -> ENNClassifier | ENNRegressor:
    """Return an unfitted ENN."""
    return ENNClassifier(**settings) if task == "classification" else ENNRegressor(**settings)


def _ebm(task: Task, settings: Settings) -> Any:  # noqa: ANN401 - interpret has no annotations
    """Return an unfitted explainable boosting machine."""
    from interpret.glassbox import (  # noqa: PLC0415  # pyright: ignore[reportMissingImports] - of the extra "benchmark"
        ExplainableBoostingClassifier,
        ExplainableBoostingRegressor,
    )

    kind: Any = ExplainableBoostingClassifier if task == "classification" else ExplainableBoostingRegressor
    return kind(n_jobs=1, **settings)


def _linear(task: Task, settings: Settings) -> Pipeline:
    """Return unfitted logistic or ridge regression with preprocessing."""
    model = LogisticRegression(max_iter=1000, **settings) if task == "classification" else Ridge(**settings)
    return make_pipeline(_preprocessing(), model)


def _mlp(task: Task, settings: Settings) -> Pipeline:
    """Return an unfitted multi-layer perceptron with preprocessing."""
    if task == "classification":
        return make_pipeline(_preprocessing(), MLPClassifier(random_state=0, **settings))
    # Unscaled targets in the thousands are far from the outputs of the initial weights near 0.
    model = TransformedTargetRegressor(MLPRegressor(random_state=0, **settings), transformer=StandardScaler())
    return make_pipeline(_preprocessing(), model)


def _trees(task: Task, settings: Settings) -> HistGradientBoostingClassifier | HistGradientBoostingRegressor:
    """Return unfitted histogram gradient boosting."""
    kind = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor
    return kind(random_state=0, categorical_features="from_dtype", **settings)


def _lightgbm(task: Task, settings: Settings) -> Any:  # noqa: ANN401 - lightgbm is not installed everywhere
    """Return unfitted LightGBM."""
    import lightgbm  # noqa: PLC0415  # pyright: ignore[reportMissingImports] - of the extra "benchmark"

    kind: Any = lightgbm.LGBMClassifier if task == "classification" else lightgbm.LGBMRegressor
    return kind(random_state=0, n_jobs=1, verbose=-1, **settings)


def _preprocessing() -> ColumnTransformer:
    """Return standardization of numbers, means and indicators for missing values, and one-hot categories."""
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    texts = OneHotEncoder(handle_unknown="ignore")
    return ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("texts", texts, make_column_selector(dtype_exclude="number")),
        ]
    )


def _count_linear(model: Pipeline) -> int:
    """Return the number of weights and intercepts."""
    last: Any = model[-1]
    return int(np.size(last.coef_) + np.size(last.intercept_))


def _count_mlp(model: Pipeline) -> int:
    """Return the number of weights and biases."""
    last: Any = model[-1]
    network = getattr(last, "regressor_", last)
    return sum(part.size for part in (*network.coefs_, *network.intercepts_))


def _count_tree_nodes(model: Any) -> int:  # noqa: ANN401 - either of two classes
    """Return the number of nodes of all trees; each node is a threshold or a value."""
    return sum(len(tree.nodes) for stage in model._predictors for tree in stage)  # noqa: SLF001 - nothing public


def _count_lightgbm_nodes(model: Any) -> int:  # noqa: ANN401 - lightgbm is not installed everywhere
    """Return the number of nodes of all trees."""
    return len(model.booster_.trees_to_dataframe())
