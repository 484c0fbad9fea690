"""A^T diag(h) A for second derivatives h of a loss: products, Gram matrices, and what the samples tell of them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses import Loss
from sklearn_erm.losses.base import Bending
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.row_space import centred_rows, solve_in_row_space, solving_in_row_space_pays
from sklearn_erm.samples.strips import beside, each, opened, taken

Array = NDArray[Any]


class LocalBend:
    """The (generalised) Hessian of a risk, in the layout (W, b), its outputs side by side.

    Parameters
    ----------
    design : Design
    loss, y, eta
        A loss, targets, and the scores at which it is bent.
    positive : bool
        Whether a negative second derivative, of a loss that is not convex, counts by its size.
    """

    def __init__(self, design: Design, loss: Loss, y: Array, eta: Array, positive: bool = False):
        self.design = design
        self.smoothed = loss
        self.y = y
        self.eta = eta
        self.positive = positive
        self.outputs = eta.shape[1:]
        self.n_outputs = self.outputs[0] if self.outputs else 1
        self.size = (design.n_features + design.intercept) * self.n_outputs

    @cached_property
    def loss(self) -> Loss:
        """The loss with its multipliers, if it has some."""
        return opened(self.smoothed)

    @cached_property
    def rows(self) -> Array:
        """The weighted curvature of every sample, (n,) or (n, k); not for a joint loss."""
        curvature = each(self.smoothed, "curvature", self.y, self.eta)
        if self.positive:
            curvature = np.abs(curvature)
        return beside(self.design.weight, curvature) * curvature

    @cached_property
    def _curved(self) -> tuple[Design, Array]:
        """The rows that have curvature and what they have, if those are few; all rows otherwise."""
        curved = np.flatnonzero(self.rows if self.rows.ndim == 1 else self.rows.any(axis=1))
        if 2 * len(curved) > len(self.rows):
            return self.design, self.rows
        return self.design.restricted(curved), self.rows[curved]

    @cached_property
    def own(self) -> Array:
        """The weighted curvature of every sample along each of its scores, (n, k)."""
        if not self.loss.joint:
            return np.abs(self.rows).reshape(len(self.rows), self.n_outputs)
        own = self.loss.own_curvature(self.y, self.eta)
        return beside(self.design.weight, own) * own

    @cached_property
    def _bending(self) -> Bending:
        return self.loss.bending(self.y, self.eta)

    def _jointly(self, change: Array, rows: Any = slice(None)) -> Array:
        """Return the weighted Hessian of a joint loss times a change of the scores of some rows."""
        bent: Array = self.design.weight[rows, None] * self._bending(change, rows)
        return bent

    def _along(self, c: int) -> Array:
        """Return column c of the weighted Hessian of a joint loss, sample by sample, (n, k)."""
        unit = np.zeros(self.eta.shape)
        unit[:, c] = 1.0
        return self._jointly(unit)

    # -- products and matrices --------------------------------------------------------------------------------------

    def product(self, V: Array, shift: Any) -> tuple[Array, Array]:
        """Return the product with (V, shift), in W and in b."""
        if self.loss.joint:
            return self.design.sandwich(V, shift, self._jointly)
        design, rows = self._curved
        return design.sandwich(V, shift, lambda change, part: rows[part] * change)

    def gram(self) -> Array:
        """Return it as an array."""
        k = self.n_outputs
        if not self.outputs:
            return self.design.gram(self.rows)
        H = np.zeros((self.size, self.size))
        if not self.loss.joint:
            for c in range(k):
                H[c::k, c::k] = self.design.gram(self.rows[:, c])
            return H
        if self.loss.has("curvature_factors"):
            v = self.loss.curvature_factors(self.y, self.eta)[1]
            H -= self.design.product_gram(np.sqrt(self.design.weight)[:, None] * v)
            for c in range(k):  # d - v^2 as a whole: where it almost cancels, so would the two matrices
                H[c::k, c::k] = self.design.gram(self.own[:, c])
            return H
        for c in range(k):
            column = self._along(c)
            for e in range(c + 1):
                H[c::k, e::k] = self.design.gram(column[:, e])
                H[e::k, c::k] = H[c::k, e::k].T
        return H

    def block(self, c: int) -> Array:
        """Return the diagonal block of one output, as an array."""
        return self.design.gram(
            self._along(c)[:, c] if self.loss.joint else self.rows.reshape(len(self.rows), -1)[:, c]
        )

    # -- what the samples tell --------------------------------------------------------------------------------------

    @cached_property
    def mass(self) -> Array:
        """The weighted sum of the curvature along each score, (k,)."""
        return np.asarray(self.own.sum(axis=0))

    @property
    def mean(self) -> float:
        """The mean curvature along a score: the trace over their number."""
        diagonal = self.rows if self.loss.convex and not self.loss.joint else self.own
        return float(diagonal.sum()) / self.n_outputs

    @property
    def curved(self) -> int:
        """The number of scores with curvature."""
        return int(np.count_nonzero(self.own if self.loss.joint else self.rows))

    @property
    def widely(self) -> bool:
        """Whether most scores have curvature; the loss of few kinks, once split, has it there alone."""
        return self.loss.joint or 2 * self.curved > self.rows.size

    @cached_property
    def tilted(self) -> bool:
        """Whether some samples have a slope, but no curvature."""
        flat = (self.own if self.loss.joint else self.rows) == 0
        return bool(flat.any() and not (self.loss.joint and not self.loss.gradient(self.y, self.eta)[flat].any()))

    # -- on some rows -----------------------------------------------------------------------------------------------

    def sampled(self, draws: int, output: int | None = None) -> LocalBend:
        """Return it on so many rows, drawn in proportion to their curvature along one or all scores, the mean kept."""
        curvature = self.own.sum(axis=1) if output is None else self.own[:, output]
        share = curvature / curvature.sum()
        rows, times = np.unique(np.random.default_rng(0).choice(len(share), draws, p=share), return_counts=True)
        design = self.design.restricted(rows)
        design.weight = times / (draws * share[rows]) * design.weight
        return LocalBend(design, taken(self.smoothed, rows), self.y[rows], self.eta[rows], self.positive)

    def few_rows(self, most: float, entries: int) -> tuple[Array, Array, float] | None:
        """Return R Z, R the root of the curvature, Z the rows that have some, less their mean; the mean; the mass.

        None if there are more rows than ``most``, or more entries than ``entries``.
        """
        curved = np.flatnonzero(self.rows)
        if not (0 < len(curved) < most and self.design.n_features * len(curved) < entries):
            return None
        h = self.rows[curved]
        rows, centre = centred_rows(self.design, curved, h)
        return np.sqrt(h)[:, None] * rows, centre, float(h.sum())

    def solve_in_row_space(self, ridge: Any, u: Array | None, v: Array, accuracy: float) -> Array | None:
        """Return the solution of (self + ridge() - u u^T) x = v in the space of the rows; None if that does not pay."""
        curved = np.flatnonzero(self.rows)
        if not solving_in_row_space_pays(self.design, len(curved), accuracy):
            return None
        return solve_in_row_space(self.design, self.rows, curved, ridge(), u, v, accuracy)
