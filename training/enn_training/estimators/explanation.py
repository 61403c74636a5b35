"""Explanations of fitted estimators: bumps, attributions and importances of their own rows."""

from collections.abc import Sequence
from typing import Any, Literal, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from enn_models.explanations.results import Explanations, OutputExplanations
from enn_training.data import dataframes as frames
from enn_training.evaluation.prediction.explaining import Explainer, ExplainOptions
from enn_training.evaluation.prediction.importance import feature_importances
from enn_training.evaluation.prediction.rows import EncodedRows, out_of_range
from enn_training.learned_model import Label, LearnedModel

Floats = NDArray[np.float64]


class ExplanationMixin:
    """Explain the predictions of a fitted estimator in the form of the service's answers."""

    model_: LearnedModel

    def explain(self, X: Any, **options: Unpack[ExplainOptions]) -> Explanations:  # noqa: ANN401 - as for predict
        """Predict rows and explain one output of each exactly.

        Args:
            X: Rows as for `predict`, [rows, features].
            **options: Options as for `explain` of a model that `enn_training.load` returns: output, top, harmonics,
                attributions, background, baseline, permutations, interactions.

        Returns:
            Predictions and explanations as arrays; `to_frame()` and `to_shap()` convert them.

        Raises:
            ValueError: The rows are not those of the estimator, or an option cannot be used.
        """
        return self._explainer(options).explain(self._encoded_rows(X))

    def explain_outputs(
        self,
        X: Any,  # noqa: ANN401 - as for predict
        outputs: Literal["all"] | Sequence[Label] = "all",
        **options: Unpack[ExplainOptions],
    ) -> OutputExplanations:
        """Predict rows and explain several outputs of each; arguments and errors as in `explain`.

        Args:
            X: Rows as for `predict`, [rows, features].
            outputs: Class labels or names of the outputs to explain; "all" for every output.
            **options: Options of `explain`, except output.
        """
        return self._explainer(options).explain_outputs(self._encoded_rows(X), outputs)

    @property
    def feature_importances_(self) -> Floats:
        """Mean absolute Shapley value of each feature over the background rows, normalised to the sum 1, [features]."""
        check_is_fitted(self)
        return feature_importances(self.model_)

    def _encode(self, x: Any) -> tuple[Floats, Floats]:  # noqa: ANN401 - as for predict
        """Return raw rows rounded to float32, and encoded rows, of rows to predict."""
        raise NotImplementedError

    def _encoded_rows(self, x: Any) -> EncodedRows:  # noqa: ANN401 - as for predict
        x = frames.to_pandas(x)
        values, columns = self._encode(x)
        is_frame = isinstance(x, pd.DataFrame)
        frame = x if is_frame else pd.DataFrame(np.asarray(x))
        return EncodedRows(columns, out_of_range(self.model_.features, values), frame, x.index if is_frame else None)

    def _explainer(self, options: ExplainOptions) -> Explainer:
        check_is_fitted(self)
        given = options.get("background") if options.get("baseline") is None else options.get("baseline")
        given = frames.to_pandas(given)
        if isinstance(given, pd.Series):
            given = given.to_frame().T.infer_objects()
        elif given is not None and not isinstance(given, pd.DataFrame):
            given = np.atleast_2d(given)
        return Explainer(self.model_, options, None if given is None else self._encode(given)[1])
