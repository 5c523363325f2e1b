"""The bench of contact files counts what it read; how fast is for people to look at."""

import pytest

from tests.bench.csv_rows import measure


def test_bench_reads_every_row_and_refuses_the_bad_ones() -> None:
    figures = measure(3_000)
    assert figures["rows"] == 3_000
    assert figures["contacts"] + figures["refused"] == 3_000
    assert figures["refused"] == pytest.approx(60, abs=40)
