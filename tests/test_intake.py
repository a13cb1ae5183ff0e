"""What is handed in is read without trust: whatever it is, it yields cells or one sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.intake import Refused, SubmittedCell, parse
from autograder.limits import Limits
from tests.course_factory import RIGHT, answered

LIMITS = Limits()


GOOD = json.dumps(answered(RIGHT)).encode()


def refusal(data: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(Refused) as raised:
        parse(data, limits)
    return str(raised.value)


def assert_cells_or_a_sentence(data: bytes) -> None:
    sentence = "."
    try:
        sources = [cell.source for cell in parse(data, LIMITS)]
    except Refused as error:
        sources, sentence = [], str(error)
    assert sentence.endswith(".")
    assert "".join(sources).encode() is not None


def test_a_notebook_yields_sources_and_grade_ids_and_nothing_else() -> None:
    cells = {cell.grade_id: cell for cell in parse(GOOD, LIMITS)}
    assert cells["scale_forward"].source == RIGHT["scale_forward"]
    assert cells["scale_forward"].cell_id == "scale-forward"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings_of_unicode_are_read(encoding: str) -> None:
    assert parse(GOOD.decode().encode(encoding), LIMITS) == parse(GOOD, LIMITS)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"hello", "not a notebook: it begins with 'hello'; hand in the notebook itself."),
        (b"\n<!DOCTYPE html>\r\n\x1b" + b"x" * 99, "it begins with '<!DOCTYPE html> ?xxxxxxxxxxxx'; hand in"),
        (GOOD[: len(GOOD) // 2], "not a complete notebook (it breaks off in line"),
        (b'{"cells": [', "not a complete notebook (it breaks off in line 1)"),
        (b'{"cells": x}', "not a complete notebook (line 1: Expecting value)"),
        (b"\x00" * 100, "not"),
        (b"\x80\xfd{}", "UTF-8"),
        (b"PK\x03\x04" + b"\xe9" * 50, "UTF-8"),
        (b"[]", "format"),
        (b'{"nbformat": 3, "worksheets": []}', "format 3"),
        (b'{"nbformat": 4}', "no list of cells"),
        (b'{"nbformat": 4, "cells": [1]}', "Cell 1"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": {"a": 1}}]}', "Cell 1"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "a\\u0000"}]}', "no text can hold"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "\\ud83d"}]}', "no text can hold"),
        (b'{"nbformat": 4, "cells": [], "metadata": {"x": NaN}}', "NaN"),
        (b'{"nbformat": ' + b"9" * 10_000 + b"}", "not a complete notebook"),
        (b"[" * 100_000 + b"]" * 100_000, "deeper than 64"),
        (b'{"a":' * 100_000, "deeper than 64"),
        (b"[" + b"1," * 2_000_001 + b"1]", "values"),
        (b'{"nbformat": 4, "cells": [' + b"{}," * 2001 + b"{}]}", "more than 2000 cells"),
    ],
)
def test_what_is_no_notebook_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    assert sentence in refusal(data)


@pytest.mark.parametrize("metadata", ["[]", "7", '"x"', '{"nbgrader": []}', '{"nbgrader": {"grade_id": 5}}', "null"])
def test_metadata_of_a_wrong_type_counts_as_none(metadata: str) -> None:
    text = f'{{"nbformat": 4, "cells": [{{"cell_type": "code", "source": ["a", "b"], "metadata": {metadata}}}]}}'
    assert parse(text.encode(), LIMITS) == [SubmittedCell("code", "ab")]


def test_only_pictures_are_kept_as_attachments() -> None:
    attachments = {
        "a.png": {"image/png": "aGVsbG8="},
        "b.svg": {"image/svg+xml": "<svg onload=alert(1)>"},
        "c.png": {"image/png": "no base64 !"},
        "d": [],
    }
    cell = {"cell_type": "markdown", "source": "", "attachments": attachments}
    [read] = parse(json.dumps({"nbformat": 4, "cells": [cell]}).encode(), LIMITS)
    assert read.attachments == {"a.png": {"image/png": "aGVsbG8="}}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_yield_cells_or_a_refusal(data: bytes) -> None:
    assert_cells_or_a_sentence(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


CELL = JSON | st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown"]) | JSON, "source": st.text(max_size=20) | JSON},
    optional={"metadata": JSON, "id": JSON, "attachments": JSON},
)


@settings(max_examples=200, deadline=None)
@given(st.lists(CELL, max_size=5) | JSON)
def test_any_json_yields_cells_or_a_refusal(cells: object) -> None:
    assert_cells_or_a_sentence(json.dumps({"nbformat": 4, "cells": cells}).encode())
