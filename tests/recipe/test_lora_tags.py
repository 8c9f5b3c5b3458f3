"""Tags of LoRAs in a prompt: what they call, and the prompt with one changed or taken out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.recipe.blocks import only, read_blocks
from desktop_app.recipe.draft import Draft, expand
from desktop_app.recipe.lora_tags import lora_tags, renamed, reweighed, without
from desktop_app.recipe.marks import problems
from desktop_app.recipe.names import LoraCall, Names, read_lora
from desktop_app.recipe.recipe import LoraUse, ModelRef

INK = ModelRef(sha256="ab" * 32, name="ink", kind="lora")
DEEP = only(("BASE", "OUT03", "OUT04", "OUT05", "OUT06"))
LIST = ",".join(["1", "0.5", *["1"] * 15])


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("ink", LoraCall(name="ink")),
        (" ink : -.5", LoraCall(name="ink", weight=-0.5)),
        ("ink:0.8:0.6", LoraCall(name="ink", weight=0.8, rest=":0.6")),
        ("ink:0.8:lbw=OUTD", LoraCall(name="ink", weight=0.8, blocks=DEEP, rest=":lbw=OUTD")),
        ("ink:1:0.6:LBW = outd", LoraCall(name="ink", blocks=DEEP, rest=":0.6:LBW = outd")),
        ("ink:1:OUTD", LoraCall(name="ink", blocks=DEEP, rest=":OUTD")),
        ("ink:1:stop=5", LoraCall(name="ink", rest=":stop=5")),
        (
            f"ink:1:{LIST}:stop=5",
            LoraCall(name="ink", blocks=read_blocks(LIST) or (), rest=f":{LIST}:stop=5"),
        ),
    ],
)
def test_what_a_tag_calls(words: str, call: LoraCall) -> None:
    assert read_lora(words) == call


@pytest.mark.parametrize(
    "words",
    [
        "",
        ":1",
        "ink:heavy",
        "ink:5",
        "ink:1:lbw=XYZ",
        "ink:1:lbw=1,2",
        "ink:1:1:1:1",
        "ink" + ":1" * 20,
    ],
)
def test_what_is_no_tag(words: str) -> None:
    assert read_lora(words) is None


def test_a_tag_carries_its_blocks_into_the_recipe() -> None:
    draft = Draft(
        prompt="a fox <lora:ink:0.8:lbw=OUTD>", model=ModelRef(sha256="00" * 32, name="m")
    )
    (recipe,) = expand(draft, {}, {}, {"ink": INK})
    assert recipe.adapters == (LoraUse(lora=INK, weight=0.8, blocks=DEEP),)
    assert recipe.prompt.strip() == "a fox"


def test_a_list_of_blocks_that_is_none_is_named_as_it_is_typed() -> None:
    names = Names(loras={"ink": INK})
    assert problems("<lora:ink:1:lbw=OUTD>", names) == ()
    (problem,) = problems("<lora:ink:1:lbw=1,2>", names)
    assert "12, 17, 20 or 26 blocks" in problem.sentence


def test_the_weight_in_a_tag_is_changed_and_nothing_else() -> None:
    text = "a fox, <LoRA: ink:0.8:lbw=OUTD>, {foggy|<lyco:oil>} \\<lora:no:1>"
    first, second = lora_tags(text)
    assert (first.call.name, second.call.name) == ("ink", "oil")
    assert reweighed(text, first, 0.25) == text.replace(" ink:0.8", "ink:0.25")
    assert reweighed(text, second, -1) == text.replace("oil", "oil:-1")
    assert reweighed(text, second, 0.0000123) == text.replace("oil", "oil:0.000012")
    assert renamed(text, first, "oil") == text.replace(" ink:", "oil:")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a fox, <lora:ink:1>, foggy", "a fox, foggy"),
        ("a fox <lora:ink:1> in fog", "a fox in fog"),
        ("a fox, <lora:ink:1>", "a fox"),
        ("<lora:ink:1>, a fox", "a fox"),
        ("<lora:ink:1> a fox", "a fox"),
        ("<lora:ink:1>", ""),
        ("a fox<lora:ink:1>, foggy", "a fox, foggy"),
        ("a fox\n<lora:ink:1>, foggy", "a fox\nfoggy"),
        ("{a fox|<lora:ink:1>}", "{a fox|}"),
    ],
)
def test_a_tag_goes_with_what_parted_it(text: str, left: str) -> None:
    (tag,) = lora_tags(text)
    assert without(text, tag) == left


@given(st.text("a<>:lorink.,{}|\\ 01\n", max_size=60), st.floats(-4, 4))
def test_a_changed_tag_is_read_as_it_was_written(text: str, weight: float) -> None:
    for number, tag in enumerate(lora_tags(text)):
        again = lora_tags(reweighed(text, tag, round(weight, 3)))
        assert again[number].call.name == tag.call.name
        assert again[number].call.weight == round(weight, 3)
        assert len(lora_tags(without(text, tag))) <= len(lora_tags(text))
