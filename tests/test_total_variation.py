"""The prox of the total variation: optimality conditions, and two methods beside each other."""

import numpy as np
import pytest

from sklearn_erm.penalties.total_variation import ROUNDS, denoise_in_one_pass, jumps_by_rounds, segments

LENGTH = 600
TIME = np.linspace(-1.0, 1.0, LENGTH)
NOISE = np.random.default_rng(0).normal(size=LENGTH)
SEQUENCES = {
    "noise": NOISE,
    "noise far from zero": 1e6 + NOISE,
    "random walk": np.cumsum(NOISE),
    "steps": np.repeat(NOISE[: LENGTH // 20], 20),
    "ties": np.round(NOISE),
    "spikes": np.where(NOISE > 2.5, 100.0 * NOISE, 0.0),
    "heavy tails": np.random.default_rng(1).standard_cauchy(size=LENGTH),
    "alternating": np.where(np.arange(LENGTH) % 2, 1.0, -1.0),
    "ramp": TIME,
    "parabola": TIME**2,
    "growth": np.exp(10.0 * TIME),
    "constant": np.ones(LENGTH),
    "two entries": NOISE[:2],
    "three entries": NOISE[:3],
}
WEIGHTS = [1e-9, 1e-3, 0.1, 1.0, 10.0, 300.0, 1e9]
EVERY_SEQUENCE = pytest.mark.parametrize("y", SEQUENCES.values(), ids=SEQUENCES)
EVERY_WEIGHT = pytest.mark.parametrize("weight", WEIGHTS)


@EVERY_SEQUENCE
@EVERY_WEIGHT
@pytest.mark.parametrize("unit", [1e-150, 1.0, 1e100])
def test_pieces_satisfy_the_optimality_conditions(y, weight, unit):
    y, weight = unit * y, unit * weight
    ends, levels = segments(y, weight)
    jumps = np.diff(levels)
    z = np.cumsum(np.repeat(levels, np.diff(ends)) - y)[:-1]
    assert np.all(jumps != 0)
    slack = 1e-12 * (np.abs(y).sum() + weight)
    assert np.all(np.abs(z) <= weight + slack)
    np.testing.assert_allclose(z[ends[1:-1] - 1], weight * np.sign(jumps), rtol=0, atol=slack)
    assert levels @ np.diff(ends) == pytest.approx(y.sum(), abs=slack)


@EVERY_SEQUENCE
@pytest.mark.parametrize("weight", WEIGHTS[:-1])
def test_rounds_of_vectors_find_what_one_pass_finds(y, weight):
    jumps, x = jumps_by_rounds(y, weight), denoise_in_one_pass(y, weight)
    if jumps is not None:  # else too many rounds, and the one pass is the answer
        ends, levels = segments(y, weight)
        np.testing.assert_allclose(np.repeat(levels, np.diff(ends)), x, rtol=0, atol=1e-12 * np.abs(y).max())


@pytest.mark.parametrize("name", ["noise", "random walk", "steps", "ties", "spikes", "heavy tails"])
@EVERY_WEIGHT
def test_rounds_of_vectors_are_enough_for_what_fits_ask(name, weight):
    assert jumps_by_rounds(SEQUENCES[name], weight) is not None


def test_smooth_data_take_the_one_pass():
    assert jumps_by_rounds(TIME**2, 5.0) is None
    assert ROUNDS < 50  # which is the time of the one pass
