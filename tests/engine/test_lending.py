"""A recipe lends its model a VAE and text encoders: the pixels of a plain pipeline with them."""

import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from desktop_app.engine.events import Event, Loading
from desktop_app.engine.render import LocalBackend
from desktop_app.engine.tokenizer import make_tokenizer
from desktop_app.errors import AppError
from desktop_app.recipe.families import FAMILIES
from desktop_app.recipe.recipe import FromStep, ModelRef, Recipe
from desktop_app.recipe.wishes import Wishes
from desktop_app.weights.vocabulary import Vocabulary
from tests.engine.kits import (
    Kit,
    encoder_of,
    make_kit,
    plain,
    random_parts,
    vae_of,
    whole_sd3,
    words_place,
    write,
)
from tests.engine.models import Events
from tests.engine.tiny_settings import tiny_configs

pytestmark = pytest.mark.slow
ENCODERS = ("text_encoder", "text_encoder_2", "text_encoder_3")


def named(name: str, kind: Any = "text_encoder") -> ModelRef:
    return ModelRef(sha256=name.encode().hex().ljust(64, "0")[:64], name=name, kind=kind)


class Desk:
    """A kit of Stable Diffusion 3, another set of companions, and a backend that finds all."""

    def __init__(self, folder: Path) -> None:
        configs = tiny_configs(folder / "configs")
        self.kit = make_kit(configs, folder / "kit", "sd3", torch.float32)
        self.other = self._others(configs, folder)
        write(whole_sd3(self.kit), folder / "whole.safetensors")
        self.places = {
            named("network", "single"): self.kit.network,
            named("whole", "single"): folder / "whole.safetensors",
            named("vae", "vae"): self.kit.folder / "vae.safetensors",
            named("other vae", "vae"): folder / "other_vae.safetensors",
            named("other clip"): folder / "other_clip.safetensors",
            **{named(part): self.kit.folder / f"{part}.safetensors" for part in ENCODERS},
        }
        self.cache = folder / "cache"
        self.backend = self.another()

    def another(self, wishes: Callable[[ModelRef], Wishes] | None = None) -> LocalBackend:
        return LocalBackend(
            self.places.__getitem__,
            cache=self.cache,
            threads=1,
            device="cpu",
            configs=self.kit.configs,
            words=lambda kind: words_place(self.kit.folder, kind),
            wishes=wishes,
        )

    def _others(self, configs: Path, folder: Path) -> dict[str, Any]:
        parts = random_parts(configs, "sd3", torch.float32)
        for name in ("text_encoder", "vae"):
            for one in parts[name].parameters():
                one.data += 0.01 * torch.randn_like(one)
        parts["text_encoder"].text_projection.weight.data = torch.eye(32)
        write(encoder_of(parts["text_encoder"]), folder / "other_clip.safetensors")
        write(vae_of(parts["vae"]), folder / "other_vae.safetensors")
        return parts

    def recipe(self, model: str, **fields: Any) -> Recipe:
        usual: dict[str, Any] = {"width": 64, "height": 64, "num_inference_steps": 2, "seed": 7}
        return Recipe(
            model=named(model, "single"),
            prompt="a fox",
            scheduler="euler",
            guidance_scale=3.0,
            **{**usual, **fields},
        )

    def pixels(self, recipe: Recipe) -> Any:
        return self.backend.render(recipe, Events(), previews=False).pixels

    def plain_pixels(self, **changed: Any) -> Any:
        pipe = plain(self.kit, **changed)
        generator = torch.Generator().manual_seed(7)
        told = {"width": 64, "height": 64, "num_inference_steps": 2, "guidance_scale": 3.0}
        return np.asarray(pipe("a fox", negative_prompt="", generator=generator, **told).images[0])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = Desk(tmp_path_factory.mktemp("lending"))
    yield made
    made.backend.close()


ALL = {"vae": named("vae", "vae"), "text_encoders": tuple(named(part) for part in ENCODERS)}


def test_a_network_renders_with_what_the_recipe_lends(desk: Desk) -> None:
    recipe = desk.recipe("network", **ALL)
    assert np.array_equal(desk.pixels(recipe), desk.plain_pixels())
    other = (named("other clip"), *ALL["text_encoders"][1:])
    changed = replace(recipe, text_encoders=other, vae=named("other vae", "vae"))
    wanted = desk.plain_pixels(text_encoder=desk.other["text_encoder"], vae=desk.other["vae"])
    assert np.array_equal(desk.pixels(changed), wanted)
    assert np.array_equal(desk.pixels(recipe), desk.plain_pixels())


def test_without_t5_and_with_it_again(desk: Desk) -> None:
    without = desk.recipe("network", vae=ALL["vae"], text_encoders=ALL["text_encoders"][:2])
    wanted = desk.plain_pixels(text_encoder_3=None, tokenizer_3=None)
    assert np.array_equal(desk.pixels(without), wanted)
    assert np.array_equal(desk.pixels(desk.recipe("network", **ALL)), desk.plain_pixels())


def test_a_network_that_is_lent_nothing_is_refused(desk: Desk) -> None:
    desk.pixels(desk.recipe("network", **ALL))
    with pytest.raises(AppError) as error:
        desk.pixels(desk.recipe("network"))
    assert error.value.code == "model-incomplete"


def test_another_text_encoder_reads_for_one_picture_and_leaves_the_model_as_it_was(
    desk: Desk,
) -> None:
    recipe = desk.recipe("whole")
    assert np.array_equal(desk.pixels(recipe), desk.plain_pixels())
    read = replace(recipe, text_encoders=(named("other clip"),))
    wanted = desk.plain_pixels(text_encoder=desk.other["text_encoder"])
    assert np.array_equal(desk.pixels(read), wanted)
    assert not np.array_equal(wanted, desk.plain_pixels())
    assert np.array_equal(desk.pixels(recipe), desk.plain_pixels())


