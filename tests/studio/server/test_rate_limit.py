import math

from studio.server.rate_limit import RateLimiter


def test_tokens_come_back_with_time() -> None:
    now = [0.0]
    limiter = RateLimiter(3, 6, lambda: now[0])
    assert [limiter.take("me") for _ in range(4)] == [True, True, True, False]
    assert limiter.take("you")
    now[0] = 10  # one of six a minute
    assert [limiter.take("me") for _ in range(2)] == [True, False]
    now[0] = 600
    assert [limiter.take("me") for _ in range(4)] == [True, True, True, False]


def test_a_cost_above_the_balance_is_accepted_once_and_paid_back() -> None:
    now = [0.0]
    limiter = RateLimiter(10, 10, lambda: now[0])
    assert limiter.take("me", 25)
    now[0] = 60
    assert not limiter.take("me")
    now[0] = 100
    assert limiter.take("me")


def test_an_infinite_rate_stores_no_client() -> None:
    limiter = RateLimiter(1, math.inf)
    assert all(limiter.take("me") for _ in range(100))
    assert not limiter._buckets


def test_full_buckets_are_dropped(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("studio.server.rate_limit._MAX_CLIENTS", 50)
    now = [0.0]
    limiter = RateLimiter(1, 60, lambda: now[0])
    for k in range(200):
        now[0] += 1
        assert limiter.take(str(k))
    assert len(limiter._buckets) <= 51
