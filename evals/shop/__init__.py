"""The sample environment: Rumah Rempah, a made-up shop for spices whose customers ask, cancel and change.

Its rules, orders and customers are written for Sahut (`scenes.py`); an environment of your own is written alike.
"""

from collections.abc import Mapping, Sequence

from evals.environment import Task
from evals.shop.scenes import DOCUMENTS, POLICY, SCENES
from evals.shop.world import ShopWorld


class Shop:
    """An `evals.environment.Environment`, opened afresh for each play."""

    name = "shop"
    organisation = "Rumah Rempah"
    policy = POLICY
    documents: Mapping[str, str] = DOCUMENTS
    tasks: Sequence[Task] = tuple(scene.task for scene in SCENES)

    def open(self, task: Task) -> ShopWorld:
        """The books as they are before the customer writes."""
        scene = next(scene for scene in SCENES if scene.task.id == task.id)
        return ShopWorld(scene)
