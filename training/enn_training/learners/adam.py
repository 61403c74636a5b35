"""AdamW with one cycle of the learning rate, in torch: for tables, many inputs and deep networks."""

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from enn_models.network import Network
from enn_training.architecture import Architecture
from enn_training.enn import ENN
from enn_training.errors import DivergenceError, OptionError
from enn_training.learners.learner import Epoch, Learned, Samples, Watch


@dataclass(frozen=True)
class Adam:
    """AdamW, minibatches, one cycle of the learning rate, the best pass by held-out loss.

    Attributes:
        passes: Times that every training row is seen, >= 1.
        spread: g of the start, > 0.
        rate: Highest learning rate, > 0.
        batch: Rows a step, >= 1.
        decay: Weight decay of the weights; biases and DCT coefficients have none; >= 0.

    Raises:
        OptionError: A value is out of its range.
    """

    passes: int = 60
    spread: float = 0.5
    rate: float = 1e-2
    batch: int = 64
    decay: float = 0.1

    def __post_init__(self) -> None:
        """Check every range."""
        for name in ("passes", "spread", "rate", "batch"):
            if not (math.isfinite(value := getattr(self, name)) and value > 0):
                raise OptionError(f"{name} {value}: expected a positive number")
        if not (math.isfinite(self.decay) and self.decay >= 0):
            raise OptionError(f"decay {self.decay}: expected a number of at least 0")

    def learn(
        self, architecture: Architecture, training: Samples, held_out: Samples, seed: int, watch: Watch | None = None
    ) -> Learned:
        """Return the best pass of one start; see Learner.learn."""
        module = _module(architecture, self.spread)
        generator = torch.Generator().manual_seed(seed)
        batches = -(-len(training.x) // self.batch)
        optimizer = self._optimizer(module)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.rate, total_steps=self.passes * batches)
        x, y = torch.from_numpy(training.x).float(), torch.from_numpy(training.y).float()
        judged = (torch.from_numpy(held_out.x).float(), torch.from_numpy(held_out.y).float())
        best, network = math.inf, None
        history: list[Epoch] = []
        for number in range(1, self.passes + 1):
            for rows in torch.randperm(len(x), generator=generator).split(self.batch):
                optimizer.zero_grad()
                _loss(architecture, module(x[rows]), y[rows]).backward()
                optimizer.step()
                schedule.step()
            with torch.no_grad():
                loss = float(_loss(architecture, module(judged[0]), judged[1]))
            if loss < best:
                best, network = loss, module.to_network()
            history.append(Epoch(number, self.passes, loss))
            if watch:
                watch(history[-1])
        return Learned(self._finite(network), best, tuple(history), {**asdict(self), "name": "adam"})

    def _optimizer(self, module: ENN) -> torch.optim.Optimizer:
        weights = [linear.weight for linear in module.modules() if isinstance(linear, nn.Linear)]
        others = [part for part in module.parameters() if all(part is not weight for weight in weights)]
        groups = [{"params": weights, "weight_decay": self.decay}, {"params": others, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=self.rate)

    def _finite(self, network: Network | None) -> Network:
        if network is None:
            raise DivergenceError(f"no pass had a finite held-out loss with rate {self.rate}; use a smaller rate")
        return network


def _module(architecture: Architecture, spread: float) -> ENN:
    return ENN(
        architecture.inputs,
        architecture.hidden,
        architecture.units,
        architecture.harmonics,
        head=architecture.head,
        task=architecture.task,
        spread=spread,
    )


def _loss(architecture: Architecture, response: Tensor, target: Tensor) -> Tensor:
    """Return the mean loss of a batch [rows, units]."""
    if architecture.loss == "squared":
        return nn.functional.mse_loss(response, target)
    if architecture.units == 1:
        return nn.functional.binary_cross_entropy_with_logits(response, target)
    return nn.functional.cross_entropy(response, target)
