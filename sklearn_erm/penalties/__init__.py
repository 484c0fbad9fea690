"""The penalties, by name. To add one: a class in a file of its own, and a line in ``PENALTIES``."""

from sklearn_erm.penalties.algebra import Scaled, Sum
from sklearn_erm.penalties.base import Penalty
from sklearn_erm.penalties.curvature import Curvature
from sklearn_erm.penalties.folded_concave import MCP, SCAD
from sklearn_erm.penalties.fused import Fused
from sklearn_erm.penalties.group_lasso import GroupLasso
from sklearn_erm.penalties.l1 import L1, ElasticNet
from sklearn_erm.penalties.l2 import L2, L2Norm
from sklearn_erm.penalties.linf import LInf
from sklearn_erm.penalties.multi_task_lasso import MultiTaskLasso
from sklearn_erm.penalties.none import NoPenalty
from sklearn_erm.penalties.nuclear import Nuclear
from sklearn_erm.penalties.part import Part
from sklearn_erm.penalties.slope import SLOPE
from sklearn_erm.penalties.smooth import SmoothPenalty
from sklearn_erm.penalties.sparse_group_lasso import SparseGroupLasso
from sklearn_erm.penalties.tikhonov import Tikhonov

PENALTIES: dict[str | None, type[Penalty]] = {
    None: NoPenalty,
    "l2": L2,
    "l2_norm": L2Norm,
    "tikhonov": Tikhonov,
    "l1": L1,
    "elasticnet": ElasticNet,
    "group_lasso": GroupLasso,
    "sparse_group_lasso": SparseGroupLasso,
    "multi_task_lasso": MultiTaskLasso,
    "nuclear": Nuclear,
    "slope": SLOPE,
    "linf": LInf,
    "fused": Fused,
    "mcp": MCP,
    "scad": SCAD,
}

__all__ = [
    "L1",
    "L2",
    "MCP",
    "PENALTIES",
    "SCAD",
    "SLOPE",
    "Curvature",
    "ElasticNet",
    "Fused",
    "GroupLasso",
    "L2Norm",
    "LInf",
    "MultiTaskLasso",
    "NoPenalty",
    "Nuclear",
    "Part",
    "Penalty",
    "Scaled",
    "SmoothPenalty",
    "SparseGroupLasso",
    "Sum",
    "Tikhonov",
]
