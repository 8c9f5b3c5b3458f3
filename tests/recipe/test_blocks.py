"""Blocks of a UNet: their names, lists of weights as tags have them, and what is refused."""

import pytest

from desktop_app.errors import AppError
from desktop_app.recipe.blocks import LAYOUTS, NAMES, blocks_of, only, read_blocks, words_of
from desktop_app.recipe.recipe import LoraUse, ModelRef

LORA = ModelRef(sha256="ab" * 32, name="Ink", kind="lora")


def test_a_list_is_read_by_its_length() -> None:
    ones = dict.fromkeys(NAMES, 1.0)
    plain = read_blocks("0," + ",".join(["1"] * 16))
    assert plain is not None
    assert dict(plain).get("BASE") == 0.0
    assert not set(LAYOUTS["sd1"].attention) & dict(plain).keys()
    assert dict(plain)["IN00"] == 0.0  # a block that is not in the list gets nothing
    large = read_blocks("1, 0.5 ,1,1,1,-2,1,1,1,1,1,.25")
    assert large is not None
    assert (dict(large)["IN04"], dict(large)["M00"], dict(large)["OUT05"]) == (0.5, -2.0, 0.25)
    assert read_blocks(",".join(["1"] * 26)) == ()
    every = read_blocks(",".join(["1"] * 20))
    assert every is not None
    assert set(dict(every)) == ones.keys() - {
        "BASE",
        "M00",
        *(f"{way}{number:02}" for way in ("IN", "OUT") for number in range(9)),
    }


def test_the_usual_choices_have_names() -> None:
    assert read_blocks("all") == ()
    assert read_blocks("OUTD") == only(("BASE", "OUT03", "OUT04", "OUT05", "OUT06"))
    assert read_blocks("INS") == only(("BASE", "IN01", "IN02", "IN04"))
    none = read_blocks("NONE")
    assert none is not None
    assert {weight for _, weight in none} == {0.0}
    assert len(none) == len(NAMES)


@pytest.mark.parametrize("text", ["", "1,2,3", "XYZ", "1e5" + ",1" * 16, "nan" + ",1" * 16])
def test_nonsense_is_no_list(text: str) -> None:
    assert read_blocks(text) is None


def test_only_what_is_not_1_is_kept_in_order() -> None:
    assert blocks_of({"M00": 0.5, "IN04": 0, "OUT03": 1, "XX": 2}) == (("IN04", 0.0), ("M00", 0.5))
    assert words_of(blocks_of({"M00": 0.5, "IN04": 0})) == "IN04 0, M00 0.5"


@pytest.mark.parametrize(
    "blocks",
    [
        (("M00", 0.5), ("IN04", 0.5)),
        (("IN04", 0.5), ("IN04", 0.5)),
        (("IN99", 0.5),),
        (("IN04", 5.0),),
        (("IN04", float("nan")),),
    ],
)
def test_a_lora_refuses_blocks_that_are_none(blocks: tuple[tuple[str, float], ...]) -> None:
    with pytest.raises(AppError):
        LoraUse(lora=LORA, blocks=blocks)
