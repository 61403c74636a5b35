"""ENNClassifier: an Expressive Neural Network as a scikit-learn classifier."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from enn_training.data.dataset import to_label
from enn_training.estimators.base import Estimator, Floats, validate
from enn_training.learned_model import Label


class ENNClassifier(ClassifierMixin, Estimator):
    """An ENN that tells classes.

    Rows cannot be weighted: minibatches and held-out rows see whole rows, and no method takes sample_weight.

    Args:
        hidden: Neurons of each hidden layer, or of the only one; "auto" to choose by held-out loss (learner "auto"), or
            16 (the other learners).
        harmonics: Q, odd cosines of every activation.
        head: "linear" (probabilities) or "dct" (the paper's: scores).
        learner: "auto" (AdamW; size, penalties and number of steps are chosen by held-out loss, and all rows are
            learned from in the end), "adam", "lms", or an object with their method learn.
        max_time: Seconds that a fit may take; a fit that needs them all may differ from the next one.
        random_state: Seed of the split and of the learner; None: 0, since equal calls should learn equal networks.

    Attributes:
        model_: What was learned, ready for `enn_training.publishing.export.export`.
        n_iter_: Passes made.
        n_features_in_: Columns seen.
        columns_: What each column of a mixed pandas frame is; None where all were numbers.
        classes_: The labels, in the order of the probabilities.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn from rows X [rows, features] and labels y [rows].

        X may be a pandas frame with texts or categoricals for categories, booleans, and missing values; where some
        are missing in X, some may be in the rows to predict.

        Raises:
            ValueError: The arrays or settings cannot be learned from.
            DivergenceError: The learner left the finite numbers.
        """
        x, labels = self._checked(self._first_rows(X), y)
        self.classes_, index = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}; expected at least two classes")
        self._learn(x, index.astype(np.int64), self._labels())
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
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
        x, labels = self._checked(self._first_rows(X) if first else self._more_rows(X), y, reset=first)
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

    def _checked(self, x: ArrayLike, y: ArrayLike, *, reset: bool = True) -> tuple[Floats, NDArray[Any]]:
        """Return rows of numbers and their labels as arrays."""
        rows, labels = validate(self, x, y, dtype=np.float64, ensure_all_finite="allow-nan", reset=reset)
        check_classification_targets(labels)
        return rows, labels

    def _labels(self) -> tuple[Label, ...]:
        return tuple(to_label(label) for label in self.classes_)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the label of each row of X [rows, features]."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(np.int64) if scores.ndim == 1 else scores.argmax(axis=1)]

    def decision_function(self, X: ArrayLike) -> Floats:
        """Return logits (linear head) or scores (dct head): [rows] of two classes, else [rows, classes]."""
        network, x = self._rows(X)
        response = network.respond(x)
        scores = response.pre_activation if network.head == "linear" else response.output
        return scores[:, 0] if scores.shape[1] == 1 else scores

    @available_if(lambda self: self.head == "linear")
    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the probability of each class, [rows, classes]; the linear head only."""
        network, x = self._rows(X)
        return network.respond(x).output
