"""Dates, exact numbers, ranges and tables cross as plain values; what is endless, strange or forged is refused."""

from __future__ import annotations

import datetime
import decimal
import fractions
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autograder.limits import Limits
from autograder.tables import from_plain, is_table, to_plain, write_back
from autograder.wire import Codec
from tests.wire_values import crossed

UTC = datetime.UTC
LONG = 1_000_000

TABLES = [
    pd.DataFrame(
        {
            "a": [1, 2], "b": ["x", None], "c": [1.5, np.nan], "d": pd.to_datetime(["2020-01-01", "2021-01-01"]),
            "e": pd.Categorical(["u", "v"]), "f": [True, False],
        },
        index=["r", "s"],
    ),
    pd.DataFrame(),
    pd.DataFrame(index=[5, 7]),
    pd.DataFrame({"a": []}),
    pd.DataFrame(np.ones((3, 2))),
    pd.DataFrame({("a", "x"): [1], ("b", "y"): [2]}),
    pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [0, 1]}).set_index(["a", "b"]),
    pd.DataFrame({"o": [1, "x", None]}, dtype=object),
    pd.DataFrame({"i": pd.array([1, None], dtype="Int64"), "s": pd.array(["a", None], dtype="string")}),
    pd.DataFrame([[1, 2]], columns=["a", "a"]),
    pd.DataFrame({"a": range(4), "b": 1.0}, index=pd.date_range("2026-01-01", periods=4)).resample("2D").mean(),
]  # fmt: skip


@pytest.mark.parametrize("table", TABLES, ids=range(len(TABLES)))
def test_tables_cross_unchanged(table: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(crossed([table])[0], table)
    for name in {label for label in table.columns if (table.columns == label).sum() == 1}:
        pd.testing.assert_series_equal(crossed([table[name]])[0], table[name])


INDEXES = [
    pd.Index([3, 1], name="i"),
    pd.Index(["a", "b"], name=("x", 1)),
    pd.Index([1.5, np.nan]),
    pd.RangeIndex(2, 9, 3, name="r"),
    pd.RangeIndex(LONG),
    pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["n", None]),
    pd.DatetimeIndex(["2020-01-01", "2020-01-03"], name="d"),
    pd.Index([], dtype=object),
    *(pd.date_range("2026-01-05", periods=4, freq=freq) for freq in ("D", "2D", "-1h", "B", "QE-DEC", "WOM-1MON")),
    pd.timedelta_range("1h", periods=3, freq="90min"),
    pd.date_range("2026-01-05", periods=0, freq="D"),
    pd.date_range("2026-01-05", periods=5, freq="D")[[0, 1, 3]],
]


@pytest.mark.parametrize("index", INDEXES, ids=range(len(INDEXES)))
def test_an_index_crosses_with_its_kind_names_and_type(index: pd.Index) -> None:
    pd.testing.assert_index_equal(crossed([index])[0], index, exact=True)
    assert crossed([index])[0].names == index.names
    series = pd.Series(np.arange(len(index)), index=index, name="s")
    pd.testing.assert_series_equal(crossed([series])[0], series)


OF_THEIR_OWN = [pd.DateOffset(months=1), pd.offsets.CustomBusinessDay(weekmask="Mon Tue"), "1234567s"]


@pytest.mark.parametrize("freq", OF_THEIR_OWN, ids=range(len(OF_THEIR_OWN)))
def test_dates_of_a_frequency_that_its_name_does_not_tell_cross_without_it(freq: Any) -> None:
    index = pd.date_range("2026-01-05", periods=4, freq=freq)
    got = crossed([index])[0]
    assert got.equals(index)
    assert got.freq is None


