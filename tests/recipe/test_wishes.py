"""What is decided of precision and memory: kept, merged, and read back from anybody's file."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.recipe.wishes import DTYPES, OFFLOADS, Wishes, wishes_in

pytestmark = pytest.mark.core
any_wishes = st.builds(
    Wishes,
    dtype=st.sampled_from([None, *DTYPES]),
    offload=st.sampled_from([None, *OFFLOADS]),
    float8=st.sampled_from([None, True, False]),
    tiled=st.sampled_from([None, True, False]),
)


@given(any_wishes)
def test_decisions_come_back_as_they_were(wishes: Wishes) -> None:
    assert wishes_in(wishes.written()) == wishes


@given(any_wishes, any_wishes)
def test_those_of_a_model_come_before_those_for_all(own: Wishes, usual: Wishes) -> None:
    both = own.over(usual)
    for name in ("dtype", "offload", "float8", "tiled"):
        decided = getattr(own, name)
        assert getattr(both, name) == (getattr(usual, name) if decided is None else decided)


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        "float32",
        {"dtype": "int4", "offload": 5, "float8": "yes", "tiled": 1, "other": True},
        {"dtype": ["float32"], "offload": None},
    ],
)
def test_what_is_unknown_is_not_decided(row: Any) -> None:
    assert wishes_in(row) == Wishes()
