"""Where the laws of a loss are looked at: targets, scores, and what the laws vary."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.losses import Loss
from sklearn_erm.testing.laws import Array, number, quietly

N_CLASSES = 3
TARGETS = np.array([1.0, 0.0, -1.0, 2.0, 0.3, 0.9, -0.4, 3.0, 0.05, 13.0, -7.5])
SCORES = np.array([0.0, 0.3, -0.3, 0.1, -0.1, 0.5, -0.5, 1.0, -1.0, 1.35, -1.35, 3.0, -3.0, 12.0, -12.0, 20.0, -20.0])
N_DRAWN = 5
MODERATE = 5.0  # scores where nothing may overflow
STEPS = np.array([1.0, 0.1, 5.0, 0.5, 0.02])


class LossCase:
    """A loss with samples: targets ``y`` and scores ``eta``, other scores of the same targets, directions, steps.

    Parameters
    ----------
    loss : Loss
    y : array-like of shape (n,) or None
        Targets to use instead of the usual ones.
    rng : numpy.random.Generator
    """

    def __init__(self, loss: Loss, y: Any, rng: np.random.Generator):
        self.loss, self.rng = loss, rng
        self.joint = bool(loss.joint)
        self.broken: dict[str, str] = {}
        self.n_scores = loss.n_scores or N_CLASSES
        self.targets = self._targets(y)
        self.y, self.eta = self._pairs(self.targets)
        kept, near = self._values() != np.inf, self.size(self.eta) <= MODERATE
        self.lost = self.at(int(np.flatnonzero(near & ~kept)[0])) if np.any(near & ~kept) else None
        if kept.any():
            self.y, self.eta = self.y[kept], self.eta[kept]
        self.other = np.empty_like(self.eta)
        for target in np.unique(self.y):
            same = np.flatnonzero(self.y == target)
            self.other[same] = self.eta[rng.permutation(same)]
        self.direction = rng.uniform(-1.0, 1.0, self.eta.shape)
        self.step = np.resize(STEPS, len(self.y))
        self.near = np.abs(self.y) + self.size(self.eta)

    def _targets(self, y: Any) -> Array:
        candidates = np.arange(self.n_scores) if self.loss.target == "class" else TARGETS
        candidates = candidates if y is None else np.asarray(y)
        found: Array = candidates[np.asarray(quietly(self.loss.in_domain, candidates), dtype=bool)]
        if found.size == 0:
            raise ValueError(
                f"loss={self.loss!r}: in_domain admits none of the targets {number(candidates)}; pass some that it "
                "does: check_loss(loss, y=[...])."
            )
        return found

    def _pairs(self, targets: Array) -> tuple[Array, Array]:
        """Pair every target with special scores and with drawn ones, counted from 0 and, if real, from the target."""
        real = self.loss.target == "real"
        if self.joint:
            scores = np.concatenate([np.diag(np.linspace(0, 2, self.n_scores)), np.eye(self.n_scores) * [[20.0]]])
            scores = np.concatenate([scores, self.rng.normal(scale=2.0, size=(3 * N_DRAWN, self.n_scores))])
        else:
            scores = np.concatenate([SCORES, self.rng.normal(scale=2.0, size=N_DRAWN)])
        y, eta = np.repeat(targets, len(scores)), np.concatenate([scores] * len(targets))
        if not real:
            return y, eta
        return np.concatenate([y, y]), np.concatenate([eta, eta + (y[:, None] if self.joint else y)])

    def _values(self) -> Array:
        """Return the values, the scores of a joint loss sorted if it asks for that; 0 where they are of no use yet."""
        try:
            value = np.asarray(quietly(self.loss.value, self.y, self.eta))
            if self.joint and np.isinf(value).any():
                self.eta = np.sort(self.eta, axis=1)
                value = np.asarray(quietly(self.loss.value, self.y, self.eta))
        except Exception:  # the law of value's form tells
            value = np.zeros(len(self.y))
        return value if value.shape == self.y.shape else np.zeros(len(self.y))

    def has(self, method: str) -> bool:
        """Return whether the loss has a method; those of the base class that need no overriding count."""
        return self.loss.has(method)

    def ask(self, method: str, *args: Any) -> Array:
        """Return a method's answer; the arrays that it gets are copies."""
        return np.asarray(quietly(getattr(self.loss, method), *args))

    def dot(self, u: Array, v: Array) -> Array:
        """Return the inner product of two arrays shaped as eta, sample by sample."""
        return np.sum(u * v, axis=-1) if self.joint else u * v

    def size(self, eta: Array) -> Array:
        """Return the size of the scores, sample by sample."""
        return np.sqrt(self.dot(eta, eta))

    def along(self, values: Array) -> Array:
        """Return per-sample values shaped to broadcast against eta."""
        return values[:, None] if self.joint else values

    def bent(self, matrix: Array, direction: Array) -> Array:
        """Return the second derivatives along a direction, from an array shaped as ``curvature``."""
        if self.joint:
            return np.einsum("ni,nij,nj->n", direction, matrix, direction)
        return matrix * direction**2

    def at(self, i: int, **more: Any) -> str:
        """Return in words where a sample is."""
        extra = "".join(f", {name}={number(value)}" for name, value in more.items())
        return f"y={number(self.y[i])}, eta={number(self.eta[i])}{extra}"
