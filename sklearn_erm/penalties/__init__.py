"""The penalties, by name. To add one: a class in a file of its own, and a line in ``PENALTIES``."""

from sklearn_erm.penalties.base import Penalty, SmoothPenalty
from sklearn_erm.penalties.group_lasso import GroupLasso
from sklearn_erm.penalties.l1 import L1, ElasticNet
from sklearn_erm.penalties.l2 import L2, L2Norm
from sklearn_erm.penalties.none import NoPenalty

PENALTIES: dict[str | None, type[Penalty]] = {
    None: NoPenalty,
    "l2": L2,
    "l2_norm": L2Norm,
    "l1": L1,
    "elasticnet": ElasticNet,
    "group_lasso": GroupLasso,
}

__all__ = ["L1", "L2", "PENALTIES", "ElasticNet", "GroupLasso", "L2Norm", "NoPenalty", "Penalty", "SmoothPenalty"]
