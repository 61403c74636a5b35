"""The stacked peers are plain networks that plain torch would learn alike."""

import numpy as np
import pytest
import torch
from torch import nn

from enn_training.data.problems import problem
from enn_training.experiments.paper import batched_peers, peers
from enn_training.experiments.paper.contenders import ENNContender, PeerContender
from enn_training.experiments.paper.peers import Peer
from enn_training.experiments.paper.results import Budget
from enn_training.kernels.simd import LANES

FLOAT32_AFTER_MANY_STEPS = 2e-4
"""Adam divides by the root of small powers, which magnifies the rounding of a different order of sums."""
FEW = Budget(samples=200, judged=300, passes=3)
FLOAT32 = 1e-7
"""The reported score is that of outputs rounded to float32, as the service gives them."""


def data(name, seeds):
    return {seed: problem(name).dataset(FEW.samples, seed, FEW.judged) for seed in seeds}


def quietly():
    pass


def plain_torch(peer, variant, start, training, orders):
    """Return the parameters of one network that torch's own modules and Adam learn from orders of rows."""
    (rate, gain), hidden, last = variant, nn.Linear(2, peer.hidden), nn.Linear(peer.hidden, 1)
    with torch.no_grad():
        targets = (hidden.weight, hidden.bias, last.weight, last.bias)
        for target, part in zip(targets, peer.layers(start[None]), strict=True):
            target.copy_(part.reshape(target.shape))
    optimizer = torch.optim.Adam([*hidden.parameters(), *last.parameters()], lr=rate)
    batches = [rows for order in orders for rows in order.split(peer.batch)]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: batched_peers.rate_factor(step / len(batches)))
    x, y = torch.from_numpy(training.x).float(), torch.from_numpy(training.y).float()
    for rows in batches:
        optimizer.zero_grad()
        logits = last(torch.tanh(gain * hidden(x[rows])))[:, 0]
        nn.functional.binary_cross_entropy_with_logits(logits, y[rows]).backward()
        optimizer.step()
        schedule.step()
    return torch.cat([part.detach().ravel() for part in targets])


def test_batched_adam_equals_adam_of_torch_for_each_network():
    peer = Peer("tanh", 3, lambda x: x, torch.tanh, (0.01, 0.1), (1.0, 3.0), starts=1, batch=64)
    sets = data("ring", (4, 7))
    own = batched_peers._BatchedPeers(peer, sets)
    starts = own.adam.parameters.detach().clone()
    for number in range(3):
        own.learn_pass(number, 3)
    for index, (seed, variant) in enumerate((seed, variant) for seed in sets for variant in peer.variants):
        generator = torch.Generator().manual_seed(seed)
        training = sets[seed].training
        orders = [torch.randperm(len(training.x), generator=generator) for _ in range(3)]
        alone = plain_torch(peer, variant, starts[index], training, orders)
        torch.testing.assert_close(own.adam.parameters[index].detach(), alone, rtol=0, atol=FLOAT32_AFTER_MANY_STEPS)


def test_a_seed_gives_the_same_beside_other_seeds_as_alone():
    peer = peers.tuned_peers(6)[1]
    beside, alone = (
        dict(batched_peers.train_peers(peer, data("ring", (0, 1)), 2)),
        dict(batched_peers.train_peers(peer, data("ring", (1,)), 2)),
    )
    assert beside[1].score == pytest.approx(alone[1].score, abs=0.01)
    assert beside[1].choice == alone[1].choice


@pytest.mark.parametrize("name", ["ring", "product"])
@pytest.mark.parametrize("peer", [peers.tuned_peers(6)[3], peers.kan_peer(3)], ids=lambda peer: peer.name)
def test_stored_parameters_give_the_reported_score(name, peer):
    one = PeerContender(peer)
    ((seed, result),) = one.learn(problem(name), (0,), FEW, quietly)
    test = data(name, (seed,))[seed].test
    answer = one.respond(result, test.x)
    found = np.mean((answer > 0) == test.y) if name == "ring" else np.mean((answer - test.y) ** 2)
    assert result.score == pytest.approx(found, rel=1e-4)


def test_stored_enn_parameters_give_the_reported_score():
    ((seed, result),) = ENNContender(12, 2.0).learn(problem("norm"), (1,), FEW, quietly)
    test = data("norm", (seed,))[seed].test
    output = ENNContender(12, 2.0).network(problem("norm"), result).respond(test.x).output[:, 0]
    assert result.score == pytest.approx(np.mean((output - test.y) ** 2), rel=FLOAT32)


def test_equal_parameters_are_equal():
    assert [ENNContender().parameters, peers.kan_peer(3).parameters] == [67, 67]
    assert {peer.parameters for peer in peers.tuned_peers(17)} == {69}
    assert [ENNContender(12).parameters, peers.kan_peer(6).parameters, peers.tuned_peers(32)[0].parameters] == [
        127,
        133,
        129,
    ]


def test_every_peer_has_as_many_variants_as_enn_starts():
    assert all(
        len(peer.variants) >= LANES for peer in (*peers.tuned_peers(6), *peers.tuned_peers(17), peers.kan_peer(3))
    )


def test_kan_features_are_chebyshev_polynomials():
    x = torch.linspace(-1, 1, 9)[None, None]
    degrees = torch.arange(1, peers.DEGREE + 1)[None, :, None]
    torch.testing.assert_close(peers.chebyshev_terms(x), torch.cos(degrees * torch.acos(x)), rtol=0, atol=1e-5)


def test_learning_rate_rises_from_zero_and_falls_to_zero():
    assert [round(batched_peers.rate_factor(at), 6) for at in (0, 0.05, 0.1, 0.55, 1)] == [0, 0.5, 1, 0.5, 0]
