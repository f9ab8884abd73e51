from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from wsproxy.replay.align import WINDOW, Pair, Ways, align

RUNS = st.lists(st.sampled_from("abcdefgh"), max_size=30)


def words(one: str, other: str) -> float:
    return len({*one} & {*other}) / max(1, len({*one} | {*other}))


WAYS = Ways[str](str, lambda one, other: one == other, words, len)


def laid(first: list[str] | str, second: list[str] | str) -> list[tuple[str | None, str | None]]:
    return [(pair.first, pair.second) for pair in align(first, second, WAYS)]


@given(RUNS, RUNS)
def test_both_runs_are_there_in_order(first: list[str], second: list[str]) -> None:
    pairs = list(align(first, second, WAYS))
    assert [pair.first for pair in pairs if pair.first is not None] == first
    assert [pair.second for pair in pairs if pair.second is not None] == second
    assert all(pair.same == (pair.first == pair.second) for pair in pairs)


@given(RUNS)
def test_a_run_is_the_same_as_itself(run: list[str]) -> None:
    assert list(align(run, run, WAYS)) == [Pair(each, each, True) for each in run]


@given(RUNS, st.integers(0, 29), st.integers(1, 5))
def test_what_was_left_out_is_missing_and_nothing_else(run: list[str], at: int, count: int) -> None:
    unique = [f"{letter}{place}" for place, letter in enumerate(run)]
    cut = unique[:at] + unique[at + count :]
    assert laid(unique, cut) == [(each, each if each in cut else None) for each in unique]
    assert laid(cut, unique) == [(each if each in cut else None, each) for each in unique]


def test_a_changed_message_stands_beside_what_it_was() -> None:
    assert laid(["a", "get x", "c"], ["a", "get y", "c"]) == [("a", "a"), ("get x", "get y"), ("c", "c")]
    assert laid(["a", "get x", "c"], ["a", "new!", "get y", "c"]) == [
        ("a", "a"),
        (None, "new!"),
        ("get x", "get y"),
        ("c", "c"),
    ]
    assert laid(["1", "xyz", "2"], ["1", "2"]) == [("1", "1"), ("xyz", None), ("2", "2")]


def test_what_is_out_of_order_is_said_to_be() -> None:
    pairs = list(align("axyb", "ayxb", WAYS))
    assert [(pair.first, pair.second, pair.elsewhere) for pair in pairs if not pair.same] in (
        [(None, "y", False), ("y", None, True)],
        [("x", None, False), (None, "x", True)],
    )


def test_it_reads_no_further_than_the_window() -> None:
    read = [0, 0]

    def endless(run: int, word: str) -> Iterator[str]:
        while True:
            read[run] += 1
            yield f"{word}{read[run]}"

    pairs = align(endless(0, "a"), endless(1, "b"), WAYS)
    for number in range(1, 5 * WINDOW):
        pair = next(pairs)
        assert (pair.first, pair.second) == (f"a{number}", f"b{number}")
        assert max(read) <= number + 2 * WINDOW


def test_large_messages_make_the_window_shorter() -> None:
    read = 0

    def large() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield f"{read}"

    ways = WAYS._replace(size=lambda each: 1 << 20)
    next(align(large(), iter(["x"] * 100), ways))
    assert read <= 20
