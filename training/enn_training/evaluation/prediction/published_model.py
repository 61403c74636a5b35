"""PublishedModel: a learned model read from its package, which predicts and explains in this process."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Unpack

import numpy as np
from numpy.typing import NDArray

from enn_models.explanations.results import Explanations, OutputExplanations
from enn_training.evaluation.prediction.explaining import Explainer, ExplainOptions, predict
from enn_training.evaluation.prediction.importance import feature_importances
from enn_training.evaluation.prediction.rows import encode_rows
from enn_training.learned_model import Label, LearnedModel


@dataclass(frozen=True, eq=False)
class PublishedModel(LearnedModel):
    """Hold a learned model that predicts and explains rows as the service does.

    Rows are a frame of pandas, polars or pyarrow with the features by name in any order; or an array, lists or
    dictionaries; or a single row. A category is its name, or its index in an array or list. What the service refuses is
    refused: an absent feature, an unknown category, a missing value where training rows had none, and a number more
    than 1,000 training ranges away.

    Methods and results have the names of `enn_service.client.Client`, so that a program can use either.

    Example:
        >>> import tempfile
        >>> import torch
        >>> from enn_training import ENN, adopt, export, load
        >>> rows = torch.rand(50, 2, generator=torch.Generator().manual_seed(0))
        >>> learned = adopt(ENN(2, (6,), 1, head="linear", task="regression"), rows.numpy(), names=["width", "height"])
        >>> with tempfile.TemporaryDirectory() as root:
        ...     folder = export(learned, root, "area")
        ...     model = load(root, "area")
        >>> len(model.predict([{"width": 0.5, "height": 0.25}]))
        1
        >>> sorted(model.feature_importances_.shape), model.explain([[0.5, 0.25]]).bumps.shape
        ([2], (1, 6))
    """

    def predict(self, rows: Any) -> list[Any]:  # noqa: ANN401 - rows of any kind
        """Return the prediction of each row.

        Returns:
            For a regression a number, or a list for several outputs; for classes {"label", "probabilities"} with a
            linear head and {"label", "score"} with a dct head.

        Raises:
            DataError: The rows are not those of the model; the text names the place.
        """
        return predict(self, encode_rows(self, rows).columns)

    def explain(self, rows: Any, **options: Unpack[ExplainOptions]) -> Explanations:  # noqa: ANN401 - as above
        """Predict rows and explain one output of each exactly.

        Args:
            rows: Rows of any kind, [rows, features].
            **options: Options of the explanation:
                output: Class label or name of the output to explain. Default: the predicted class.
                top: Number of bumps to return, largest first; the others are summed. Default: all.
                harmonics: True to split each bump into the terms of its cosine series.
                attributions: Attribution method: "shapley" (exact), "integrated_gradients" (exact for one hidden layer,
                numerical for deeper networks) or "sampled_shapley" (estimated). Default: none.
                background: Rows that Shapley values compare with. Default: rows stored in the model.
                baseline: Row at which integrated gradients start. Default: the mean of the training rows.
                permutations: Number of feature orders that "sampled_shapley" draws.
                interactions: True for the interactions of each pair of features too; takes "shapley". Default: False.

        Returns:
            Predictions and explanations as arrays; `to_frame()` and `to_shap()` convert them.

        Raises:
            DataError: The rows are not those of the model; the text names the place.
            OptionError: The model has no such output, or cannot compute such attributions.
        """
        return self._explainer(options).explain(encode_rows(self, rows))

    def explain_outputs(
        self,
        rows: Any,  # noqa: ANN401 - as above
        outputs: Literal["all"] | Sequence[Label] = "all",
        **options: Unpack[ExplainOptions],
    ) -> OutputExplanations:
        """Predict rows and explain several outputs of each; arguments and errors as in `explain`.

        Args:
            rows: Rows of any kind, [rows, features].
            outputs: Class labels or names of the outputs to explain; "all" for every output.
            **options: Options of `explain`, except output.
        """
        return self._explainer(options).explain_outputs(encode_rows(self, rows), outputs)

    @property
    def feature_importances_(self) -> NDArray[np.float64]:
        """Mean absolute Shapley value of each feature over the background rows, normalised to the sum 1, [features].

        Raises:
            OptionError: The model carries no background rows.
        """
        return feature_importances(self)

    def _explainer(self, options: ExplainOptions) -> Explainer:
        given = options.get("background") if options.get("baseline") is None else options.get("baseline")
        return Explainer(self, options, None if given is None else encode_rows(self, given).columns)
