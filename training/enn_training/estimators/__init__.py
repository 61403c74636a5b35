"""Estimators with scikit-learn's interface; each is imported on first use."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enn_training.estimators.classifier import ENNClassifier
    from enn_training.estimators.regressor import ENNRegressor

__all__ = ["ENNClassifier", "ENNRegressor"]

_MODULES = {"ENNClassifier": "classifier", "ENNRegressor": "regressor"}


def __getattr__(name: str) -> object:
    """Import a public name on first use, so that importing this package stays cheap."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
