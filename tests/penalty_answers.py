"""What the tests of the penalties share: every answer of a penalty, as arrays."""

import numpy as np
from scipy import sparse


def frobenius(A, B):
    """Return the inner product of two arrays of one shape."""
    return float(np.vdot(A, B))


def matrix_of(curvature):
    """Return a curvature as one array."""
    diagonal, minus, matrix = curvature
    whole = np.diag(diagonal.ravel())
    whole = whole if minus is None else whole - minus @ minus.T
    return whole if matrix is None else whole + (matrix.toarray() if sparse.issparse(matrix) else matrix)


def jacobian_of(derivative):
    """Return a derivative of a prox as one array."""
    d, U = derivative
    return np.diag(d.ravel()) if U is None else np.diag(d.ravel()) + U @ U.T


def answers(penalty, W, G):
    """Return what every method says of W and a gradient G, by name; the numbers last."""
    asked = {
        "prox": lambda: penalty.prox(W, 0.3),
        "prox_derivative": lambda: penalty.prox_derivative(W, 0.3),
        "gradient": lambda: penalty.gradient(W),
        "curvature": lambda: penalty.curvature(W),
        "support": lambda: penalty.support(W),
        "blocks": lambda: penalty.blocks(W),
        "unpenalised": lambda: penalty.unpenalised(W),
        "value": lambda: penalty.value(W),
        "conjugate": lambda: penalty.conjugate(G),
        "critical_alpha": lambda: penalty.critical_alpha(G),
    }
    said = {name: answer() for name, answer in asked.items() if penalty.has(name)}
    if penalty.smooth or penalty.has("prox"):
        said["kkt"] = penalty.kkt(W, G, 0.7)
    return said


def arrays_of(answer):
    """Return the arrays and numbers in an answer."""
    parts = answer if isinstance(answer, tuple) else (answer,)
    return [part.toarray() if sparse.issparse(part) else part for part in parts if part is not None]
