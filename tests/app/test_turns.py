"""Who works at a time, and who is next."""

from threading import Barrier, Thread

import pytest

from app.turns import PICTURE, REST, Turns


class Queue:
    """Threads that ask for a turn one after another while the only turn is taken."""

    def __init__(self) -> None:
        self.turns, self.done, self.threads = Turns(1), [], []

    def ask(self, name: str, rank: int) -> None:
        def work():
            with self.turns.turn(rank):
                self.done.append(name)

        waiting = len(self.turns._waiting)
        thread = Thread(target=work)
        thread.start()
        self.threads.append(thread)
        while len(self.turns._waiting) == waiting:
            pass  # the order of asking is what is tested

    def join(self) -> list[str]:
        for thread in self.threads:
            thread.join()
        return self.done


def test_pictures_go_first_and_then_those_who_asked_first():
    queue = Queue()
    with queue.turns.turn(PICTURE):
        for name, rank in (("a", REST), ("b", PICTURE), ("c", REST), ("d", PICTURE)):
            queue.ask(name, rank)
        assert queue.done == []
    assert queue.join() == ["b", "d", "a", "c"]


def test_who_gives_way_comes_after_the_pictures_and_before_later_rests():
    queue = Queue()
    with queue.turns.turn(PICTURE):
        queue.ask("picture", PICTURE)
        queue.turns.give_way(REST)
        queue.done.append("mine")
        queue.ask("rest", REST)
    assert queue.join() == ["picture", "mine", "rest"]


def test_no_more_stand_aside_than_may_hold_what_they_made():
    queue = Queue()
    queue.turns = Turns(1, most_aside=0)
    with queue.turns.turn(PICTURE):
        queue.ask("picture", PICTURE)
        queue.turns.give_way(REST)
        queue.done.append("mine")
    assert queue.join() == ["mine", "picture"]


def test_whoever_stood_aside_may_do_so_again():
    queue = Queue()
    queue.turns = Turns(1, most_aside=1)
    with queue.turns.turn(PICTURE):
        for name in ("first", "second"):
            queue.ask(name, PICTURE)
            queue.turns.give_way(REST)
            queue.done.append(f"after the {name}")
    assert queue.join() == ["first", "after the first", "second", "after the second"]


def test_a_thread_without_a_turn_has_none_to_give():
    turns = Turns(1)
    turns.give_way(REST)
    with turns.turn(PICTURE):
        pass
    turns.give_way(REST)
    with turns.turn(PICTURE):
        pass


def test_a_failure_ends_the_turn():
    turns = Turns(1)
    with pytest.raises(ZeroDivisionError), turns.turn(PICTURE):
        1 // 0  # noqa: B018
    with turns.turn(PICTURE):
        pass


def test_as_many_work_at_once_as_there_are_turns():
    turns, together, met = Turns(2), Barrier(2, timeout=60), []

    def work():
        with turns.turn(PICTURE):
            together.wait()
            met.append(1)

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(met) == 2
