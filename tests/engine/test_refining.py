"""A refiner takes the last steps, exactly as in diffusers' two calls."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from desktop_app.engine.events import Event, Loading, Step
from desktop_app.engine.families import caller
from desktop_app.engine.plan import (
    RESERVE,
    USUAL_PIXELS,
    Place,
    crowded,
    make_plan,
    make_plan_beside,
)
from desktop_app.engine.preview import factors_for
from desktop_app.engine.render import LocalBackend
from desktop_app.engine.verify import compare
from desktop_app.errors import AppError, Cancelled
from desktop_app.recipe.recipe import ModelRef, Recipe, RefinerUse
from desktop_app.recipe.wishes import Wishes
from desktop_app.weights.counting import Held
from tests.engine.branches import MEMORY, branch, keeping_backend
from tests.engine.checkpoints import checkpoint_of
from tests.engine.models import (
    Events,
    backend_for,
    final_latents,
    recipe_for,
    ref,
    render,
    steps_of,
)
from tests.engine.refiners import plain_pipes, refined, save_both, two_calls
from tests.engine.single_files import empty_parts, plain_single_file
from tests.engine.tiny_settings import tiny_configs

pytestmark = [
    pytest.mark.slow,
    # DEIS and DPM2 of diffusers call numpy's log on torch's tensors.
    pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return save_both(tmp_path_factory.mktemp("refined"))


@pytest.fixture(scope="module")
def plain(folders: dict[str, Path]) -> tuple[Any, Any]:
    return plain_pipes(folders)


@pytest.fixture(scope="module")
def refining(folders: dict[str, Path], tiny_model: Path, cache: Path) -> Iterator[LocalBackend]:
    backend = backend_for(cache, **folders, tiny=tiny_model)
    yield backend
    backend.close()


@pytest.fixture
def keeping(folders: dict[str, Path], tmp_path: Path) -> Iterator[LocalBackend]:
    backend = keeping_backend(tmp_path / "cache", memory=MEMORY, **folders)
    yield backend
    backend.close()


def pipe_of(backend: LocalBackend, name: str) -> Any:
    assert backend._session is not None
    return backend._session.models.kept[ref(name).sha256].pipe


def counted(backend: LocalBackend, name: str) -> list[int]:
    """Grows with every look of a loaded model's network."""
    looks: list[int] = []
    pipe_of(backend, name).unet.register_forward_pre_hook(lambda *_: looks.append(len(looks)))
    return looks


@pytest.mark.parametrize(
    ("scheduler", "sigmas", "start"),
    [
        ("euler", "default", 0.8),
        ("euler", "ays", 0.5),
        ("euler_a", "default", 0.5),
        ("ddim", "default", 0.6),
        ("ddpm", "default", 0.5),
        ("dpmpp_2m", "karras", 0.7),
        ("dpmpp_2m_sde", "default", 0.5),
        ("dpmpp_2s", "default", 0.5),
        ("unipc", "default", 0.5),
        ("deis", "default", 0.4),
    ],
)
def test_the_picture_is_that_of_the_two_plain_calls(
    scheduler: str, sigmas: Any, start: float, refining: LocalBackend, plain: tuple[Any, Any]
) -> None:
    recipe = refined(start, scheduler=scheduler, sigmas=sigmas, negative_prompt="fog")
    rendered, events = render(refining, recipe)
    latents, pixels = two_calls(plain, recipe)
    assert np.array_equal(final_latents(events), latents)
    assert np.array_equal(rendered.pixels, pixels)
    alone, _ = render(refining, replace(recipe, refiner=None))
    assert not np.array_equal(rendered.pixels, alone.pixels)
    looks = steps_of(events)
    assert [look.index for look in looks] == list(range(1, 9))
    assert {look.count for look in looks} == {8}
    assert not any(look.shared for look in looks)
    assert all(look.preview is not None and look.preview.shape == (8, 8, 3) for look in looks)


def test_nothing_to_avoid_is_read_as_each_of_the_two_was_trained(
    refining: LocalBackend, plain: tuple[Any, Any]
) -> None:
    recipe = refined()
    pixels = render(refining, recipe)[0].pixels
    assert np.array_equal(pixels, two_calls(plain, recipe)[1])
    weighed = refined(prompt="a (fox:1.0000000001)")
    nearly = render(refining, weighed)[0].pixels
    assert np.abs(nearly.astype(int) - pixels).max() <= 1


