"""Model of rows of every kind of feature, with random parameters, and such rows."""

from dataclasses import replace

import numpy as np
import pandas as pd

from enn_models.card.features import Boolean, Categorical, Numeric, column_encoding
from enn_training.learned_model import LearnedModel
from support import learned


def rows(count: int = 200) -> pd.DataFrame:
    """Return rows with numbers, words, booleans, categories that are numbers, and missing values."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "id": [f"{index:04}" for index in range(count)],
            "bill": random.normal(44, 4, count).round(2),
            "island": random.choice(["Biscoe", "Dream", "NA"], count),
            "wild": random.random(count) < 0.5,
            "grade": pd.Categorical(random.choice(["1", "2", "10"], count), ["1", "2", "10"]),
            "mass": random.normal(4000, 500, count).round(),
        }
    )
    frame.loc[random.random(count) < 0.2, "mass"] = np.nan
    frame.loc[random.random(count) < 0.1, "island"] = None
    return frame


def model() -> LearnedModel:
    """Return a random model of such rows."""
    features = (
        Numeric(name="bill", minimum=30, maximum=50, mean=44),
        Categorical(name="island", categories=("Biscoe", "Dream", "NA"), missing=True),
        Boolean(name="wild"),
        Categorical(name="grade", categories=("1", "2", "10")),
        Numeric(name="mass", minimum=2000, maximum=6000, mean=4000, missing=True),
    )
    columns = sum(len(feature.columns) for feature in features)
    small = learned.scale_first_layer(learned.network((columns, 4, 1), 3, task="classification"), 0.01)
    raw = np.array([[40, 0, 1, 2, 3000], [45, np.nan, 0, 1, np.nan], [50, 2, 1, 0, 5000]], dtype=np.float64)
    net = replace(small, encoding=column_encoding(features))
    return LearnedModel(net, features, ("Adelie", "Gentoo"), raw, {"learner": "none"}, {}, "0" * 64, raw)
