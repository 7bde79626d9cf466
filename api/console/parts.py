"""The parts of the desk's page as NiceGUI elements: one component each, fed with plain values. They decide nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nicegui.element import Element

STATIC = Path(__file__).parent / "static"
COMMON = STATIC / "sahut-common.js"


class Part(Element):
    """A component with its values."""

    def __init__(self, **values: Any) -> None:
        super().__init__()
        for name, value in values.items():
            self._props[name] = value

    def tell(self, method: str, news: Mapping[str, Any] | None = None) -> None:
        """Call a method of the component in the browser, in the order of the calls."""
        self.run_method(method, *([] if news is None else [news]))


class Bar(Part, component=STATIC / "bar.js", dependencies=[COMMON]):
    """The bar at the top."""


class Queue(Part, component=STATIC / "queue.js", dependencies=[COMMON]):
    """The lanes and their rows."""


class Thread(
    Part,
    component=STATIC / "thread.js",
    dependencies=[COMMON, STATIC / "sahut-lines.js", STATIC / "sahut-composer.js"],
):
    """One conversation."""


class Side(Part, component=STATIC / "side.js", dependencies=[COMMON]):
    """What stands beside it."""
