"""ENNClassifier: an Expressive Neural Network as a scikit-learn classifier."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from enn_models.network import Head
from enn_training.data import dataframes as frames
from enn_training.data.dataset import Split, to_label
from enn_training.data.sampling.class_weights import ClassWeight
from enn_training.errors import OptionError
from enn_training.estimators.base import Estimator, Floats, leave_out_weightless, validate
from enn_training.learned_model import Label
from enn_training.learners.base import Learner
from enn_training.learners.progress import Callback
from enn_training.learners.registry import LearnerName

Method = TypeVar("Method", bound=Callable[..., Floats])


def _with_linear_head(method: Method) -> Method:
    """Hide a method from estimators with another head than the linear one, and keep its type, unlike `available_if`."""
    return cast("Method", available_if(lambda self: self.head == "linear")(method))


class ENNClassifier(ClassifierMixin, Estimator):
    """Classify rows by an Expressive Neural Network.

    Rows to predict can have unknown values: categories that no training row had, and missing values in columns where
    training rows had none. A column with missing values in training takes them for missing; in other columns they count
    as the mean of the training rows. `UnknownValueWarning` names columns and rows. The service refuses such rows.

    Args:
        hidden: Number of neurons of each hidden layer, or of the only one; "auto" to choose it by cross-validation
            (learner "auto"), or for one layer of 16 (the other learners).
        harmonics: Number of odd cosines Q of every activation.
        head: Output layer: "linear" (probabilities) or "dct" (scores, as in the paper).
        learner: Name of a registered learner, or an object with a method `learn`. "auto" compares sizes, penalties and
            monotone maps of the columns by cross-validation of networks that learn by Levenberg-Marquardt steps; the
            result is the mean of the networks of the folds, as one network. Large networks learn by "auto-adam": AdamW
            with size, penalties and number of steps chosen likewise, then trained on all rows. "adam" is AdamW with
            fixed settings; "lm" Levenberg-Marquardt for few inputs; "lms" the authors' least mean squares.
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
        classes_: Labels, in the order of the probabilities.

    Example:
        >>> import numpy as np
        >>> from enn_training import ENNClassifier
        >>> rng = np.random.default_rng(0)
        >>> x = rng.uniform(-1, 1, (200, 2))
        >>> y = np.where(x[:, 0] > x[:, 1], "right", "left")
        >>> model = ENNClassifier(hidden=8).fit(x, y)
        >>> model.classes_.tolist()
        ['left', 'right']
        >>> model.predict([[-0.5, 0.5], [0.5, -0.5]]).tolist()
        ['left', 'right']
        >>> model.predict_proba([[0.0, 0.0]]).shape
        (1, 2)
    """

    def __init__(
        self,
        hidden: int | Sequence[int] | Literal["auto"] = "auto",
        *,
        harmonics: int = 6,
        head: Head = "linear",
        learner: LearnerName | Learner = "auto",
        class_weight: ClassWeight = None,
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
        self.class_weight: ClassWeight = class_weight

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on rows X [rows, features] and labels y [rows].

        Args:
            X: Rows, an array, or a frame of pandas, polars or pyarrow with texts or categoricals (categories), booleans
                and missing values.
            y: Labels, [rows].
            sample_weight: Weight of each row, [rows], from 0; None if all rows count the same. A row of weight 0 is
                left out. Whole weights are numbers of equal rows, unless their mean is above 10; others are factors of
                the loss of their rows.

        Raises:
            ValueError: An array or an option cannot be used for training.
            DivergenceError: Training produced infinite numbers or NaN.
        """
        X, y, weight = leave_out_weightless(frames.to_pandas(X), y, sample_weight)
        x, labels = self._checked(self._first_rows(X), y)
        self.classes_, index = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}; expected at least two classes")
        class_weight = self.class_weight
        if isinstance(class_weight, Mapping):
            class_weight = {to_label(label): factor for label, factor in class_weight.items()}
        self._train(Split(x, index.astype(np.int64), weight), self._labels(), class_weight)
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
        """Train the network further by one pass of the LMS over more rows.

        Inputs and targets keep the scaling of `fit`, or of the first call.

        Args:
            X: Rows, [rows, features].
            y: Labels, [rows].
            classes: All labels that any call has; required in the first call if `fit` was not called before.

        Raises:
            ValueError: Classes are missing, differ from those of the first call, or lack a label of y; or there are
                class weights, which one pass cannot balance.
            DivergenceError: Training produced infinite numbers or NaN.
        """
        if self.class_weight is not None:
            raise OptionError(f"class_weight {self.class_weight!r}: partial_fit takes none; expected None")
        first = not hasattr(self, "classes_")
        x, labels = self._checked(self._first_rows(X) if first else self._more_rows(X), y, reset=first)
        if first:
            if classes is None:
                raise ValueError(
                    "classes must be passed on the first call to partial_fit: all labels that any call has"
                )
            self.classes_, self._online_trainer = np.unique(classes), None
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes {np.unique(classes)}: expected those of the first call, {self.classes_}")
        if unknown := sorted(set(labels.tolist()) - set(self.classes_.tolist())):
            raise ValueError(f"y has the label {unknown[0]!r}; expected one of {self.classes_}")
        self._train_further(x, np.searchsorted(self.classes_, labels).astype(np.int64), self._labels())
        return self

    def _checked(self, x: ArrayLike, y: ArrayLike, *, reset: bool = True) -> tuple[Floats, NDArray[Any]]:
        """Return the validated rows and labels as arrays."""
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
        """Return logits (linear head) or scores (dct head): [rows] for two classes, else [rows, classes]."""
        response = self._respond(X)
        scores = response.pre_activation if self.model_.network.head == "linear" else response.output
        return scores[:, 0] if scores.shape[1] == 1 else scores

    @_with_linear_head
    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the probability of each class, [rows, classes]; only with the linear head."""
        return self._respond(X).output
