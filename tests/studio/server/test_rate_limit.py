import math

from studio.server.rate_limit import RateLimiter


def test_what_was_taken_comes_back_with_time() -> None:
    now = [0.0]
    shares = RateLimiter(3, 6, lambda: now[0])
    assert [shares.take("me") for _ in range(4)] == [True, True, True, False]
    assert shares.take("you")
    now[0] = 10  # one of six a minute
    assert [shares.take("me") for _ in range(2)] == [True, False]
    now[0] = 600
    assert [shares.take("me") for _ in range(4)] == [True, True, True, False]


def test_a_large_amount_may_be_the_last_for_a_while() -> None:
    now = [0.0]
    shares = RateLimiter(10, 10, lambda: now[0])
    assert shares.take("me", 25)
    now[0] = 60
    assert not shares.take("me")
    now[0] = 100
    assert shares.take("me")


def test_where_nobody_counts_nobody_is_remembered() -> None:
    shares = RateLimiter(1, math.inf)
    assert all(shares.take("me") for _ in range(100))
    assert not shares._left


def test_whoever_has_all_of_it_again_is_forgotten(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("studio.server.rate_limit._MANY", 50)
    now = [0.0]
    shares = RateLimiter(1, 60, lambda: now[0])
    for k in range(200):
        now[0] += 1
        assert shares.take(str(k))
    assert len(shares._left) <= 51
