"""Tables, ratios, targets, the generated part of a page."""

import json

import pytest

from bench import report
from bench.contestants import ASYNCIO, DIRECT, MITM_WEBSOCKET, RECORD
from bench.results import TARGETS, Results, Target
from bench.scale import QUICK
from bench.workloads import Row
from bench.workloads.decoding import WEBSOCKETS, WSPROXY

ECHO = Row("echo_p50", "echo 100 B, p50", "us")


@pytest.fixture
def results() -> Results:
    found = Results(
        QUICK, rows=[ECHO, Row("growth", "RSS growth", "MiB"), Row("decode_unmasked", "frame", "us")]
    )
    for own, stock in ((100, 400), (120, 500), (110, 600)):
        found.add(RECORD.key, {"echo_p50": own, "growth": -1})
        found.add(MITM_WEBSOCKET.key, {"echo_p50": stock})
    found.add(ASYNCIO.key, {"echo_p50": 80})
    found.add(WSPROXY, {"decode_unmasked": 1})
    found.add(WEBSOCKETS, {"decode_unmasked": 2})
    return found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1234, "0.123"),
        (5.5, "5.5"),
        (387.4, "387"),
        (5074, "5074"),
        (24_100_000, "24.1M"),
        (-3, "-3"),
        (0, "0"),
    ],
)
def test_numbers_have_three_digits(value: float, expected: str) -> None:
    assert report.number(value) == expected


def test_the_table_holds_medians_noise_and_what_was_not_measured(results: Results) -> None:
    relays, decoders = report.tables(results)
    assert relays == [
        ["", ASYNCIO.title, MITM_WEBSOCKET.title, RECORD.title],
        ["echo 100 B, p50 [us]", "80", "500 ±20%", "110 ±9%"],
        ["RSS growth [MiB]", "-", "-", "-1 ±0"],
    ]
    assert decoders == [["", WSPROXY, WEBSOCKETS], ["frame [us]", "1", "2"]]
    assert DIRECT.title not in report.text(results)


def test_ratios_are_to_the_stock_peer(results: Results) -> None:
    relays, decoders = report.ratio_tables(results)
    assert relays[1] == ["echo 100 B, p50", "0.16x (80 us)", "1x (500 us)", "0.22x (110 us)"]
    assert relays[2] == ["RSS growth", "-", "-", "-1 MiB"]
    assert decoders[1] == ["frame", "0.5x (1 us)", "1x (2 us)"]


def test_aligned_columns_stand_under_each_other() -> None:
    assert report.align([["", "a"], ["row", "1000"]]).splitlines() == ["        a", "---  ----", "row  1000"]


def test_a_markdown_table_has_as_many_columns_as_the_table() -> None:
    lines = report.markdown([["", "a", "b"], ["row", "1", "2"]]).splitlines()
    assert lines == ["|  | a | b |", "| --- | ---: | ---: |", "| row | 1 | 2 |"]


def test_targets_are_judged_by_the_ratio(results: Results) -> None:
    targets = (
        Target("faster", "echo_p50", RECORD.key, MITM_WEBSOCKET.key, 0.4),
        Target("as fast", "echo_p50", RECORD.key, ASYNCIO.key, 1.3),
        Target("more", "echo_p50", MITM_WEBSOCKET.key, RECORD.key, 4.5, at_least=True),
        Target("small", "growth", RECORD.key, None, 16),
        Target("absent", "idle", RECORD.key, None, 200),
    )
    verdicts = [(value, verdict) for _, value, verdict in report.judged(results, targets)]
    assert verdicts == [
        (pytest.approx(0.22), "reached"),
        (pytest.approx(1.375), "NOT reached"),
        (pytest.approx(500 / 110), "reached"),
        (-1, "reached"),
        (None, "not measured"),
    ]


def test_every_target_is_in_the_report(results: Results) -> None:
    shown = report.text(results)
    assert all(target.title in shown for target in TARGETS)


def test_only_what_is_between_the_markers_is_replaced() -> None:
    page = f"above\n{report.BEGIN}\nold\n{report.END}\nbelow\n"
    once = report.between_markers(page, "new")
    assert once == f"above\n{report.BEGIN}\n\nnew\n\n{report.END}\nbelow\n"
    assert report.between_markers(once, "new") == once


@pytest.mark.parametrize("page", ["nothing", report.BEGIN, report.END])
def test_a_page_without_both_markers_is_left_alone(page: str) -> None:
    with pytest.raises(ValueError, match="has no"):
        report.between_markers(page, "new")


def test_the_page_names_machine_and_versions(results: Results) -> None:
    page = report.document(results, {"processor": "a fast one"}, {"Python": "3.12"})
    assert "processor a fast one" in page
    assert "Python 3.12" in page
    assert "| echo 100 B, p50 |" in page


def test_json_holds_every_round(results: Results) -> None:
    results.notes.append("start direct: failed")
    found = json.loads(json.dumps(report.as_json(results, {}, {})))
    echo = [one for one in found["figures"] if one["row"] == "echo_p50" and one["column"] == RECORD.key]
    assert [one["values"] for one in echo] == [[100, 120, 110]]
    assert found["notes"] == ["start direct: failed"]
    assert {one["verdict"] for one in found["targets"]} == {"reached", "NOT reached", "not measured"}
