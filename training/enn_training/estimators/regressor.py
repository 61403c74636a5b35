"""ENNRegressor: an Expressive Neural Network as a scikit-learn regressor."""

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils import Tags

from enn_models.network import Head
from enn_training.data import dataframes as frames
from enn_training.data.dataset import Split
from enn_training.data.float32_range import refuse_beyond_float32, to_float32
from enn_training.errors import OptionError
from enn_training.estimators.base import Estimator, Floats, leave_out_weightless, validate
from enn_training.learners.base import Learner
from enn_training.learners.progress import Callback
from enn_training.learners.registry import LearnerName
from enn_training.nn.architecture import ValueLoss, quantile_level


class ENNRegressor(RegressorMixin, Estimator):
    """Predict one or several values by an Expressive Neural Network.

    Args:
        hidden: Number of neurons of each hidden layer, or of the only one; "auto" to choose it by cross-validation
            (learner "auto"), or for one layer of 16 (the other learners).
        harmonics: Number of odd cosines Q of every activation.
        head: Output layer: "linear" or "dct" (as in the paper).
        learner: Name of a registered learner, or an object with a method `learn`. "auto" compares sizes, penalties and
            monotone maps of the columns by cross-validation of networks that learn by Levenberg-Marquardt steps; the
            result is the mean of the networks of the folds, as one network. Large networks learn by "auto-adam": AdamW
            with size, penalties and number of steps chosen likewise, then trained on all rows. "adam" is AdamW with
            fixed settings; "lm" Levenberg-Marquardt for few inputs; "lms" the authors' least mean squares.
        loss: "squared" for the mean, "absolute" for the median, or "quantile"; "lms" and `partial_fit` have "squared".
        quantile: Level of the quantile, between 0 and 1.
        max_time: Time limit of AdamW and LMS in seconds; second-order steps have none. A fit that reaches
            it raises a ConvergenceWarning and need not equal the next one.
        random_state: Seed of the split and of the learner; None is 0, so that equal calls give equal networks.
        verbose: Tell the task and its classes, and show a progress bar of the passes, on standard error.
        callbacks: Functions to call after every iteration (a pass over the rows, or a network of "lm") with its number
            from 1 and its held-out loss. If one returns a true value, learning stops: the result is the best network
            so far, and "auto" ends its choice, then its training.
        categorical: Names of the columns of a frame whose values are names, also if they are numbers.
        ordinal: Categories of each column of a frame whose categories have an order, from the lowest to the highest:
            {"size": ["small", "large"]}. The network gets their places as numbers.

    Attributes:
        model_: Learned model, to publish with `enn_training.export`.
        n_iter_: Number of passes made.
        converged_: False if the time limit or a callback ended the learning of `fit`.
        n_features_in_: Number of columns in training.
        feature_importances_: Mean absolute Shapley value of each feature over the background rows; all sum to 1.
        columns_: Kind of each column of a pandas frame; None if all columns were numeric.

    Example:
        >>> import numpy as np
        >>> from enn_training import ENNRegressor
        >>> rng = np.random.default_rng(0)
        >>> x = rng.uniform(-1, 1, (200, 2))
        >>> model = ENNRegressor(hidden=8).fit(x, x[:, 0] * x[:, 1])
        >>> model.score(x, x[:, 0] * x[:, 1]) > 0.9
        True
        >>> model.predict([[0.5, 0.5]]).shape
        (1,)
    """

    def __init__(
        self,
        hidden: int | Sequence[int] | Literal["auto"] = "auto",
        *,
        harmonics: int = 6,
        head: Head = "linear",
        learner: LearnerName | Learner = "auto",
        loss: ValueLoss = "squared",
        quantile: float = 0.5,
        max_time: float = 60.0,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
        callbacks: Sequence[Callback] | None = None,
        categorical: Sequence[str] | None = None,
        ordinal: Mapping[str, Sequence[object]] | None = None,
    ) -> None:
        super().__init__(
            hidden,
            harmonics=harmonics,
            head=head,
            learner=learner,
            max_time=max_time,
            random_state=random_state,
            verbose=verbose,
            callbacks=callbacks,
            categorical=categorical,
            ordinal=ordinal,
        )
        self.loss: ValueLoss = loss
        self.quantile = quantile

    def _quantile(self) -> float | None:
        """Return the level of the quantile to learn; None for the mean."""
        return quantile_level(self.loss, self.quantile)

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on rows X [rows, features] and values y [rows] or [rows, outputs].

        Args:
            X: Rows, as in `ENNClassifier.fit`.
            y: Values, [rows] or [rows, outputs].
            sample_weight: Weight of each row, [rows], as in `ENNClassifier.fit`.

        Raises:
            ValueError: An array or an option cannot be used for training.
            DivergenceError: Training produced infinite numbers or NaN.
        """
        X, y, weight = leave_out_weightless(frames.to_pandas(X), y, sample_weight)
        x, values = self._checked(self._first_rows(X), y)
        self._train(Split(x, values, weight), None)
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train the network further by one pass of the LMS over more rows.

        Inputs and targets keep the scaling of `fit`, or of the first call.

        Args:
            X: Rows, [rows, features]; a frame has categories and missing values in the same columns as the first one.
            y: Values, [rows] or [rows, outputs].

        Raises:
            ValueError: The arrays have other columns or outputs than before.
            DivergenceError: Training produced infinite numbers or NaN.
        """
        if self.loss != "squared":
            raise OptionError(f"loss {self.loss!r}: partial_fit learns the mean; expected 'squared'")
        first = not hasattr(self, "model_")
        x, values = self._checked(self._first_rows(X) if first else self._more_rows(X), y, reset=first)
        if first:
            self._online_trainer = None
        elif (outputs := 1 if values.ndim == 1 else values.shape[1]) != self.model_.network.units:
            raise ValueError(f"y has {outputs} column(s); expected {self.model_.network.units} as before")
        self._train_further(x, values, None)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Return the values of the rows X [rows, features]: [rows] or [rows, outputs], as y in training.

        Categories and missing values that no training row had are unknown values, as in `ENNClassifier`.
        """
        output = to_float32(self._respond(X).output)
        return output[:, 0] if self._flat else output

    def _checked(self, x: ArrayLike, y: ArrayLike, *, reset: bool = True) -> tuple[Floats, Floats]:
        """Return the validated rows and values as arrays."""
        options = {"ensure_all_finite": "allow-nan", "y_numeric": True, "multi_output": True}
        rows, values = validate(self, x, y, dtype=np.float64, reset=reset, **options)
        self._flat = values.ndim == 1
        for number, column in enumerate(values.reshape(len(values), -1).T):
            refuse_beyond_float32("y" if self._flat else f"y[:, {number}]", column, frames.position)
        return rows, values.astype(np.float64)

    def __sklearn_tags__(self) -> Tags:
        """Declare that targets can have several outputs."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
