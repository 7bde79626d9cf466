"""Whether a template message fits the account's templates, by Meta's rules; knows no number and no window.

Written apart from `sahut.templates` on purpose: the double must not share the service's mistakes.
"""

import re

from api.simulator.rules import Refused
from api.simulator.shapes import Json

COUNT, MISSING, FORMAT = 132000, 132001, 132018


def check_template(known: list[Json], message: Json) -> None:
    """Raises `Refused` where the template is not there or not approved, or its variables do not fit."""
    key = (message.get("name"), message.get("language", {}).get("code"))
    found = next((one for one in known if (one["name"], one["language"]) == key), None)
    if found is None or found.get("status") != "APPROVED":
        raise Refused(MISSING, "Template name does not exist in the translation")
    for part in ("header", "body"):
        texts = [one.get("text", "") for one in found.get("components", []) if one["type"].lower() == part]
        wanted = len(set(re.findall(r"{{.+?}}", " ".join(texts))))
        given = [p for one in message.get("components", []) if one["type"] == part for p in one["parameters"]]
        if len(given) != wanted and not (part == "header" and not texts[:1]):
            raise Refused(COUNT, f"{part}: number of parameters {len(given)} does not match {wanted}")
        if any(re.search(r"[\n\t]| {5}", str(p.get("text", ""))) for p in given):
            raise Refused(FORMAT, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
