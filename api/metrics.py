"""The counters that `/metrics` shows, one registry per house. Knows no noun but their names."""

from prometheus_client import CollectorRegistry, Counter, Histogram


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
        self.failures = Counter(
            "sahut_failures_total", "Unexpected failures by place", ["place"], registry=self.registry
        )