COLUMNS = [
    pd.Series([True, False]),
    pd.Series([1, -2], dtype="int8"),
    pd.Series([1, 2], dtype="uint64"),
    pd.Series([1.5, np.nan], dtype="float32"),
    pd.Series([1j, 2.0]),
    pd.Series(pd.to_timedelta(["1 day", "-3 s"])),
    pd.Series([1, None, "x", 2.5, True, (1, ("a", None))], dtype=object),
    pd.Series([np.int64(4), np.float32(0.5)], dtype=object),
    pd.Series([True, None], dtype="boolean"),
    pd.Series([7, None], dtype="Int32"),
    pd.Series([7, None], dtype="Int64"),
    pd.Series([0.5, None], dtype="Float64"),
    pd.Series([0.5, None], dtype="Float32"),
    pd.Series(["a", None], dtype="str"),
    pd.Series(["a", None], dtype="string"),
    pd.Series(pd.Categorical(["v", None, "u"], categories=["u", "v", "w"], ordered=True)),
    pd.Series(pd.Categorical([2, 3])),
]


@pytest.mark.parametrize("column", COLUMNS, ids=range(len(COLUMNS)))
def test_a_column_crosses_with_its_type_and_what_is_missing(column: pd.Series) -> None:
    got = crossed([column])[0]
    pd.testing.assert_series_equal(got, column)
    if column.dtype == object:
        assert [type(value) for value in got] == [type(getattr(value, "item", lambda v=value: v)()) for value in column]


