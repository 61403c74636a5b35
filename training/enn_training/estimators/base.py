"""Estimator: the base class of classifier and regressor, with their options, input validation and training."""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, _safe_indexing, check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from enn_models.network import Head, Response
from enn_training.data import dataframes as frames
from enn_training.data.columns import Column
from enn_training.data.columns.declarations import declare
from enn_training.data.dataset import Split
from enn_training.data.float32_range import to_float32
from enn_training.data.sampling.class_weights import ClassWeight
from enn_training.data.sampling.hold_out import hold_out_rows
from enn_training.errors import OptionError, TableWarning
from enn_training.estimators.explanation import ExplanationMixin
from enn_training.estimators.nested_options import NestedOptionsMixin
from enn_training.estimators.unknown_values import UnknownValues
from enn_training.learned_model import Label, LearnedModel
from enn_training.learners.base import Learner
from enn_training.learners.online_trainer import OnlineDesign, OnlineTrainer
from enn_training.learners.progress import Callback, call_all, progress_bar
from enn_training.learners.registry import LEARNERS, LearnerName
from enn_training.learners.trainer import train

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# scikit-learn has no annotations: a type checker infers the type of X from its default.
validate: Callable[..., Any] = validate_data

MAX_SHOWN = 20
"""Maximum number of classes that are listed."""
DEFAULT_HIDDEN = (16,)
"""Number of neurons of each hidden layer if neither the caller nor the learner chooses."""


def leave_out_weightless(x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Floats | None]:  # noqa: ANN401 - as scikit-learn takes them
    """Return rows and targets without those of weight 0, and the weights of the others; None without weights.

    Raises:
        ValueError: The weights are not one number from 0 for each row, or all are 0.
    """
    if sample_weight is None:
        return x, y, None
    weight = _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)
    if (kept := weight > 0.0).all():
        return x, y, weight
    if not kept.any():
        raise ValueError("sample_weight: all weights are zero; expected at least one above")
    return _safe_indexing(x, kept), _safe_indexing(y, kept), weight[kept]


def _describe_target(classes: tuple[Label, ...] | None) -> str:
    """Return the task and the classes as one line."""
    if classes is None:
        return "target: numbers (regression)"
    more = ", ..." if len(classes) > MAX_SHOWN else ""
    numbers = all(isinstance(label, int) and not isinstance(label, bool) for label in classes)
    hint = "; ENNRegressor learns numbers" if numbers else ""
    return f"target: {len(classes)} classes ({', '.join(map(str, classes[:MAX_SHOWN]))}{more}){hint}"


