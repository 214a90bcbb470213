"""Balancing: how the losses of many tasks become one update."""

from ._balancers import Balancer as Balancer
from ._balancers import make_balancer as make_balancer
from ._options import Balancing as Balancing
from ._options import GradientBalancing, LossBalancing
from ._options import read_balancing as read_balancing

__all__ = ["GradientBalancing", "LossBalancing"]
