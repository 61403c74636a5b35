"""Train Expressive Neural Networks and publish them; public names import their modules on first use."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enn_training.estimators import ENNClassifier, ENNRegressor
    from enn_training.evaluation.prediction.published_model import PublishedModel
    from enn_training.learners.levenberg_marquardt.modules import fit_lm
    from enn_training.nn.activation import DCTActivation
    from enn_training.nn.module import ENN
    from enn_training.publishing.adopt import adopt
    from enn_training.publishing.export import export
    from enn_training.publishing.load import load
    from enn_training.publishing.plain import export_plain

__all__ = [
    "ENN",
    "DCTActivation",
    "ENNClassifier",
    "ENNRegressor",
    "PublishedModel",
    "adopt",
    "export",
    "export_plain",
    "fit_lm",
    "load",
]

_MODULES = {
    "ENN": "nn.module",
    "DCTActivation": "nn.activation",
    "ENNClassifier": "estimators.classifier",
    "ENNRegressor": "estimators.regressor",
    "PublishedModel": "evaluation.prediction.published_model",
    "adopt": "publishing.adopt",
    "export": "publishing.export",
    "export_plain": "publishing.plain",
    "fit_lm": "learners.levenberg_marquardt.modules",
    "load": "publishing.load",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use, so that importing this package stays fast."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
