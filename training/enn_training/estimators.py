"""Networks as scikit-learn estimators."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from enn_models.network import Head, Network
from enn_training import frames
from enn_training.data import Dataset, Part
from enn_training.errors import OptionError
from enn_training.learners.adam import Adam
from enn_training.learners.learner import Learner
from enn_training.learners.lms import LMS
from enn_training.learning import learn
from enn_training.model import Label, LearnedModel, as_label

Floats = NDArray[np.float64]

# scikit-learn has no annotations, and a type checker takes the default of X for its type.
_validate: Callable[..., Any] = validate_data


class _Estimator(BaseEstimator):
    """What the classifier and the regressor share."""

    def __init__(
        self,
        hidden: int | Sequence[int] = 16,
        *,
        harmonics: int = 6,
        head: Head = "linear",
        learner: str | Learner = "adam",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.harmonics = harmonics
        self.head: Head = head
        self.learner = learner
        self.random_state = random_state

    def _learn(self, x: Floats, y: NDArray[np.int64] | Floats, classes: tuple[Label, ...] | None) -> None:
        """Learn from rows x [rows, features] and their class indices or values y [rows]."""
        seed = 0 if self.random_state is None else int(check_random_state(self.random_state).randint(2**31 - 1))
        names = getattr(self, "feature_names_in_", None)
        features = tuple(f"x{column}" for column in range(x.shape[1])) if names is None else tuple(map(str, names))
        columns = self.columns_ or frames.of_numbers(features, x)
        training, held_out = _hold_out(Part(x, y), seed)
        self.model_: LearnedModel = learn(
            Dataset(tuple(each.name for each in columns), classes, training, held_out, held_out, columns=columns),
            self._learner(),
            hidden=(self.hidden,) if isinstance(self.hidden, int) else tuple(self.hidden),
            harmonics=self.harmonics,
            head=self.head,
            seed=seed,
        )
        self.n_iter_: int = self.model_.training["passes"]

    def _learner(self) -> Learner:
        if not isinstance(self.learner, str):
            return self.learner
        # The near-linear start and strong decay are what was best on tables.
        if self.learner == "adam":
            return Adam(spread=0.25, decay=1.0)
        if self.learner == "lms":
            return LMS(spread=0.25)
        raise OptionError(f"learner {self.learner!r}: expected 'adam', 'lms' or an object with a method learn")

    def _coded(self, x: Any) -> Any:  # noqa: ANN401 - a frame, or whatever scikit-learn takes for an array
        """Return rows to learn from as numbers alone, and keep what their columns are."""
        self.columns_ = frames.describe(x) if frames.is_mixed(x) else None
        return x if self.columns_ is None else frames.coded(self.columns_, x)

    def _rows(self, x: Any) -> tuple[Network, Floats]:  # noqa: ANN401 - as above
        """Return the network and its checked raw rows."""
        check_is_fitted(self)
        if self.columns_ is not None and frames.is_frame(x):
            _validate(self, x, reset=False, skip_check_array=True)  # the names before the values
            x = frames.coded(self.columns_, x)
        rows = _validate(self, x, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        frames.check(self.model_.features, rows)
        return self.model_.network, rows

    def __sklearn_tags__(self) -> Tags:
        """Say that columns may be categories, and values missing where they were in training."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = tags.input_tags.allow_nan = True
        return tags


class ENNClassifier(ClassifierMixin, _Estimator):
    """An ENN that tells classes.

    Args:
        hidden: Neurons of each hidden layer, or of the only one.
        harmonics: Q, odd cosines of every activation.
        head: "linear" or "dct".
        learner: "adam", "lms", or an object with their method learn.
        random_state: Seed of the split and of the learner; None: 0, since equal calls should learn equal networks.

    Attributes:
        model_: What was learned, ready for `enn_training.exporting.export`.
        n_iter_: Passes made.
        n_features_in_: Columns seen.
        columns_: What each column of a mixed pandas frame is; None where all were numbers.
        classes_: The labels, in the order of the probabilities.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from rows X [rows, features] and labels y [rows].

        X may be a pandas frame with texts or categoricals for categories, booleans, and missing values; where some
        are missing in X, some may be in the rows to predict.

        Raises:
            ValueError: The arrays or settings cannot be learned from.
            DivergenceError: The learner left the finite numbers.
        """
        x, labels = _validate(self, self._coded(X), y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(labels)
        self.classes_, index = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}; expected at least two classes")
        self._learn(x, index.astype(np.int64), tuple(as_label(label) for label in self.classes_))
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the label of each row of X [rows, features]."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(np.int64) if scores.ndim == 1 else scores.argmax(axis=1)]

    def decision_function(self, X: ArrayLike) -> Floats:  # noqa: N803
        """Return logits (linear head) or scores (dct head): [rows] of two classes, else [rows, classes]."""
        network, x = self._rows(X)
        response = network.respond(x)
        scores = response.pre_activation if network.head == "linear" else response.output
        return scores[:, 0] if scores.shape[1] == 1 else scores

    @available_if(lambda self: self.head == "linear")
    def predict_proba(self, X: ArrayLike) -> Floats:  # noqa: N803
        """Return the probability of each class, [rows, classes]; the linear head only."""
        network, x = self._rows(X)
        return network.respond(x).output


class ENNRegressor(RegressorMixin, _Estimator):
    """An ENN that predicts a value.

    Args:
        hidden: Neurons of each hidden layer, or of the only one.
        harmonics: Q, odd cosines of every activation.
        head: "linear" or "dct".
        learner: "adam", "lms", or an object with their method learn.
        random_state: Seed of the split and of the learner; None: 0, since equal calls should learn equal networks.

    Attributes:
        model_: What was learned, ready for `enn_training.exporting.export`.
        n_iter_: Passes made.
        n_features_in_: Columns seen.
        columns_: What each column of a mixed pandas frame is; None where all were numbers.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:  # noqa: N803
        """Learn from rows X [rows, features] and values y [rows]; X as for the classifier.

        Raises:
            ValueError: The arrays or settings cannot be learned from.
            DivergenceError: The learner left the finite numbers.
        """
        x, values = _validate(self, self._coded(X), y, dtype=np.float64, ensure_all_finite="allow-nan", y_numeric=True)
        self._learn(x, values.astype(np.float64), None)
        return self

    def predict(self, X: ArrayLike) -> Floats:  # noqa: N803
        """Return the value of each row of X [rows, features]."""
        network, x = self._rows(X)
        return network.respond(x).output[:, 0]


def _hold_out(part: Part, seed: int) -> tuple[Part, Part]:
    """Return seven eighths to learn from and an eighth to choose by; fewer than 16 rows do both."""
    if len(part.x) < 16:
        return part, part
    order = np.random.default_rng(seed).permutation(len(part.x))
    held, rest = np.split(order, [len(order) // 8])
    return Part(part.x[rest], part.y[rest]), Part(part.x[held], part.y[held])
