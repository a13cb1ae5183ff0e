"""Values that cross beside the plain ones: dates, decimals, fractions, ranges, and the tables of pandas.

Each becomes a list of plain values with its type's name in front. What is read is built anew from checked plain
values by the type's own constructor; nothing else of the sender's counts. pandas is used only where the process has
imported it already.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import re
import sys
from typing import Any

import numpy as np

_ATOMS = frozenset({type(None), bool, int, float, str})
# Types of columns that are no NumPy types; their values go over as a list.
_LISTED = frozenset({"object", "str", "string", "boolean", "Int64", "Int32", "Float64", "Float32"})
_ISO = {kind.__name__: kind for kind in (datetime.date, datetime.datetime, datetime.time)}
_TEXT = {kind.__name__: kind for kind in (decimal.Decimal, fractions.Fraction)}
# What is short to write and endless to use keeps the judge in one call, where no time limit reaches it.
_LONGEST = 1_000_000  # of a range, in values
_DIGITS = 4000  # of a decimal or a fraction, before and after the point
_FREQUENCY = re.compile(r"-?\d{0,5}[A-Za-z]{1,4}(-[A-Z\d]{1,4}){0,3}", re.ASCII)  # "2D", "QE-DEC", "WOM-1MON"
_RATIO = re.compile(rf"-?\d{{1,{_DIGITS}}}(/\d{{1,{_DIGITS}}})?", re.ASCII)  # no exponent


class _NotPlain(Exception):
    """A table holds something that has no plain form."""


def is_table(value: Any) -> bool:
    """A table of pandas that can be changed in place."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and type(value) in (pandas.DataFrame, pandas.Series)


def to_plain(value: Any, with_pandas: bool = True) -> list[Any] | None:
    """The value as a list of plain values, or None if it is none of these types, those of pandas apart or not."""
    kind = type(value)
    if kind is range:
        return ["range", value.start, value.stop, value.step] if _is_short(value) else None
    if _ISO.get(kind.__name__) is kind:
        return [kind.__name__, value.isoformat()]
    if kind is datetime.timedelta:
        return ["timedelta", value.days, value.seconds, value.microseconds]
    if _TEXT.get(kind.__name__) is kind:
        return [kind.__name__, str(value)] if _is_short(value) else None
    pandas = sys.modules.get("pandas") if with_pandas else None
    if pandas is None:
        return None
    try:
        if kind is pandas.DataFrame:
            columns = [_column(value.iloc[:, place]) for place in range(value.shape[1])]
            return ["DataFrame", _index(value.columns), _index(value.index), columns]
        if kind is pandas.Series:
            return ["Series", _label(value.name), _index(value.index), _column(value)]
        if isinstance(value, pandas.Index):
            return ["Index", _index(value)]
        if kind is pandas.Timestamp:
            return ["Timestamp", value.isoformat()]
        if kind is pandas.Timedelta:
            return ["Timedelta", value.isoformat()]
        if value is pandas.NA or value is pandas.NaT:
            return ["NA" if value is pandas.NA else "NaT"]
    except _NotPlain:
        return None
    return None


def from_plain(items: list[Any]) -> Any:
    """The value of such a list. Raises ValueError, TypeError or what a constructor raises on nonsense."""
    name, *rest = items
    if name == "range":
        return _short(range(*rest))
    if name in _ISO:
        return _ISO[name].fromisoformat(*rest)
    if name == "timedelta":
        return datetime.timedelta(*rest)
    if name in _TEXT:
        text = rest[0] if type(rest[0]) is str else ""
        if name == "Fraction" and not _RATIO.fullmatch(text):
            raise ValueError("a fraction that is none")
        return _short(_TEXT[name](text))
    pandas = sys.modules["pandas"]
    if name == "DataFrame":
        labels, index, columns = _read_index(rest[0]), _read_index(rest[1]), rest[2]
        series = [_read_column(column, index) for column in columns]
        made = pandas.concat(series, axis=1) if series else pandas.DataFrame(index=index)
        made.columns = labels  # of another number they are a ValueError
        return made
    if name == "Series":
        made = _read_column(rest[2], _read_index(rest[1]))
        made.name = rest[0]
        return made
    if name == "Index":
        return _read_index(rest[0])
    if name in ("Timestamp", "Timedelta"):
        return getattr(pandas, name)(rest[0])
    if name in ("NA", "NaT"):
        return getattr(pandas, name)
    raise ValueError("a value of an unknown type")