class Estimator(ExplanationMixin, NestedOptionsMixin):
    """Train and run a network; `ENNClassifier` and `ENNRegressor` document the options."""

    def __init__(
        self,
        hidden: int | Sequence[int] | Literal["auto"] = "auto",
        *,
        harmonics: int = 6,
        head: Head = "linear",
        learner: LearnerName | Learner = "auto",
        max_time: float = 60.0,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
        callbacks: Sequence[Callback] | None = None,
        categorical: Sequence[str] | None = None,
        ordinal: Mapping[str, Sequence[object]] | None = None,
    ) -> None:
        self.hidden: int | Sequence[int] | str = hidden
        self.harmonics = harmonics
        self.head: Head = head
        self.learner: LearnerName | Learner = learner
        self.max_time = max_time
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.categorical = categorical
        self.ordinal = ordinal

    def _train(self, rows: Split, classes: tuple[Label, ...] | None, class_weight: ClassWeight = None) -> None:
        """Train on rows with class indices [rows], or values [rows] or [rows, outputs]."""
        seed = 0 if self.random_state is None else int(check_random_state(self.random_state).randint(2**31 - 1))
        learner = self._learner()
        dataset = hold_out_rows(self._columns(rows.x), classes, rows, seed)
        self._online_trainer: OnlineTrainer | None = None
        if self.verbose:
            sys.stderr.write(f"{_describe_target(classes)}\n")
        with progress_bar(type(self).__name__, shown=bool(self.verbose)) as bar:
            self.model_: LearnedModel = train(
                dataset,
                learner,
                hidden=self._hidden() or DEFAULT_HIDDEN,
                harmonics=self.harmonics,
                head=self.head,
                seed=seed,
                class_weight=class_weight,
                quantile=self._quantile(),
                watch=call_all(bar, self.callbacks or ()),
            )
        self.n_iter_: int = self.model_.training["passes"]
        cut_short = "cut_short" in self.model_.training
        self.converged_ = not cut_short and "stopped" not in self.model_.training
        if cut_short:
            warnings.warn(
                f"the time limit cut learning short after {self.n_iter_} passes; pass a larger max_time to learn more,"
                " or hidden to search no size",
                ConvergenceWarning,
                stacklevel=3,
            )
        self._unknown_values = UnknownValues.fit(self.model_.network, rows.x, rows.weight)
        self.model_ = replace(self.model_, column_means=self._unknown_values.means)  # held-out rows count here too

    def _train_further(self, x: Floats, y: Indices | Floats, classes: tuple[Label, ...] | None) -> None:
        """Train the model further by one pass over more rows; arguments as in `_train`."""
        model: LearnedModel | None = getattr(self, "model_", None)
        if model is not None:
            frames.validate(model.features, x)
        if self._online_trainer is None:
            hidden = self._hidden() or DEFAULT_HIDDEN
            if model is not None:
                hidden = tuple(len(layer.bias) for layer in model.network.layers[:-1])
            columns = self._columns(x) if model is None else ()
            self._online_trainer = OnlineTrainer(
                OnlineDesign(columns, classes, hidden, self.harmonics, self.head), x, y, model
            )
        self.model_ = self._online_trainer.learn(x, y)
        if model is None:
            self._unknown_values = UnknownValues.fit(self.model_.network, x)
        self.n_iter_ = self.model_.training["passes"]

    def _quantile(self) -> float | None:
        """Return the level of the quantile to learn; None for means and classes."""
        return None

    def _columns(self, x: Floats) -> tuple[Column, ...]:
        """Return the kind of each column of the training rows."""
        names = getattr(self, "feature_names_in_", None)
        named = [f"x{column}" for column in range(x.shape[1])] if names is None else list(map(str, names))
        return self.columns_ or frames.numeric_columns(named, x)

    def _hidden(self) -> tuple[int, ...] | None:
        """Return the layer sizes that the caller passed; None for "auto"."""
        if isinstance(self.hidden, str):
            if self.hidden != "auto":
                raise OptionError(
                    f"hidden {self.hidden!r}: expected 'auto', a number of neurons, or one for each layer"
                )
            return None
        return tuple(self.hidden) if isinstance(self.hidden, Sequence | np.ndarray) else (self.hidden,)

    def _learner(self) -> Learner:
        """Return the learner that the caller passed or named, with the defaults for tables."""
        if not isinstance(self.learner, str):
            return self.learner
        if self.learner not in LEARNERS:
            names = ", ".join(map(repr, LEARNERS))
            raise OptionError(f"learner {self.learner!r}: expected one of {names}, or an object with a method learn")
        spec = LEARNERS[self.learner]
        settings = {"max_time": self.max_time, "hidden": self._hidden()}
        return spec.create({**spec.table_defaults, **{k: v for k, v in settings.items() if k in spec.options}})

    def _first_rows(self, x: Any) -> Any:  # noqa: ANN401 - a frame, or whatever scikit-learn takes for an array
        """Return the first training rows as numbers, and store the kinds of their columns."""
        x = self._declare(frames.to_pandas(x))
        self.columns_ = frames.infer_columns(x) if frames.has_non_numeric_columns(x) else None
        for column in self.columns_ or ():
            if note := frames.pool_note(column, x[column.name]):
                warnings.warn(f"column {column.name!r}: {note}", TableWarning, stacklevel=3)
        return x if self.columns_ is None else frames.encode_frame(self.columns_, x)

    def _declare(self, x: Any) -> Any:  # noqa: ANN401 - as above
        """Return the rows with the declared columns as categories."""
        if not (self.categorical or self.ordinal):
            return x
        if not frames.is_dataframe(x):
            raise OptionError(f"categorical and ordinal name columns of a frame; X is of type {type(x).__name__}")
        return declare(x, self.categorical or (), self.ordinal or {}, frames.position)

    def _more_rows(self, x: Any, *, unknown: bool = False) -> Any:  # noqa: ANN401 - as above
        """Return further rows as numbers, encoded as the columns of the first rows; `unknown` as in `encode`."""
        x = frames.to_pandas(x)
        if self.columns_ is None or not frames.is_dataframe(x):
            return x
        validate(
            self, x, reset=False, skip_check_array=True
        )  # checks the names, which an error should mention before a value
        return frames.encode_frame(self.columns_, x, unknown=unknown)

    def _respond(self, x: Any) -> Response:  # noqa: ANN401 - as above
        """Return the response of the network to rows to predict; the rows can have unknown values."""
        _, columns = self._encode(x)
        return replace(self.model_.network, encoding=None).respond(columns)

    def _encode(self, x: Any) -> tuple[Floats, Floats]:  # noqa: ANN401 - as above
        """Return rows to predict as raw values, rounded to float32 as in the service, and as encoded columns."""
        check_is_fitted(self)
        encoded = self._more_rows(x, unknown=True)
        rows = validate(self, encoded, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        frames.validate(self.model_.features, rows, unknown=True)
        values = to_float32(rows)
        return values, self._unknown_values.encode(self.model_, values)

    def __sklearn_tags__(self) -> Tags:
        """Declare that columns can be categories and values can be missing."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = tags.input_tags.allow_nan = True
        return tags
