"""Write breast-cancer.csv from the Wisconsin diagnostic data of scikit-learn, with class names instead of codes."""

from pathlib import Path
from typing import Any

from sklearn.datasets import load_breast_cancer

bunch: Any = load_breast_cancer(as_frame=True)
table = bunch.frame.drop(columns="target")
table["diagnosis"] = bunch.target.map(dict(enumerate(map(str, bunch.target_names))))
table.to_csv(Path(__file__).with_name("breast-cancer.csv"), index=False)
