"""Sound hosts of every kind, for ``test_quiet``.

A tree is a function that builds on an empty ``Host``. Where the product warns of a sound host, the tree names the
finding and says why it is defended in front of the administrator.
"""

from tests.field.trees import iscsi, local, orchestrated, other_transports, stacked
from tests.field.trees.registry import TREES, Tree

__all__ = ["TREES", "Tree", "iscsi", "local", "orchestrated", "other_transports", "stacked"]
