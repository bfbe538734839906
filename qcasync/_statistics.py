"""What a client tells about itself: its counters, and the state of its guards."""

from datetime import UTC, datetime

from qcasync._exchange import Exchange
from qcasync.models.client_statistics import ClientStatistics


def client_statistics(exchange: Exchange, since: float) -> ClientStatistics:
    """Everything at this moment, without waiting and without changing anything. May be asked from any thread.

    Args:
        exchange: The client's.
        since: When the client was made, in Unix seconds.
    """
    counts, turns, skew = exchange.observing.counts, exchange.turns, exchange.skew
    reading, now = exchange.clock.read(), exchange.loop_time()
    uncertainty = skew.uncertainty(reading)
    connections = getattr(exchange.transport, "connections", None)
    answers, lost, given_up = dict(counts.answers), counts.lost, counts.given_up
    attempts = counts.attempts  # after those: whatever happens meanwhile, what is in flight is never less than nothing
    return ClientStatistics(
        since=datetime.fromtimestamp(since, UTC),
        at=datetime.fromtimestamp(reading.wall, UTC),
        calls=counts.calls,
        attempts=attempts,
        answers=answers,
        lost=lost,
        given_up=given_up,
        retries=counts.retries,
        loading_waits=counts.loading_waits,
        throttled=counts.throttled,
        clock_refusals=counts.clock_refusals,
        windows=counts.windows,
        bytes_sent=counts.bytes_sent,
        bytes_received=counts.bytes_received,
        bytes_decompressed=counts.bytes_decompressed,
        in_flight=attempts - sum(answers.values()) - lost - given_up,
        requests_per_second=turns.rate.limit_at(now),
        retry_budget=turns.budget.left(now),
        breaker=turns.breaker.state(now),
        credentials_refused=turns.auth.closed(now),
        clock_offset=None if uncertainty is None else skew.server_time(reading) - reading.wall,
        clock_uncertainty=uncertainty,
        connections=connections if isinstance(connections, int) else None,
    )
