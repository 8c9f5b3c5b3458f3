"""Sweeps: what a line of values means, what is refused, and which pictures come of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.errors import AppError
from desktop_app.recipe.axes import FIELDS, TEXT_MAX, read_axis
from desktop_app.recipe.axis_points import Known
from desktop_app.recipe.axis_values import alternatives, items, joined, numbers
from desktop_app.recipe.draft import Draft, expand
from desktop_app.recipe.names import read_wildcard
from desktop_app.recipe.recipe import GUIDANCE, STEPS, LoraUse, ModelRef, Recipe, RefinerUse
from desktop_app.recipe.styles import Style
from desktop_app.recipe.sweep import Axis, Cell, ReplaceWords, Sweep, cells, edited

MODEL = ModelRef(sha256="ab" * 32, name="One")
OTHER = ModelRef(sha256="cd" * 32, name="Another, larger")
LORA = ModelRef(sha256="ef" * 32, name="Ink lines", kind="lora")
STYLES = {name: Style(name=name, prompt=name.lower()) for name in ("Watercolor", "Ink", "Fog")}
WILD = {"animal": read_wildcard("animal", "cat\nhen\nfox")}
KNOWN = Known(
    models={
        "One": {"model": MODEL},
        "Twin": {"model": replace(MODEL, name="Twin")},
        "Another, larger": {"model": OTHER},
    },
    presets={"Dawn": {"seed": 11}, "Dusk": {"seed": 12, "variation_strength": 0.2}},
    styles=tuple(STYLES),
    wildcards=WILD,
)
DRAFT = Draft(
    prompt="a {red|blue} fox in __animal__ land",
    seed=5,
    model=MODEL,
    adapters=(LoraUse(lora=LORA),),
    refiner=RefinerUse(model=OTHER),
)


def recipes(draft: Draft) -> tuple[Recipe, ...]:
    return expand(draft, STYLES, WILD)


def made(*axes: tuple[str, str], draft: Draft = DRAFT) -> tuple[Cell, ...]:
    read = tuple(read_axis(key, text, draft, KNOWN) for key, text in axes)
    return cells(Sweep(draft=draft, axes=read), recipes)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3, 5, 7", [3, 5, 7]),
        ("1-9:2", [1, 3, 5, 7, 9]),
        ("9-1:4", [9, 5, 1]),
        ("1-4", [1, 2, 3, 4]),
        ("1..3, 10", [1, 2, 3, 10]),
        ("1-9 (+4)", [1, 5, 9]),
        ("10-30 [3]", [10, 20, 30]),
        ("7\n8", [7, 8]),
    ],
)
def test_whole_numbers(text: str, found: list[int]) -> None:
    assert numbers(text, STEPS) == found
    assert all(isinstance(one, int) for one in numbers(text, STEPS))


def test_real_numbers_do_not_drift() -> None:
    assert numbers("0-1:0.1", GUIDANCE) == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert numbers("2-3 [3], .5", GUIDANCE) == [2, 2.5, 3, 0.5]


@pytest.mark.parametrize(
    "text", ["", " , ", "x", "1-", "0", "1-600", "1-9:0", "1-400", "1e400", "nan", "٣", '"1', "3.5"]
)
def test_bad_numbers_are_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(AppError) as refusal:
        read_axis("num_inference_steps", text, DRAFT, KNOWN)
    assert str(refusal.value).endswith(".")


@given(st.sampled_from(sorted(FIELDS)), st.text(max_size=60))
def test_any_text_is_an_axis_or_refused(key: str, text: str) -> None:
    try:
        axis = read_axis(key, text, DRAFT, KNOWN)
    except AppError as refusal:
        assert refusal.sentence
    else:
        assert 1 <= len(axis.points) <= 100
        for point in axis.points:
            edited(DRAFT, point.edit)


@given(st.lists(st.text("abc, x", min_size=1).map(str.strip).filter(bool), min_size=1, max_size=5))
def test_joined_names_are_read_back(names: list[str]) -> None:
    assert items(joined(names)) == names


@pytest.mark.parametrize("key", sorted(FIELDS))
def test_every_field_begins_with_a_line_that_it_takes(key: str) -> None:
    line = FIELDS[key].suggest(DRAFT, KNOWN)
    if key != "words":  # what stands in their place is the artist's to say
        assert read_axis(key, line, DRAFT, KNOWN).points


def test_x_runs_fastest_and_every_cell_has_its_place() -> None:
    found = made(("guidance_scale", "3, 5"), ("num_inference_steps", "10, 20"), ("seed", "1-2"))
    assert [cell.at for cell in found] == [
        (x, y, z) for z in range(2) for y in range(2) for x in range(2)
    ]
    last = found[-1].recipe
    assert (last.guidance_scale, last.num_inference_steps, last.seed) == (5.0, 20, 2)


def test_a_cell_is_the_recipe_the_panels_would_give() -> None:
    (cell,) = made(("guidance_scale", "4.5"))
    assert (cell.recipe,) == expand(replace(DRAFT, guidance_scale=4.5), STYLES, WILD)


def test_alternatives_are_taken_one_by_one() -> None:
    found = made(("options", "{red|blue}"))
    assert [" ".join(cell.recipe.prompt.split()[:3]) for cell in found] == [
        "a red fox",
        "a blue fox",
    ]
    assert alternatives("x {a|{b|c}} {plain} \\{d|e} {f|}") == [
        ("{a|{b|c}}", ("a", "{b|c}")),
        ("{f|}", ("f", "")),
    ]


def test_a_wildcard_is_taken_line_by_line_and_words_are_replaced() -> None:
    found = made(("wildcard", "__animal__"), ("words", "fox, owl"))
    words = [cell.recipe.prompt.replace("red", "blue") for cell in found]
    assert words[:3] == [f"a blue fox in {one} land" for one in ("cat", "hen", "fox")]
    assert words[3].startswith("a blue owl")


def test_samplers_sizes_models_presets_styles_and_loras() -> None:
    samplers = made(("sampler", "Euler a, DPM++ 2M Karras"))
    assert [(cell.recipe.scheduler, cell.recipe.sigmas) for cell in samplers] == [
        ("euler_a", "default"),
        ("dpmpp_2m", "karras"),
    ]
    sizes = made(("size", "512x768, 768 X 512"))
    assert [(cell.recipe.width, cell.recipe.height) for cell in sizes] == [(512, 768), (768, 512)]
    models = made(("model", '"Another, larger", one'))
    assert [cell.recipe.model for cell in models] == [OTHER, MODEL]
    presets = made(("preset", "dusk, Dawn"))
    assert [cell.recipe.seed for cell in presets] == [12, 11]
    styles = made(("styles", "none, Ink + Fog"))
    assert styles[1].recipe.prompt.endswith("ink, fog")
    loras = made(("lora", "Ink lines = -1-1:1"))
    weights = [
        one.weight for cell in loras for one in cell.recipe.adapters if isinstance(one, LoraUse)
    ]
    assert weights == [-1, 0, 1]
    refined = [cell.recipe.refiner for cell in made(("refiner", "0.5-0.9:0.2"))]
    assert refined == [RefinerUse(model=OTHER, start=start) for start in (0.5, 0.7, 0.9)]


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("sampler", "Oiler", "no sampler"),
        ("size", "12", "no size"),
        ("size", "513x512", "steps of 8"),
        ("model", "Three", "no model"),
        ("preset", "d", "more than one"),
        ("styles", "Oil", "no style"),
        ("words", "fox", "first"),
        ("words", "wolf, hen", "does not say"),
        ("wildcard", "__colour__", "wildcard"),
        ("options", "{x|y}", "no set of alternatives"),
        ("sigmas", "ays, ays", "twice"),
        ("lora", "Colour = 1", "no LoRA"),
        ("seed", "-1", "Seed must be"),
        ("refiner", "2", "Refiner from must be"),
        ("nonsense", "1", "no setting"),
        ("seed", "1" * (TEXT_MAX + 1), "too long"),
    ],
)
def test_bad_values_are_refused_with_the_reason(key: str, text: str, words: str) -> None:
    with pytest.raises(AppError, match=words):
        read_axis(key, text, DRAFT, KNOWN)


def test_a_refiner_must_be_chosen_before_its_start_is_swept() -> None:
    with pytest.raises(AppError, match="no refiner chosen"):
        read_axis("refiner", "0.5", replace(DRAFT, refiner=None), KNOWN)


def test_cells_that_would_be_the_same_picture_are_refused() -> None:
    with pytest.raises(AppError, match="same picture"):
        made(("model", "One, Twin"))
    with pytest.raises(AppError, match="same setting"):
        made(("seed", "11, 12"), ("preset", "Dawn"))


def test_noise_levels_go_with_samplers() -> None:
    found = made(("sigmas", "usual, Karras"), ("sampler", "Euler, DPM2"))
    assert [(cell.recipe.scheduler, cell.recipe.sigmas) for cell in found] == [
        ("euler", "default"),
        ("euler", "karras"),
        ("dpm2", "default"),
        ("dpm2", "karras"),
    ]


def test_a_value_that_cannot_be_is_named() -> None:
    with pytest.raises(AppError, match="DDIM"):
        made(("sigmas", "Karras"), ("sampler", "Euler, DDIM"))


def test_a_grid_is_bounded() -> None:
    hundred = read_axis("seed", "1-100", DRAFT, KNOWN)
    with pytest.raises(AppError, match="10,000 pictures"):
        Sweep(draft=DRAFT, axes=(hundred, hundred))
    with pytest.raises(AppError, match="one to three"):
        Sweep(draft=DRAFT, axes=())
    with pytest.raises(AppError, match="no value"):
        Axis(name="x", points=())


def test_a_group_that_another_axis_changed_is_told() -> None:
    with pytest.raises(AppError, match="does not say"):
        edited(DRAFT, ReplaceWords(words="{green|blue}", by="x", once=True))
