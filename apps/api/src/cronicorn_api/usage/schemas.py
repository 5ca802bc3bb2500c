"""Plans and usage on the wire."""

from pydantic import Field

from cronicorn_api.wire.values import Instant, Wire


class SubscriptionStatusBody(Wire):
    """Which plan a tenant has; plans are configuration here, so that none is paid for or ends."""

    tier: str
    status: str | None
    ends_at: Instant | None


class UsageBody(Wire):
    """What a tenant has used of its plan; runs and tokens since this month began in UTC."""

    ai_calls_used: int = Field(description="Tokens of a model")
    ai_calls_limit: int
    endpoints_used: int
    endpoints_limit: int
    total_runs: int = Field(description="Those that count, where there is a quota of runs")
    total_runs_limit: int
