"""Why no chat model answered, in words for operators, logs and reports. Customers never read them."""

from collections.abc import Mapping

from sahut.errors import Trouble

TROUBLES: Mapping[Trouble, str] = {
    "over_day": "No chat model was asked: the limit on what may be spent in a day is reached.",
    "over_contact": "No chat model was asked: the limit on what may be spent for one contact in a day is reached.",
    "resting": "No chat model was asked: after failures they are left alone for a while.",
    "slow": "The chat model did not answer in time.",
    "unusable": "The chat model's answers could not be used.",
    "failed": "The chat model did not answer: its server failed.",
    "embedding": "The embedding model did not answer, so nothing could be looked up or weighed.",
}
