"""The counters that `/metrics` shows, one registry per house. Knows no noun but their names."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """What an operator's dashboard needs to see; labels are few and bounded."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.webhooks = Counter("sahut_webhooks_total", "Webhook posts by outcome", ["outcome"], registry=self.registry)
        self.events = Counter("sahut_webhook_events_total", "Webhook events by kind", ["kind"], registry=self.registry)
        self.turns = Counter(
            "sahut_turns_total",
            "Turns by decision and what became of the draft",
            ["decision", "outcome"],
            registry=self.registry,
        )
        self.turn_seconds = Histogram(
            "sahut_turn_seconds", "Time the assistant took for a turn", registry=self.registry
        )
        self.sends = Counter(
            "sahut_sends_total", "Posts to the Graph API by outcome", ["outcome"], registry=self.registry
        )
        self.alerts = Counter(
            "sahut_alerts_total",
            "Errors of the Graph API that a person must act on, by code",
            ["code"],
            registry=self.registry,
        )
        self.billed = Counter(
            "sahut_billed_total",
            "Statuses that told what Meta bills, by category and kind; a message is told of up to twice",
            ["category", "kind"],
            registry=self.registry,
        )
        self.paused = Gauge(
            "sahut_number_paused",
            "1 while nothing is sent from a number, since Meta faults the account or a person stopped it",
            ["number"],
            registry=self.registry,
        )
        self.hooks = Counter(
            "sahut_hook_posts_total", "Posts of outgoing webhooks by outcome", ["outcome"], registry=self.registry
        )
        self.hooks_disabled = Gauge(
            "sahut_hook_endpoints_disabled",
            "Outgoing webhooks that failed for too long and were switched off: a person must act",
            registry=self.registry,
        )
        self.models = Counter(
            "sahut_model_questions_total",
            "Questions to chat models: answered, slow, failed, unusable (nonsense), resting (left alone after "
            "failures), over_day and over_contact (a spending limit)",
            ["model", "outcome"],
            registry=self.registry,
        )
        self.spent_usd = Gauge(
            "sahut_model_spent_usd", "What the chat models cost today (UTC), all processes", registry=self.registry
        )
        self.spent_tokens = Gauge(
            "sahut_model_spent_tokens", "Tokens that the chat models took today (UTC)", registry=self.registry
        )
        self.failures = Counter(
            "sahut_failures_total", "Unexpected failures by place", ["place"], registry=self.registry
        )

    def asked(self, model: str, outcome: str) -> None:
        """Count a question to a chat model (`agent.chat.lineup.Watch`)."""
        self.models.labels(model, outcome).inc()