@pytest.mark.parametrize("scheduler", ["heun", "dpm2", "pndm", "lms"])
def test_samplers_of_another_kind_hand_over_between_two_steps(
    scheduler: str, refining: LocalBackend
) -> None:
    recipe = refined(scheduler=scheduler)
    rendered, events = render(refining, recipe)
    alone, usual = render(refining, replace(recipe, refiner=None))
    levels, wanted = ([one.sigma for one in steps_of(each)] for each in (events, usual))
    if scheduler == "pndm":
        # It looks twice at its second level, and the refiner's scheduler begins anew.
        assert sorted(set(levels)) == sorted(set(wanted))
        assert len(levels) == len(wanted) + 1
    else:
        assert levels == wanted
    assert levels[-1] == wanted[-1]
    assert {one.count for one in steps_of(events)} == {len(levels)}
    assert not np.array_equal(rendered.pixels, alone.pixels)


def test_a_picture_tells_of_both_models_and_is_proved_again(refining: LocalBackend) -> None:
    recipe = refined()
    first, _ = render(refining, recipe)
    alone, _ = render(refining, replace(recipe, refiner=None))
    then = first.provenance
    assert then.fingerprint.model_config_sha256 != alone.provenance.fingerprint.model_config_sha256
    assert then.fingerprint.dtype == "float32"
    again = refining.render(recipe, Events(), like=then.fingerprint)
    assert compare(again, recipe, then, first.pixels).kind == "identical"
    other, _ = render(refining, refined(0.6))
    assert compare(other, recipe, then, first.pixels).differences[0] == "the recipe is not the same"


def test_both_stay_in_memory(folders: dict[str, Path], cache: Path) -> None:
    backend = backend_for(cache, **folders)
    _, events = render(backend, refined())
    assert {one.what for one in events.of(Loading)} >= {"xl", "fine"}
    _, events = render(backend, refined(seed=8))
    assert not events.of(Loading)
    backend.close()


def test_another_start_takes_up_what_the_model_itself_did(keeping: LocalBackend) -> None:
    render(keeping, refined(0.6))
    looks = counted(keeping, "xl"), counted(keeping, "fine")
    earlier, events = render(keeping, refined(0.4))
    assert len(looks[0]) == 0
    assert len(looks[1]) == sum(step.timestep < 600 for step in steps_of(events))
    assert [step.index for step in steps_of(events)] == list(range(1, 9))
    later, _ = render(keeping, refined(0.7))
    assert len(looks[0]) > 0
    for rendered, start in ((earlier, 0.4), (later, 0.7)):
        anew = keeping.render(refined(start), Events(), like=rendered.provenance.fingerprint)
        assert np.array_equal(anew.pixels, rendered.pixels)


