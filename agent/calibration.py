"""What `sahut eval calibrate` fitted and the service keeps to: `calibration.json` in the home.

Without one the shipped defaults hold. Must not know how anything is fitted.
"""

import hashlib
import math
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from agent import confidence
from sahut.errors import ConfigurationError
from sahut.values import Value

FILE_NAME = "calibration.json"
NEVER = 1.01  # a threshold that no confidence reaches: always a human
ANY_LANGUAGE = "*"

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_SUREST = 1e-6


class FittedOn(Value):
    """Where a promise comes from. It holds for conversations like these and an assistant like this one.

    `answers` is the number of conversations in which an answer was drafted, `wrong` of those sent at the threshold.
    """

    cases: str
    sha256: str
    fitted_at: datetime
    conversations: int
    answers: int
    sent: int
    wrong: int
    model: str
    embedder: str
    prompt_version: str
    assistant: str


class SendRule(Value):
    """From which confidence an answer is sent, so that at most `max_wrong` of the next `following` sent are wrong.

    The promise holds with the chance `confidence` over the drawing of the cases. `following` is 0 where it is about
    the true share alone. `thresholds` are by language, `*` for all others; one above 1 sends nothing.
    """

    max_wrong: _Share
    following: Annotated[int, Field(ge=0)] = 0
    confidence: _Share
    thresholds: dict[str, Annotated[float, Field(ge=0, le=NEVER, allow_inf_nan=False)]]
    fitted_on: FittedOn | None = None


class SpamRule(Value):
    """From which probability a message is spam, so that at most `max_false_positives` of genuine ones are."""

    max_false_positives: _Share
    confidence: _Share
    threshold: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    fitted_on: FittedOn


class Calibration(Value):
    """How sure the assistant is, and when that is enough.

    The shipped formula's log-odds become `slope * log-odds + intercept`. `formula` names the formula that this was
    fitted over.
    """

    formula: str = confidence.CALIBRATION_VERSION
    slope: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    intercept: _Finite = 0.0
    send: SendRule | None = None
    spam: SpamRule | None = None

    @property
    def version(self) -> str:
        """Names this calibration in receipts: the formula, and what was fitted over it."""
        if self == SHIPPED:
            return self.formula
        return f"{self.formula}+{hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]}"

    def probability(self, features: dict[str, float]) -> float:
        """The probability that an answer with these features is right and supported."""
        return self.calibrated(confidence.probability(features))

    def calibrated(self, sure: float) -> float:
        """The probability behind the shipped formula's `sure`; order is kept."""
        if (self.slope, self.intercept) == (1.0, 0.0):
            return sure
        held = min(1 - _SUREST, max(_SUREST, sure))
        odds = self.slope * math.log(held / (1 - held)) + self.intercept
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))

    def threshold(self, max_wrong: float, language: str) -> float:
        """The confidence from which an answer in `language` is sent."""
        if self.send is None:
            return confidence.threshold(max_wrong)
        found = self.send.thresholds
        return found.get(language, found.get(ANY_LANGUAGE, NEVER))


SHIPPED = Calibration()
# Sends whatever was drafted: how calibrating sees what would have been said.
OPEN = Calibration(send=SendRule(max_wrong=1, confidence=0, thresholds={ANY_LANGUAGE: 0}))


def permits(budget: float, promised: float) -> bool:
    """Whether a promise of at most so many wrong answers keeps the budget for them."""
    return promised <= budget + 1e-9


def read_calibration(home: Path, *, max_wrong: float) -> Calibration:
    """What was fitted for the installation in `home`, or the shipped defaults.

    Raises `ConfigurationError` where the file is broken, was fitted over another formula, or promises less than
    `max_wrong` asks.
    """
    path = home / FILE_NAME
    try:
        found = Calibration.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return SHIPPED
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror or error}).") from error
    except ValidationError as error:
        flaw = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in flaw["loc"])
        raise ConfigurationError(
            f"{path}: {where or 'the file'}: {flaw['msg']}. Run `sahut eval calibrate` again, or remove the file."
        ) from error
    if found.formula != confidence.CALIBRATION_VERSION:
        raise ConfigurationError(
            f"{path} was fitted over the formula {found.formula}, and this version has"
            f" {confidence.CALIBRATION_VERSION}: run `sahut eval calibrate` again, or remove the file."
        )
    if found.send is not None and not permits(max_wrong, found.send.max_wrong):
        raise ConfigurationError(
            f"{path} promises at most {found.send.max_wrong:g} wrong answers, and SAHUT_MAX_WRONG is {max_wrong:g}:"
            f" run `sahut eval calibrate CASES --max-wrong {max_wrong:g}`, or set SAHUT_MAX_WRONG to what is promised."
        )
    return found