VALUES = [
    range(3), range(9, 2, -3), range(LONG), range(0, -LONG, -1),
    datetime.date(2026, 2, 3), datetime.datetime(2026, 2, 3, 4, 5, 6, 7, UTC), datetime.time(4, 5, 6),
    datetime.timedelta(-3, 4, 5),
    decimal.Decimal("1.50"), decimal.Decimal("-Infinity"), decimal.Decimal("NaN"), decimal.Decimal("1e-3999"),
    decimal.Decimal("7" * 4000),
    fractions.Fraction(-3, 7), fractions.Fraction(5), fractions.Fraction((1 << 12000) - 1, 1),
    fractions.Fraction(1, (1 << 12000) - 1),
    pd.Timestamp("2026-02-03T04:05:06", tz="UTC"), pd.Timedelta("1 days 02:00:03"), pd.NA, pd.NaT,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_dates_and_exact_numbers_cross_unchanged(value: Any) -> None:
    got = crossed([value])[0]
    assert type(got) is type(value)
    assert repr(got) == repr(value)


class Day(datetime.date):
    """No date of the library's."""


Decimal = type("Decimal", (decimal.Decimal,), {})

ENDLESS_OR_STRANGE = [
    range(LONG + 1), range(0, -LONG - 1, -1), range(1 << 70),
    decimal.Decimal("1e4000"), decimal.Decimal("1e4001"), decimal.Decimal("1e-4000"), decimal.Decimal("1" * 4001),
    decimal.Decimal("0." + "1" * 4001),
    fractions.Fraction(1 << 12000), fractions.Fraction(-1, 1 << 12000),
    Day(2026, 1, 1), Decimal("1"), object(), 1, "x", None,
    pd.RangeIndex(LONG + 1), pd.CategoricalIndex(["a"]), pd.Series([1], name=object()),
    pd.Series([object()]), pd.Series([[1]]), pd.Series([(1, [2])]), pd.Series(pd.arrays.SparseArray([1, 0])),
    pd.DataFrame({"a": [object()]}), pd.Series(pd.period_range("2020", periods=2, freq="D")), pd.Period("2020"),
    pd.Series([1], index=pd.CategoricalIndex(["a"])),
]  # fmt: skip


@pytest.mark.parametrize("value", ENDLESS_OR_STRANGE, ids=range(len(ENDLESS_OR_STRANGE)))
def test_what_is_endless_or_of_another_type_has_no_plain_form(value: Any) -> None:
    assert to_plain(value) is None


def test_a_table_of_objects_does_not_cross() -> None:
    with pytest.raises(TypeError):
        Codec(Limits()).encode([pd.DataFrame({"a": [object()]})])


COLUMN = ["<i8", np.arange(2)]
DAYS = ["<M8[s]", np.array(["2026-01-01", "2026-01-02"], "M8[s]")]
ROWS = ["range", None, 0, 2, 1]
FORGED: list[list[Any]] = [
    ["range", 0, LONG + 1], ["range", 0, 1 << 80, 3], ["range", 0.5],
    ["Decimal", "1e4000"], ["Decimal", "1" * 4001], ["Decimal", 5], ["Decimal", ["1"]], ["Decimal", "x"],
    ["Fraction", "1e999999999"], ["Fraction", "1.5"], ["Fraction", "1" * 4001], ["Fraction", "1/" + "1" * 4001],
    ["Fraction", " 1"], ["Fraction", "1/2 "], ["Fraction", "\u0661"], ["Fraction", "/2"], ["Fraction", "1/0"],
    ["Fraction", "9" * 3999], ["Fraction", 5],
    ["date", "x"], ["date", 5], ["timedelta", "x"], ["timedelta", 1 << 40],
    ["object"], ["Panel", 1], ["zz", 1], ["A", ROWS, ROWS, [COLUMN, COLUMN]], ["E", ROWS],
    ["Index", ["zz", None, 0, 2, 1]], ["Index", ["n", [None], [(1,), (2,)]]],
    ["Series", None, ROWS, ["<i8", np.array(3)]],
    ["is_table", 1], ["read_pickle", "x"],
    ["DataFrame", ["labels", None, COLUMN], ROWS, []], ["DataFrame", ["range", None, 0, 1, 1], ROWS, [COLUMN, COLUMN]],
    ["DataFrame", ["range", None, 0, 2, 1], ROWS, [COLUMN]],
    ["DataFrame", ["range", None, 0, LONG + 1, 1], ROWS, []],
    ["Series", None, ["range", None, 0, LONG + 1, 1], COLUMN], ["Series", None, ROWS, ["<i8", np.zeros((2, 2))]],
    ["Series", None, ROWS, ["<i8", np.int64(3)]], ["Series", None, ROWS, ["<i8", [1, 2]]],
    ["Series", None, ROWS, ["Sparse[int]", [1, 2]]], ["Series", None, ROWS, ["object", (1, 2)]],
    ["Series", None, ROWS, ["object", "ab"]],
    ["Series", None, ROWS, ["category", np.array([0, 9]), ["object", ["a"]], False]],
    ["Index", ["multi", [None], 5]], ["Index", ["labels", None]],
    ["Index", ["labels", None, ["<i8", np.zeros((1, 2))]]],
    ["Index", ["labels", None, COLUMN, "D"]], ["Index", ["labels", None, DAYS, "2D"]],
    ["Index", ["labels", None, DAYS, 1]], ["Index", ["labels", None, DAYS, "D" * 5]],
    ["Index", ["labels", None, DAYS, "1000000ns"]], ["Index", ["labels", None, DAYS, "infer"]],
    ["Index", ["labels", None, DAYS, datetime.timedelta(1)]], ["Index", ["labels", None, DAYS, "D D"]],
]  # fmt: skip


@pytest.mark.parametrize("items", FORGED, ids=range(len(FORGED)))
def test_what_nobody_would_have_sent_is_refused(items: list[Any]) -> None:
    with pytest.raises((ValueError, TypeError, ArithmeticError, LookupError)):
        from_plain(items)


def test_an_order_that_is_no_truth_value_is_none() -> None:
    made = from_plain(["Series", None, ROWS, ["category", np.array([0, 0]), ["object", ["a"]], "yes"]])
    assert not made.cat.ordered


def test_a_table_takes_what_the_other_side_made_of_it_in_place() -> None:
    table, column = pd.DataFrame({"a": [1]}), pd.Series([1, 2], name="s")
    assert all(map(is_table, (table, column)))
    assert not any(map(is_table, (table.index, np.zeros(2), [1], type("Frame", (pd.DataFrame,), {})())))
    write_back(table, pd.DataFrame({"b": [2, 3]}))
    write_back(column, pd.Series([5]))
    assert table.to_dict("list") == {"b": [2, 3]}
    assert column.tolist() == [5]
    for other in (pd.Series([9]), [9], None):
        write_back(table, other)
    assert table.to_dict("list") == {"b": [2, 3]}


def test_where_no_pandas_is_imported_no_table_is_made() -> None:
    code = """
import sys
from autograder.tables import from_plain, is_table, to_plain
class DataFrame: pass
assert not is_table(DataFrame()) and to_plain(DataFrame()) is None and to_plain(5) is None
try:
    from_plain(["NA"])
except KeyError:
    assert "pandas" not in sys.modules
else:
    raise SystemExit(1)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