@pytest.mark.parametrize("scheduler", ["euler_a", "dpmpp_2m", "heun"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_branch_with_nothing_changed_is_its_parent(
    scheduler: str, share: float, keeping: LocalBackend
) -> None:
    recipe = refined(scheduler=scheduler)
    parent, events = render(keeping, recipe)
    step = round(steps_of(events)[0].count * share)
    same, events = render(keeping, branch(recipe, step))
    assert np.array_equal(same.pixels, parent.pixels)
    assert [one.shared for one in steps_of(events)] == [
        one.index <= step for one in steps_of(events)
    ]


def test_a_branch_goes_on_with_the_model_that_its_own_settings_say(keeping: LocalBackend) -> None:
    recipe = refined()
    render(keeping, recipe)
    own, fine = counted(keeping, "xl"), counted(keeping, "fine")
    late = branch(recipe, 6, prompt="a red fox")
    picture, _ = render(keeping, late)
    assert (len(own), len(fine)) == (0, 2)
    by_itself = branch(recipe, 6, prompt="a red fox", refiner=None)
    without, _ = render(keeping, by_itself)
    assert (len(own), len(fine)) == (2, 2)
    early = branch(recipe, 2, refiner=None)
    alone, _ = render(keeping, early)
    assert (len(own), len(fine)) == (2 + 6, 2)
    assert not np.array_equal(picture.pixels, without.pixels)
    unrefined, _ = render(keeping, replace(recipe, refiner=None))
    assert np.array_equal(alone.pixels, unrefined.pixels)
    for one, made in ((late, picture), (by_itself, without)):
        anew = keeping.render(one, Events(), like=made.provenance.fingerprint)
        assert np.array_equal(anew.pixels, made.pixels)


@pytest.mark.parametrize("small", [False, True])
def test_a_film_shows_the_steps_of_both(
    small: bool, keeping: LocalBackend, plain: tuple[Any, Any], tmp_path: Path
) -> None:
    recipe = refined()
    picture, events = render(keeping, recipe)

    def film(backend: LocalBackend) -> list[NDArray[np.uint8]]:
        frames: list[NDArray[np.uint8]] = []
        backend.film(
            recipe,
            Events(),
            lambda index, count, pixels: frames.append(pixels),
            noisy=False,
            small=small,
        )
        return frames

    looks = counted(keeping, "xl")
    kept = film(keeping)
    assert not looks
    assert len(kept) == 8
    if small:
        # By the VAE that the picture is decoded with, which is the refiner's.
        last = torch.from_numpy(final_latents(events))
        own, fine = (factors_for(pipe.vae, tmp_path / "cache").rgb(last) for pipe in plain)
        assert not np.array_equal(own, fine)
        assert np.array_equal(kept[-1], fine)
        shown: list[Any] = [one.preview for one in steps_of(events)]
        assert all(np.array_equal(a, b) for a, b in zip(kept[:-1], shown[:-1], strict=True))
    else:
        assert np.array_equal(kept[-1], picture.pixels)


@pytest.mark.parametrize("step", [2, 6])
def test_it_can_be_stopped_in_both_parts(step: int, refining: LocalBackend) -> None:
    recipe = refined()
    usual, _ = render(refining, recipe)

    def stop(event: Event) -> bool:
        return isinstance(event, Step) and event.index == step

    events = Events(stop_at=stop)
    with pytest.raises(Cancelled):
        refining.render(recipe, events)
    assert len(steps_of(events)) == step
    assert np.array_equal(render(refining, recipe)[0].pixels, usual.pixels)


def refused(backend: LocalBackend, recipe: Recipe) -> tuple[str, Events]:
    events = Events()
    with pytest.raises(AppError) as error:
        backend.render(recipe, events)
    assert error.value.hint
    return error.value.code, events


def test_what_cannot_be_refined_is_refused_before_a_step(refining: LocalBackend) -> None:
    fine = RefinerUse(model=ModelRef(sha256=ref("fine").sha256, name="fine"))
    for recipe, code in (
        (recipe_for("tiny", refiner=fine), "refiner-family"),
        (refined(by="tiny"), "refiner-family"),
        (refined(by="xl"), "refiner-family"),
        (recipe_for("fine"), "family-task"),
        (refined(1.0), "refiner-steps"),
        (refined(0.0), "refiner-steps"),
        (refined(0.999, num_inference_steps=2), "refiner-steps"),
    ):
        found, events = refused(refining, recipe)
        assert found == code
        assert not steps_of(events)


def test_a_model_is_no_refiner_of_its_own_where_there_is_room_for_one_only(
    folders: dict[str, Path], cache: Path
) -> None:
    backend = backend_for(cache, **folders)
    render(backend, refined())
    assert backend._session is not None
    models = backend._session.models
    model = models.kept[ref("xl").sha256]
    room = (model.first.expected + model.size // 2) / (1 - RESERVE)
    models.place = Place(kind="cuda", memory=int(room), half=False, bfloat16=False)
    alone = make_plan(model.held, models.place, USUAL_PIXELS)
    assert crowded(alone, model.held, USUAL_PIXELS, alone, model.size)
    assert refused(backend, refined(by="xl"))[0] == "refiner-family"
    assert models.kept[ref("xl").sha256].plan.offload == "none"
    backend.close()


def test_a_refiner_that_is_missing_is_told_before_anything_is_loaded(
    folders: dict[str, Path], cache: Path
) -> None:
    def weights(wanted: ModelRef) -> Path:
        if wanted.name == "fine":
            raise AppError("model-missing", "fine is gone.", hint="Put it back.")
        return folders[wanted.name]

    backend = LocalBackend(weights, cache=cache, threads=1, device="cpu")
    code, events = refused(backend, refined())
    assert code == "model-missing"
    assert [one.what for one in events.of(Loading)] == ["engine"]
    backend.close()


def test_a_refiner_in_one_file_has_one_text_encoder(
    folders: dict[str, Path], cache: Path, tmp_path: Path
) -> None:
    configs = tiny_configs(tmp_path / "model_configs")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        tensors = checkpoint_of(empty_parts(configs, "sdxl_refiner"), "sdxl_refiner")
    file = tmp_path / "fine.safetensors"
    save_file(tensors, file)
    places = {"xl": folders["xl"], "fine": file}
    backend = LocalBackend(
        lambda wanted: places[wanted.name], cache=cache, threads=1, device="cpu", configs=configs
    )
    rendered, _ = render(backend, refined(negative_prompt="fog"))
    assert pipe_of(backend, "fine").text_encoder is None
    backend.close()
    fine = plain_single_file(file, configs, "sdxl_refiner")
    pixels = two_calls((plain_pipes(folders)[0], fine), refined(negative_prompt="fog"))[1]
    assert np.array_equal(rendered.pixels, pixels)


def test_what_the_model_itself_left_is_brought_to_the_refiners_device(
    folders: dict[str, Path],
) -> None:
    fine = plain_pipes(folders)[1].to("meta")
    left = torch.zeros(1, 4, 8, 8)
    assert caller(fine).given(fine, left, refined()).device.type == "meta"


def test_out_of_memory_in_the_refiners_part_makes_both_smaller(
    folders: dict[str, Path], cache: Path
) -> None:
    backend = backend_for(cache, **folders)
    render(backend, refined())
    calls: list[int] = []

    def full(*_: object) -> None:
        calls.append(len(calls))
        if len(calls) == 1:
            raise torch.OutOfMemoryError("out of memory, tried to allocate 20.00 GiB")

    pipe_of(backend, "fine").unet.register_forward_pre_hook(full)
    rendered, events = render(backend, refined())
    assert len(set(rendered.provenance.notes)) == 1
    assert "attention was computed in slices" in rendered.provenance.notes[0]
    assert {one.what for one in events.of(Loading)} == {"xl", "fine"}
    assert backend._session is not None
    assert len(backend._session.models.kept) == 2
    backend.close()


def test_a_third_model_takes_the_place_of_the_one_that_was_used_before(
    folders: dict[str, Path], tiny_model: Path, cache: Path
) -> None:
    backend = backend_for(cache, **folders, tiny=tiny_model)
    for recipe, kept in (
        (recipe_for("tiny"), ["tiny"]),
        (refined(), ["xl", "fine"]),
        (recipe_for("tiny"), ["fine", "tiny"]),
        (refined(), ["fine", "xl"]),
    ):
        render(backend, recipe, previews=False)
        assert backend._session is not None
        names = [one.name for one in backend._session.models.kept.values()]
        assert sorted(names) == sorted(kept)
    backend.close()


SIZES = {"unet": 2_567_500_000, "text_encoder": 817_700_000, "vae": 83_700_000}
REFINER = {"unet": 2_300_000_000, "text_encoder": 694_700_000, "vae": 83_700_000}


@pytest.mark.parametrize(
    ("kind", "gigabytes", "offload", "dtype"),
    [
        ("cuda", 24, "none", "float16"),
        ("cuda", 12, "model", "float16"),
        ("cuda", 8, "model", "float16"),
        ("cuda", 4, "group", "float16"),
        ("cpu", 64, "none", "float32"),
        ("cpu", 24, "none", "bfloat16"),
    ],
)
def test_two_models_share_a_place(kind: str, gigabytes: int, offload: str, dtype: str) -> None:
    place = Place(kind=kind, memory=gigabytes * 2**30, half=kind == "cuda", bfloat16=kind == "cpu")
    base = make_plan(Held(numbers=SIZES), place, USUAL_PIXELS)
    size = sum(SIZES.values()) * (2 if base.dtype == "float16" else 4)
    plan = make_plan_beside(Held(numbers=REFINER), place, USUAL_PIXELS, Wishes(), base, size)
    assert (plan.offload, plan.dtype) == (offload, dtype)
    alone = make_plan(Held(numbers=REFINER), place, USUAL_PIXELS)
    full = crowded(alone, Held(numbers=REFINER), USUAL_PIXELS, base, size)
    assert full == (plan != alone)
    decided = Wishes(offload="none")
    kept = make_plan_beside(Held(numbers=REFINER), place, USUAL_PIXELS, decided, base, size)
    assert kept.offload == "none"
