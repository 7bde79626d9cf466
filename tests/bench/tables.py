"""Tables in the terminal, and targets beside what was measured. Knows no benchmark."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

Row = list[str]
console = Console(width=150, highlight=False)


def show(title: str, columns: list[str], rows: list[Row]) -> None:
    """Print one table; the first column is text, the others are figures."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


@dataclass(frozen=True)
class Target:
    """A figure with its bound."""

    name: str
    value: float
    at_most: float = float("inf")
    at_least: float = float("-inf")

    @property
    def is_met(self) -> bool:
        return self.at_least <= self.value <= self.at_most

    @property
    def bound(self) -> str:
        return f"<= {self.at_most:g}" if self.at_most != float("inf") else f">= {self.at_least:g}"

    @staticmethod
    def show(targets: "list[Target]") -> bool:
        """Print them; whether all are met."""
        rows = [[t.name, f"{t.value:.2f}", t.bound, "met" if t.is_met else "[red]missed[/red]"] for t in targets]
        show("Targets", ["", "measured", "target", ""], rows)
        return all(target.is_met for target in targets)
