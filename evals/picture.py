"""Draws how many answers are wrong against how many are sent, of one run: `python -m evals.picture RUN --out FILE.svg`.

Reads a finished report and plays nothing. The picture stands in docs/evals.md.
"""

import argparse
import sys
from pathlib import Path

from pydantic import ValidationError

from evals import charts
from evals.report import Report

BUDGET = 0.05


def picture(report: Report, *, budget: float = BUDGET) -> str:
    """A self-contained SVG in light and dark. Raises `ValueError` where fewer than two answers were weighed."""
    chart = charts.risk_coverage(report.risks, budget=budget)
    if not chart:
        raise ValueError("the run has fewer than two answers that could have been sent: there is no curve to draw")
    models = ", ".join(report.models) or "no model"
    return charts.alone(chart, f"{report.suite}: {len(report.results)} plays, {models}")


def main() -> int:
    """Read the run's folder or its report.json, write the picture."""
    parser = argparse.ArgumentParser(prog="python -m evals.picture", description=__doc__)
    parser.add_argument("run", type=Path, help="a run's folder or its report.json")
    parser.add_argument("--out", type=Path, required=True, help="the SVG to write")
    parser.add_argument("--budget", type=float, default=BUDGET, help="share of wrong answers that is drawn as a line")
    asked = parser.parse_args()
    path = asked.run / "report.json" if asked.run.is_dir() else asked.run
    try:
        drawn = picture(Report.model_validate_json(path.read_text("utf-8")), budget=asked.budget)
    except (OSError, ValidationError, ValueError) as error:
        sys.stderr.write(f"{path}: {str(error).splitlines()[0]}\n")
        return 2
    asked.out.write_text(drawn, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
