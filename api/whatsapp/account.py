"""Turns news of the account, its numbers and its templates into values; knows nothing of customers.

These fields have no phone number id: they are routed by the account. Source: Meta's webhook reference.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from api.whatsapp.clean import Json, child, clean_json, clean_text, moment, objects
from sahut.events import AccountEvent, TemplateEvent

TEMPLATE_FIELDS = frozenset(
    {
        "message_template_components_update",
        "message_template_quality_update",
        "message_template_status_update",
        "template_category_update",
    }
)
ACCOUNT_FIELDS = TEMPLATE_FIELDS | {
    "account_alerts",
    "account_review_update",
    "account_settings_update",
    "account_update",
    "automatic_events",
    "business_capability_update",
    "business_username_update",
    "business_username_updates",
    "flows",
    "partner_solutions",
    "payment_configuration_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
}
_WORD = 128
_SENTENCE = 1024
# What happened, whatever a field calls it.
_EVENT = ("event", "decision", "status", "alert_type", "requester")
# What else a person should read of it, wherever a field keeps it.
_TOLD = (
    "reason",
    "rejection_reason",
    "requested_verified_name",
    "new_display_name",
    "max_daily_conversations_per_business",
    "current_limit",
    "message",
    "alert_description",
)
_INSIDE = ("violation_info", "ban_info", "disconnection_info", "other_info", "disable_info", "rejection_info")


def parse_account(field: str, value: Json, *, account: str, at: Any, now: datetime) -> TemplateEvent | AccountEvent:
    """One change of an account's field; `at` is the entry's time."""
    when = moment(at, now)
    if field in TEMPLATE_FIELDS:
        return _template(field, value, account, when, is_dated=at is not None)
    return AccountEvent(
        field=field,
        account=account,
        event=next((word for key in _EVENT if (word := clean_text(value.get(key), _WORD))), ""),
        words="; ".join(dict.fromkeys(_told(value)))[:_SENTENCE],
        number=clean_text(value.get("display_phone_number"), 32),
        at=when,
        is_dated=at is not None,
        body=clean_json(value),
    )


def _template(field: str, value: Json, account: str, at: datetime, *, is_dated: bool) -> TemplateEvent:
    given_id = value.get("message_template_id")
    return TemplateEvent(
        account=account,
        field=field,
        id=clean_text(str(given_id) if isinstance(given_id, int) else given_id, _WORD),
        name=clean_text(value.get("message_template_name"), 512),
        language=clean_text(value.get("message_template_language"), 16),
        status=clean_text(value.get("event"), _WORD).upper(),
        quality=clean_text(value.get("new_quality_score"), _WORD).upper(),
        category=(
            clean_text(value.get("new_category"), _WORD) or clean_text(value.get("message_template_category"), _WORD)
        ).upper(),
        reason="; ".join(_told(value))[:_SENTENCE],
        at=at,
        is_dated=is_dated,
        body=clean_json(value),
    )


def _told(value: Json) -> Iterator[str]:
    for key in _TOLD:
        if words := clean_text(value.get(key), _SENTENCE):
            yield words
    for key in _INSIDE:
        yield from (clean_text(word, _SENTENCE) for word in child(value, key).values() if isinstance(word, str))
    for item in objects(value, "restriction_info"):
        if words := clean_text(item.get("restriction_type"), _WORD):
            yield words