def test_a_whole_model_decodes_with_another_vae(desk: Desk) -> None:
    recipe = desk.recipe("whole", vae=named("other vae", "vae"))
    assert np.array_equal(desk.pixels(recipe), desk.plain_pixels(vae=desk.other["vae"]))


def test_what_the_model_does_not_read_with_is_refused(desk: Desk) -> None:
    for wrong in ((named("other clip"), named("text_encoder")), (named("vae", "vae"),)):
        with pytest.raises(AppError) as error:
            desk.pixels(desk.recipe("whole", text_encoders=wrong))
        assert error.value.code == "encoder-kind"
    assert np.array_equal(desk.pixels(desk.recipe("whole")), desk.plain_pixels())


def test_a_branch_keeps_the_text_encoders_that_are_built_in(desk: Desk) -> None:
    parent = desk.recipe("network", **ALL)
    child = replace(parent, start=FromStep(parent=parent, step=1))
    assert np.array_equal(desk.pixels(child), desk.pixels(parent))
    other = (named("other clip"), *ALL["text_encoders"][1:])
    with pytest.raises(AppError) as error:
        desk.pixels(replace(child, text_encoders=other))
    assert error.value.code == "branch-model"


def test_the_fingerprint_tells_of_other_words(desk: Desk) -> None:
    kit: Kit = desk.kit
    recipe = desk.recipe("network", **ALL)
    first = desk.backend.render(recipe, Events(), previews=False).provenance.fingerprint
    path = kit.folder / "t5" / "tokenizer.json"
    before = path.read_text("utf-8")
    try:
        path.write_text(before.replace("\\u2581fox", "\\u2581elk"), "utf-8")
        desk.pixels(desk.recipe("network", vae=ALL["vae"], text_encoders=ALL["text_encoders"][:2]))
        again = desk.backend.render(recipe, Events(), previews=False).provenance.fingerprint
    finally:
        path.write_text(before, "utf-8")
    assert first.model_config_sha256 != again.model_config_sha256


def test_words_that_were_replaced_count_from_the_next_picture_on(desk: Desk) -> None:
    recipe = desk.recipe("network", **ALL)
    usual = desk.pixels(recipe)
    path = desk.kit.folder / "t5" / "tokenizer.json"
    before = path.read_text("utf-8")
    try:
        path.write_text(before.replace("\\u2581fox", "\\u2581elk"), "utf-8")
        wanted = desk.plain_pixels()
        assert not np.array_equal(wanted, usual)
        assert np.array_equal(desk.pixels(recipe), wanted)
        path.unlink()
        assert np.array_equal(desk.pixels(recipe), wanted)
    finally:
        path.write_text(before, "utf-8")
    assert np.array_equal(desk.pixels(recipe), usual)
    events = Events()
    desk.backend.render(recipe, events, previews=False)
    assert not events.of(Loading)


def test_one_text_encoder_too_many_is_refused_whatever_was_read_with_before(desk: Desk) -> None:
    first, second = named("other clip"), named("text_encoder")
    for one in (first, second):
        desk.pixels(desk.recipe("whole", text_encoders=(one,)))
    with pytest.raises(AppError) as error:
        desk.pixels(desk.recipe("whole", text_encoders=(first, second)))
    assert error.value.code == "encoder-kind"
    assert np.array_equal(desk.pixels(desk.recipe("whole")), desk.plain_pixels())


def test_what_stands_in_has_the_precision_of_the_model_that_it_is_in(desk: Desk) -> None:
    said = [Wishes(dtype="bfloat16")]
    backend = desk.another(lambda _: said[-1])
    told = {"text_encoders": (named("other clip"),), "vae": named("other vae", "vae")}
    recipe = desk.recipe("whole", **told)
    backend.render(recipe, Events(), previews=False)
    said.append(Wishes(dtype="float32"))
    again = backend.render(recipe, Events(), previews=False)
    backend.close()
    wanted = desk.plain_pixels(text_encoder=desk.other["text_encoder"], vae=desk.other["vae"])
    assert np.array_equal(again.pixels, wanted)


def test_text_encoders_go_before_another_plan_of_their_model_needs_the_room(desk: Desk) -> None:
    said = [Wishes(dtype="bfloat16")]
    backend = desk.another(lambda _: said[-1])
    recipe = desk.recipe("whole", text_encoders=(named("other clip"),))
    backend.render(recipe, Events(), previews=False)
    assert backend._session is not None
    ((_, encoder),) = backend._session._attachments._encoders.values()
    kept = weakref.ref(encoder)
    del encoder
    gone: list[bool] = []

    def told(event: Event) -> None:
        if isinstance(event, Loading):
            gone.append(kept() is None)

    said.append(Wishes(dtype="float32"))
    backend.render(recipe, told, previews=False)
    backend.close()
    assert gone == [False, True]  # when it is wanted, and when it is planned


def test_words_without_one_for_the_unknown_are_refused(desk: Desk) -> None:
    part = next(one for one in FAMILIES["sd3"].parts if one.name == "tokenizer_3")
    words = Vocabulary(pieces={"</s>": (0, 0.0), "\u2581": (1, 0.0)})
    configs = desk.kit.configs
    with pytest.raises(AppError) as error:
        make_tokenizer(part, configs / "sd3" / part.name, configs, words, "network")
    assert error.value.code == "model-broken"
