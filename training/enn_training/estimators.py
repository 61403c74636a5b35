"""Networks as scikit-learn estimators."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from enn_models.network import Head, Network
from enn_training.data import Dataset, Part
from enn_training.errors import OptionError
from enn_training.learners.adam import Adam
from enn_training.learners.learner import Learner
from enn_training.learners.lms import LMS
from enn_training.learners.tuned import TunedAdam
from enn_training.learning import learn
from enn_training.model import Label, LearnedModel, as_label
from enn_training.stream import Design, Stream

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# scikit-learn has no annotations, and a type checker takes the default of X for its type.
_validate: Callable[..., Any] = validate_data

# Neurons where neither the caller nor the learner chooses.
NEURONS = 16


class _Estimator(BaseEstimator):
    """What the classifier and the regressor share."""

    def __init__(
        self,
        hidden: int | Sequence[int] | Literal["auto"] = "auto",
        *,
        harmonics: int = 6,
        head: Head = "linear",
        learner: str | Learner = "auto",
        max_time: float = 60.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden: int | Sequence[int] | str = hidden
        self.harmonics = harmonics
        self.head: Head = head
        self.learner = learner
        self.max_time = max_time
        self.random_state = random_state

    def _learn(self, x: Floats, y: Indices | Floats, classes: tuple[Label, ...] | None) -> None:
        """Learn from rows x [rows, features] and their class indices [rows] or values [rows] or [rows, outputs]."""
        seed = 0 if self.random_state is None else int(check_random_state(self.random_state).randint(2**31 - 1))
        learner = self._learner()
        training, held_out = _hold_out(Part(x, y), seed)
        dataset = Dataset(self._features(), classes, training, held_out, held_out)
        if isinstance(learner, TunedAdam):
            dataset = Dataset(self._features(), classes, Part(x, y), Part(x[:0], y[:0]), Part(x[:0], y[:0]))
        self._stream: Stream | None = None
        self.model_: LearnedModel = learn(
            dataset, learner, hidden=self._hidden() or (NEURONS,), harmonics=self.harmonics, head=self.head, seed=seed
        )
        self.n_iter_: int = self.model_.training["passes"]

    def _learn_on(self, x: Floats, y: Indices | Floats, classes: tuple[Label, ...] | None) -> None:
        """Learn one pass over more rows, from where the model stands; arguments as those of _learn."""
        if self._stream is None:
            model = getattr(self, "model_", None)
            hidden = self._hidden() or (NEURONS,)
            if model is not None:
                hidden = tuple(len(layer.bias) for layer in model.network.layers[:-1])
            design = Design(self._features(), classes, hidden, self.harmonics, self.head)
            self._stream = Stream(design, x, y, model)
        self.model_ = self._stream.learn(x, y)
        self.n_iter_ = self.model_.training["passes"]

    def _features(self) -> tuple[str, ...]:
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            return tuple(f"x{column}" for column in range(self.n_features_in_))
        return tuple(map(str, names))

    def _hidden(self) -> tuple[int, ...] | None:
        """Return the sizes that the caller chose."""
        if isinstance(self.hidden, str):
            if self.hidden != "auto":
                raise OptionError(
                    f"hidden {self.hidden!r}: expected 'auto', a number of neurons, or one for each layer"
                )
            return None
        return tuple(self.hidden) if isinstance(self.hidden, Sequence) else (int(self.hidden),)

    def _learner(self) -> Learner:
        if not isinstance(self.learner, str):
            return self.learner
        if self.learner == "auto":
            return TunedAdam(max_time=self.max_time, hidden=self._hidden())
        # The near-linear start and strong decay are what was best on tables.
        if self.learner == "adam":
            return Adam(spread=0.25, decay=1.0, max_time=self.max_time)
        if self.learner == "lms":
            return LMS(spread=0.25, max_time=self.max_time)
        raise OptionError(f"learner {self.learner!r}: expected 'auto', 'adam', 'lms' or an object with a method learn")

    def _rows(self, x: ArrayLike) -> tuple[Network, Floats]:
        """Return the network and its checked raw rows."""
        check_is_fitted(self)
        return self.model_.network, _validate(self, x, reset=False, dtype=np.float64)


class ENNClassifier(ClassifierMixin, _Estimator):
    """An ENN that tells classes.

    Rows cannot be weighted: minibatches and held-out rows see whole rows, and no method takes sample_weight.

    Args:
        hidden: Neurons of each hidden layer, or of the only one; "auto" to choose by held-out loss (learner "auto"), or
            16 (the other learners).
        harmonics: Q, odd cosines of every activation.
        head: "linear" (probabilities) or "dct" (the paper's: scores).
        learner: "auto" (AdamW; what is to be chosen is chosen by held-out loss, and all rows are learned from in the
            end), "adam", "lms", or an object with their method learn.
        max_time: Seconds that a fit may take; a fit that needs them all may differ from the next one.
        random_state: Seed of the split and of the learner; None: 0, since equal calls should learn equal networks.

    Attributes:
        model_: What was learned, ready for `enn_training.exporting.export`.
        n_iter_: Passes made.
        n_features_in_: Columns seen.
        classes_: The labels, in the order of the probabilities.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from rows X [rows, features] and labels y [rows].

        Raises:
            ValueError: The arrays or settings cannot be learned from.
            DivergenceError: The learner left the finite numbers.
        """
        x, labels = _validate(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, index = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}; expected at least two classes")
        self._learn(x, index.astype(np.int64), self._labels())
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> Self:  # noqa: N803
        """Learn one pass of the LMS over more rows, from where the network stands.

        Inputs and targets are scaled by the first rows, or as those of fit were, whatever comes later.

        Args:
            X: Rows [rows, features].
            y: Labels [rows].
            classes: All labels that will ever come; required by the first call if fit was not called before.

        Raises:
            ValueError: Classes are missing, change, or lack a label of y.
            DivergenceError: The network left the finite numbers.
        """
        first = not hasattr(self, "classes_")
        x, labels = _validate(self, X, y, dtype=np.float64, reset=first)
        check_classification_targets(labels)
        if first:
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit: all labels that will come")
            self.classes_, self._stream = np.unique(classes), None
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes {np.unique(classes)}: expected those of the first call, {self.classes_}")
        if unknown := sorted(set(labels.tolist()) - set(self.classes_.tolist())):
            raise ValueError(f"y has the label {unknown[0]!r}; expected one of {self.classes_}")
        self._learn_on(x, np.searchsorted(self.classes_, labels).astype(np.int64), self._labels())
        return self

    def _labels(self) -> tuple[Label, ...]:
        return tuple(as_label(label) for label in self.classes_)

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
    """An ENN that predicts a value, or several.

    Rows cannot be weighted: minibatches and held-out rows see whole rows, and no method takes sample_weight.

    Args:
        hidden: Neurons of each hidden layer, or of the only one; "auto" to choose by held-out loss (learner "auto"), or
            16 (the other learners).
        harmonics: Q, odd cosines of every activation.
        head: "linear" or "dct".
        learner: "auto" (AdamW; what is to be chosen is chosen by held-out loss, and all rows are learned from in the
            end), "adam", "lms", or an object with their method learn.
        max_time: Seconds that a fit may take; a fit that needs them all may differ from the next one.
        random_state: Seed of the split and of the learner; None: 0, since equal calls should learn equal networks.

    Attributes:
        model_: What was learned, ready for `enn_training.exporting.export`.
        n_iter_: Passes made.
        n_features_in_: Columns seen.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:  # noqa: N803
        """Learn from rows X [rows, features] and values y [rows] or [rows, outputs].

        Raises:
            ValueError: The arrays or settings cannot be learned from.
            DivergenceError: The learner left the finite numbers.
        """
        x, values = _validate(self, X, y, dtype=np.float64, y_numeric=True, multi_output=True)
        self._learn(x, self._values(values), None)
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike) -> Self:  # noqa: N803
        """Learn one pass of the LMS over more rows, from where the network stands.

        Inputs and targets are scaled by the first rows, or as those of fit were, whatever comes later.

        Args:
            X: Rows [rows, features].
            y: Values [rows] or [rows, outputs].

        Raises:
            ValueError: The arrays do not fit what was learned from before.
            DivergenceError: The network left the finite numbers.
        """
        first = not hasattr(self, "model_")
        x, values = _validate(self, X, y, dtype=np.float64, y_numeric=True, multi_output=True, reset=first)
        if first:
            self._stream = None
        elif (outputs := 1 if values.ndim == 1 else values.shape[1]) != self.model_.network.units:
            raise ValueError(f"y has {outputs} column(s); expected {self.model_.network.units} as before")
        self._learn_on(x, self._values(values), None)
        return self

    def predict(self, X: ArrayLike) -> Floats:  # noqa: N803
        """Return the value of each row of X [rows, features]: [rows], or [rows, outputs] as y had them."""
        network, x = self._rows(X)
        output = network.respond(x).output
        return output[:, 0] if self._flat else output

    def _values(self, y: NDArray[Any]) -> Floats:
        self._flat = y.ndim == 1
        return y.astype(np.float64)

    def __sklearn_tags__(self) -> Tags:
        """Say that several outputs are learned."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _hold_out(part: Part, seed: int) -> tuple[Part, Part]:
    """Return seven eighths to learn from and an eighth to choose by; fewer than 16 rows do both."""
    if len(part.x) < 16:
        return part, part
    order = np.random.default_rng(seed).permutation(len(part.x))
    held, rest = np.split(order, [len(order) // 8])
    return Part(part.x[rest], part.y[rest]), Part(part.x[held], part.y[held])
