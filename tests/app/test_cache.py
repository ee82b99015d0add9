"""What the cache keeps, and for how long."""

from threading import Barrier, Thread

import pytest

from app.cache import ByteCache


def cache(capacity=10):
    return ByteCache(capacity, len)


def test_a_value_is_made_once():
    made = []
    one = cache()
    for _ in range(3):
        assert one.get("a", lambda: made.append(1) or "four") == "four"
    assert made == [1]


def test_what_was_used_longest_ago_makes_room():
    one = cache(10)
    for key in "ab":
        one.get(key, lambda: "four")
    one.get("a", lambda: "never made")
    one.get("c", lambda: "four")
    assert [one.has(key) for key in "abc"] == [True, False, True]


def test_bytes_count_and_not_values():
    one = cache(10)
    for key in "abcdefghij":
        one.get(key, lambda: "x")
    assert all(one.has(key) for key in "abcdefghij")
    one.get("k", lambda: "12345678")
    assert [key for key in "abcdefghijk" if one.has(key)] == ["i", "j", "k"]


def test_a_value_larger_than_the_cache_is_kept_alone():
    one = cache(10)
    one.get("a", lambda: "four")
    one.get("b", lambda: "x" * 99)
    assert not one.has("a")
    assert one.has("b")


def test_two_who_ask_at_once_wait_for_one_making():
    one, start, made = cache(), Barrier(2), []

    def ask():
        start.wait()
        one.get("a", lambda: made.append(1) or "four")

    threads = [Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_a_making_that_fails_keeps_nothing_and_may_be_tried_again():
    one = cache()
    with pytest.raises(ZeroDivisionError):
        one.get("a", lambda: 1 // 0)
    assert one.get("a", lambda: "four") == "four"
