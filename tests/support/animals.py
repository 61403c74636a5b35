"""Table of animals with categories, booleans and missing values."""

import numpy as np
import pandas as pd


def table() -> pd.DataFrame:
    """Return animals whose species depends on bill, island and a missing mass."""
    random, rows = np.random.default_rng(0), 300
    frame = pd.DataFrame(
        {
            "bill": random.normal(44, 4, rows).round(2),
            "island": random.choice(["Biscoe", "Dream", "Torgersen"], rows),
            "wild": random.random(rows) < 0.5,
            "grade": pd.Categorical(random.choice(["1", "2", "10"], rows), ["1", "2", "10"]),
            "mass": random.normal(4000, 500, rows).round(),
        }
    )
    frame.loc[random.random(rows) < 0.2, "mass"] = np.nan
    frame.loc[random.random(rows) < 0.1, "island"] = None
    chosen = (frame["island"] == "Dream") ^ (frame["bill"] > 44) ^ frame["mass"].isna()
    return frame.assign(species=np.where(chosen, "Adelie", "Gentoo"))
