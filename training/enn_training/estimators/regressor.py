"""ENNRegressor: an Expressive Neural Network as a scikit-learn regressor."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils import Tags

from enn_training.estimators.base import Estimator, Floats, validate


class ENNRegressor(RegressorMixin, Estimator):
    """An ENN that predicts a value, or several.

    Rows cannot be weighted: minibatches and held-out rows see whole rows, and no method takes sample_weight.

    Args:
        hidden: Neurons of each hidden layer, or of the only one; "auto" to choose by held-out loss (learner "auto"), or
            16 (the other learners).
        harmonics: Q, odd cosines of every activation.
        head: "linear" or "dct".
        learner: "auto" (AdamW; size, penalties and number of steps are chosen by held-out loss, and all rows are
            learned from in the end), "adam", "lms", or an object with their method learn.
        max_time: Seconds that a fit may take; a fit that needs them all may differ from the next one.
        random_state: Seed of the split and of the learner; None: 0, since equal calls should learn equal networks.

    Attributes:
        model_: What was learned, ready for `enn_training.publishing.export.export`.
        n_iter_: Passes made.
        n_features_in_: Columns seen.
        columns_: What each column of a mixed pandas frame is; None where all were numbers.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn from rows X [rows, features] and values y [rows] or [rows, outputs]; X as for the classifier.

        Raises:
            ValueError: The arrays or settings cannot be learned from.
            DivergenceError: The learner left the finite numbers.
        """
        x, values = self._checked(self._first_rows(X), y)
        self._learn(x, values, None)
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn one pass of the LMS over more rows, from where the network stands.

        Inputs and targets are scaled by the first rows, or as those of fit were, whatever comes later.

        Args:
            X: Rows [rows, features]; a frame has categories, and missing values, where the first one has them.
            y: Values [rows] or [rows, outputs].

        Raises:
            ValueError: The arrays do not fit what was learned from before.
            DivergenceError: The network left the finite numbers.
        """
        first = not hasattr(self, "model_")
        x, values = self._checked(self._first_rows(X) if first else self._more_rows(X), y, reset=first)
        if first:
            self._stream = None
        elif (outputs := 1 if values.ndim == 1 else values.shape[1]) != self.model_.network.units:
            raise ValueError(f"y has {outputs} column(s); expected {self.model_.network.units} as before")
        self._learn_on(x, values, None)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Return the value of each row of X [rows, features]: [rows], or [rows, outputs] as y had them."""
        network, x = self._rows(X)
        output = network.respond(x).output
        return output[:, 0] if self._flat else output

    def _checked(self, x: ArrayLike, y: ArrayLike, *, reset: bool = True) -> tuple[Floats, Floats]:
        """Return rows of numbers and their values as arrays."""
        options = {"ensure_all_finite": "allow-nan", "y_numeric": True, "multi_output": True}
        rows, values = validate(self, x, y, dtype=np.float64, reset=reset, **options)
        self._flat = values.ndim == 1
        return rows, values.astype(np.float64)

    def __sklearn_tags__(self) -> Tags:
        """Say that several outputs are learned."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