def _is_short(value: range | decimal.Decimal | fractions.Fraction) -> bool:
    if isinstance(value, range):
        return not value[_LONGEST:]
    if isinstance(value, decimal.Decimal):
        return not value.is_finite() or (abs(value.adjusted()) < _DIGITS and len(value.as_tuple().digits) <= _DIGITS)
    return max(abs(value.numerator), value.denominator).bit_length() <= 3 * _DIGITS


def _short(value: Any) -> Any:
    if not _is_short(value):
        raise ValueError("a value without end")
    return value


def write_back(table: Any, content: Any) -> None:
    """Change a table in place to what the other side made of it, as pandas' own ``inplace=True`` does."""
    if type(content) is type(table):
        table._update_inplace(content)


def _label(value: Any) -> Any:
    """A name of a column or row: an atom, or a tuple of atoms."""
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) is tuple:
        return tuple(_label(each) for each in value)
    if type(value) not in _ATOMS:
        raise _NotPlain
    return value


def _index(index: Any) -> list[Any]:
    pandas = sys.modules["pandas"]
    if type(index) is pandas.RangeIndex:
        if not _is_short(range(index.start, index.stop, index.step)):
            raise _NotPlain
        return ["range", _label(index.name), index.start, index.stop, index.step]
    if type(index) is pandas.MultiIndex:
        return ["multi", [_label(name) for name in index.names], [_label(label) for label in index]]
    if isinstance(index.dtype, pandas.CategoricalDtype):
        raise _NotPlain
    return ["labels", _label(index.name), _column(index.to_series()), *_frequency(index)]


def _frequency(index: Any) -> list[str]:
    """The frequency of dates or times, by which pandas compares them too, where its name says all of it."""
    text = getattr(index, "freqstr", None)
    if text is None or not _FREQUENCY.fullmatch(text):
        return []
    return [text] if sys.modules["pandas"].tseries.frequencies.to_offset(text) == index.freq else []


def _read_index(items: list[Any]) -> Any:
    pandas = sys.modules["pandas"]
    kind, name, *rest = items
    if kind == "range":
        return pandas.RangeIndex(_short(range(*rest)), name=name)
    if kind == "multi":
        return pandas.MultiIndex.from_tuples(rest[0], names=name)
    column, *frequencies = rest  # one or none
    made = pandas.Index(_read_column(column, None), name=name)
    for frequency in frequencies:
        if type(frequency) is not str or not _FREQUENCY.fullmatch(frequency):
            raise ValueError("a frequency that is none")
        made = type(made)(made, freq=frequency)  # an error where the values have another one, or can have none
    return made


def _column(series: Any) -> list[Any]:
    """``[type, values]`` of a column, with its categories if it has any."""
    pandas = sys.modules["pandas"]
    dtype = series.dtype
    if isinstance(dtype, pandas.CategoricalDtype):
        categories = _column(dtype.categories.to_series())
        return ["category", series.cat.codes.to_numpy(), categories, bool(dtype.ordered)]
    if isinstance(dtype, np.dtype) and dtype.kind in "biufcMm":
        return [dtype.str, series.to_numpy()]
    if str(dtype) not in _LISTED:
        raise _NotPlain
    return [str(dtype), [None if value is pandas.NA else _label(value) for value in series.tolist()]]


def _read_column(items: list[Any], index: Any) -> Any:
    pandas = sys.modules["pandas"]
    dtype, values, *rest = items
    if dtype == "category":
        categories = pandas.Index(_read_column(rest[0], None))
        made = pandas.Categorical.from_codes(values, categories=categories, ordered=rest[1] is True)
        return pandas.Series(made, index=index)
    if type(values) is np.ndarray:
        if values.ndim != 1:
            raise ValueError("a column that is no column")
        return pandas.Series(values, index=index)
    if dtype not in _LISTED or type(values) is not list:
        raise ValueError("a column of an unknown type")
    return pandas.Series(values, index=index, dtype=dtype)
