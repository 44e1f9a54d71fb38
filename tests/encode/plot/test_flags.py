"""Values that are names of classes (CF conventions, 3.5)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zarr_edr.encode.plot.flags import MAX_CLASSES, flags_of

SOIL = {"flag_values": [3, 1, 2], "flag_meanings": "clay sand_and_silt peat"}
INT = np.dtype("int16")


def test_classes_are_in_the_order_of_their_values() -> None:
    flags = flags_of(SOIL, INT)
    assert flags is not None
    assert (flags.values, flags.names[:3]) == ((1, 2, 3), ("sand and silt", "peat", "clay"))


def test_each_value_gets_its_class_and_what_is_none_the_last() -> None:
    flags = flags_of(SOIL, INT)
    assert flags is not None
    classes = flags.classes(np.array([3.0, 1.0, np.nan, 7.0, 1.5, -1.0]))
    assert np.array_equal(classes, [2, 0, np.nan, 3, 3, 3], equal_nan=True)
    assert flags.names[3] == "other"


def test_booleans_are_no_and_yes() -> None:
    flags = flags_of({}, np.dtype(np.bool_))
    assert flags is not None
    assert [flags.names[int(k)] for k in flags.classes(np.array([False, True]).astype(float))] == ["no", "yes"]


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"flag_values": [1, 2]},
        {"flag_meanings": "a b"},
        {"flag_values": [1, 2], "flag_meanings": "a b c"},
        {"flag_values": [1, 1], "flag_meanings": "a b"},
        {"flag_values": ["x", "y"], "flag_meanings": "a b"},
        {"flag_values": [[1], [2]], "flag_meanings": "a b"},
        {"flag_values": [1.0, float("nan")], "flag_meanings": "a b"},
        {"flag_values": [10**400, 1], "flag_meanings": "a b"},
        {"flag_values": {"a": 1}, "flag_meanings": "a"},
        {"flag_values": [1, 2], "flag_meanings": ["a", "b"]},
        {"flag_values": [1, 2], "flag_meanings": "a b", "flag_masks": [1, 2]},
        {"flag_values": list(range(MAX_CLASSES + 1)), "flag_meanings": "a " * (MAX_CLASSES + 1)},
    ],
    ids=str,
)
def test_anything_else_is_numbers(attributes: dict[str, Any]) -> None:
    assert flags_of(attributes, INT) is None


@pytest.mark.parametrize("written", [[1, 2], (1, 2), "1, 2", "1 2", [1.0, 2.0]], ids=str)
def test_values_may_be_written_in_any_way(written: object) -> None:
    flags = flags_of({"flag_values": written, "flag_meanings": "a b"}, INT)
    assert flags is not None
    assert flags.values == (1, 2)
