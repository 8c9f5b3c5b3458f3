"""LyCORIS' methods: the weights their formulas give, peft's own layers, and nothing left behind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FluxPipeline, StableDiffusionXLPipeline
from peft import LoHaConfig, LoKrConfig, LoraConfig, inject_adapter_in_model
from safetensors.torch import save_file
from torch.overrides import TorchFunctionMode

from desktop_app.engine import residency
from desktop_app.engine.adapters import lora, merged
from desktop_app.engine.adapters.copies import Copies
from desktop_app.engine.adapters.deltas import change_of
from desktop_app.engine.render import LocalBackend
from desktop_app.errors import AppError, Cancelled
from desktop_app.recipe.recipe import LoraUse, ModelRef
from tests.engine.lycoris import METHODS, Maker, layers_of, made, weigh_by_hand
from tests.engine.models import plain_call, plain_pipeline, recipe_for, ref, render
from tests.engine.test_adapters import ASKED, kohya, state_of
from tests.engine.tiny_families import save_tiny_family
from tests.tiny_model import save_tiny_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model of each of two families, and an adapter of each method for the first."""
    folder = tmp_path_factory.mktemp("lycoris")
    found = {name: folder / name for name in ("model", "xl")}
    save_tiny_model(found["model"])
    save_tiny_family("sdxl", found["xl"])
    pipe = plain_pipeline(found["model"])
    for method in METHODS:
        found[method] = folder / f"{method}.safetensors"
        save_file(made(pipe, method)[0], found[method])
    return found


@pytest.fixture(scope="module")
def backend(files: dict[str, Path], cache: Path) -> Iterator[LocalBackend]:
    known = {ref(name).sha256: path for name, path in files.items()}
    opened = LocalBackend(lambda one: known[one.sha256], cache=cache, threads=1, device="cpu")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def xl(files: dict[str, Path]) -> Any:
    return StableDiffusionXLPipeline.from_pretrained(files["xl"])


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("flux")
    save_tiny_family("flux", folder)
    return FluxPipeline.from_pretrained(folder)


def use(name: str, weight: float = 1.0) -> LoraUse:
    return LoraUse(lora=ModelRef(sha256=ref(name).sha256, name=name, kind="lora"), weight=weight)


def one(files: dict[str, Path], name: str, weight: float = 1.0) -> lora.Lora:
    return lora.Lora(path=files[name], name=name, weight=weight)


def close(one: Any, other: Any) -> bool:
    return torch.allclose(torch.as_tensor(one), torch.as_tensor(other), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_every_weight_is_what_the_formula_gives(method: str, files: dict[str, Path]) -> None:
    pipe: Any = plain_pipeline(files["model"])
    before = state_of(pipe)
    wanted: Any = plain_pipeline(files["model"])
    dense = made(wanted, method)[1]
    weigh_by_hand(wanted, dense, 0.7)
    with lora.attached(pipe, [one(files, method, 0.7)], "Test"):
        changed = state_of(pipe)
        after = state_of(wanted)
        assert changed.keys() == after.keys()
        assert all(close(changed[key], after[key]) for key in after)
        differing = [key for key in before if not torch.equal(before[key], changed[key])]
        assert len(differing) == len(dense)
    restored = state_of(pipe)
    assert restored.keys() == before.keys()
    assert all(torch.equal(restored[key], before[key]) for key in before)


class _NoRoom(torch.Tensor):
    """A change of which no copy can be made."""

    def to(self, *_arguments: Any, **_options: Any) -> Any:
        raise MemoryError


def test_the_own_weights_come_back_when_memory_runs_out_half_way(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe: Any = plain_pipeline(files["model"])
    before, changes, done = state_of(pipe), merged._changes, []  # pyright: ignore[reportPrivateUsage]

    def fails_at_a_layer_without_bias(*arguments: Any) -> Any:
        module = arguments[1][0].module(pipe)
        if done and module.bias is None:
            return None, torch.zeros(len(module.weight)).as_subclass(_NoRoom)
        done.append(module)
        return changes(*arguments)

    monkeypatch.setattr(merged, "_changes", fails_at_a_layer_without_bias)
    with pytest.raises(MemoryError), lora.attached(pipe, [one(files, "full")], "Test"):
        pass
    assert done
    restored = state_of(pipe)
    assert restored.keys() == before.keys()
    assert all(torch.equal(restored[key], before[key]) for key in before)


@pytest.mark.parametrize("method", ["lokr", "dora"])
def test_a_picture_is_made_of_the_changed_weights_and_then_of_the_own(
    method: str, backend: LocalBackend, files: dict[str, Path]
) -> None:
    recipe = recipe_for("model", guidance_scale=4.0, scheduler="euler")
    without, _ = render(backend, recipe)
    rendered, _ = render(
        backend,
        recipe_for("model", adapters=(use(method),), guidance_scale=4.0, scheduler="euler"),
    )
    pipe: Any = plain_pipeline(files["model"])
    weigh_by_hand(pipe, made(pipe, method)[1], 1.0)
    pixels = plain_call(pipe, 7, guidance_scale=4.0, **ASKED)[1]
    # Two orders of summation differ in the last bit of a weight.
    assert np.abs(rendered.pixels.astype(int) - pixels.astype(int)).max() <= 1
    assert np.abs(rendered.pixels.astype(int) - without.pixels.astype(int)).max() > 8
    assert np.array_equal(render(backend, recipe)[0].pixels, without.pixels)


class Products(TorchFunctionMode):
    """Counts the Kronecker products that changes of LoKr are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.kron
        return func(*args, **(kwargs or {}))


def test_changed_copies_serve_the_next_picture_while_the_same_ones_are_attached(
    backend: LocalBackend, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def made_with(*adapters: LoraUse) -> tuple[Any, int]:
        with Products() as products:
            rendered, _ = render(backend, recipe_for("model", adapters=adapters))
        return rendered.pixels, products.count

    without, none = made_with()
    assert none == 0
    assert backend._session is not None
    pipe = backend._session.models.kept[ref("model").sha256].pipe
    before = state_of(pipe)
    first, products = made_with(use("lokr"))
    assert products > 0
    again, more = made_with(use("lokr"))
    assert more == 0
    assert np.array_equal(again, first)
    assert all(torch.equal(before[key], one) for key, one in state_of(pipe).items())
    half, fewer = made_with(use("lokr", 0.5))
    assert fewer == products
    assert not np.array_equal(half, first)
    # They go with the picture that has them not.
    assert np.array_equal(made_with()[0], without)
    assert made_with(use("lokr"))[1] == products
    files["lokr"].touch()
    assert made_with(use("lokr"))[1] == products
    monkeypatch.setattr(residency, "KEEP_SHARE", 0.0)
    assert made_with(use("lokr"), use("ia3"))[1] == products
    assert made_with(use("lokr"), use("ia3"))[1] == products
    assert all(torch.equal(before[key], one) for key, one in state_of(pipe).items())


def test_changed_copies_are_not_kept_where_an_interrupted_picture_left_them(
    files: dict[str, Path],
) -> None:
    pipe: Any = plain_pipeline(files["model"])
    copies, loras = Copies(), [one(files, "lokr")]
    for _ in range(2):
        with lora.attached(pipe, loras, "Test", copies):
            pass
        assert copies.of(pipe, loras)
    with pytest.raises(Cancelled), lora.attached(pipe, loras, "Test", copies):
        # As on a graphics card, for a component that takes turns on it.
        moved = {place: torch.nn.Parameter(one.to("meta")) for place, one in copies._copies.items()}
        copies._copies.update(moved)
        raise Cancelled
    assert not copies._copies


def test_the_order_does_not_matter_and_a_plain_lora_goes_beside(
    files: dict[str, Path], tmp_path: Path
) -> None:
    pipe: Any = plain_pipeline(files["model"])
    before = state_of(pipe)
    save_file(kohya(pipe, 5), tmp_path / "plain.safetensors")
    beside = lora.Lora(path=tmp_path / "plain.safetensors", name="plain", weight=0.5)
    used = [one(files, "oft", 0.5), beside, one(files, "full")]
    outputs: list[torch.Tensor] = []
    for order in (used, used[::-1]):
        with lora.attached(pipe, order, "Test"), torch.no_grad():
            words = pipe.tokenizer("a fox", return_tensors="pt").input_ids
            outputs.append(pipe.text_encoder(words)[0])
    assert close(outputs[0], outputs[1])
    restored = state_of(pipe)
    assert restored.keys() == before.keys()
    assert all(torch.equal(restored[key], before[key]) for key in before)


@pytest.mark.parametrize(("method", "config"), [("loha", LoHaConfig), ("lokr", LoKrConfig)])
@pytest.mark.parametrize("kernel", [0, 1, 3])
@pytest.mark.parametrize("core", [False, True])
def test_peft_makes_the_same_of_the_same_parts(
    method: str, config: Any, kernel: int, core: bool
) -> None:
    base = torch.nn.Conv2d(16, 24, kernel) if kernel else torch.nn.Linear(16, 24)
    holder = torch.nn.Sequential(base)
    told: dict[str, Any] = {"r": 2, "alpha": 4, "target_modules": ["0"], "init_weights": False}
    torch.manual_seed(0)
    inject_adapter_in_model(config(**told, use_effective_conv2d=core), holder)
    layer: Any = holder[0]
    parts = {
        name: getattr(layer, name)["default"].detach()
        for name in layer.adapter_layer_names
        if "default" in getattr(layer, name)
    }
    wanted = layer.get_delta_weight("default").detach()
    assert f"{'lokr' if method == 'lokr' else 'hada'}_w2_b" in parts
    assert close(change_of({**parts, "alpha": torch.tensor(4.0)}, base.weight.detach()), wanted)


@pytest.mark.parametrize("kernel", [0, 3])
def test_peft_makes_the_same_of_a_dora(kernel: int) -> None:
    base = torch.nn.Conv2d(16, 24, kernel, bias=False) if kernel else torch.nn.Linear(16, 24)
    holder = torch.nn.Sequential(base)
    own = base.weight.detach().clone()
    torch.manual_seed(0)
    config = LoraConfig(
        r=3, lora_alpha=6, use_dora=True, target_modules=["0"], init_lora_weights=False
    )
    inject_adapter_in_model(config, holder)
    layer: Any = holder[0]
    magnitude = layer.lora_magnitude_vector["default"].weight
    magnitude.data *= 1.5
    parts = {
        "down": layer.lora_A["default"].weight.detach(),
        "up": layer.lora_B["default"].weight.detach(),
        "alpha": torch.tensor(6.0),
        "dora_scale": magnitude.detach().flatten(),
    }
    layer.merge()
    assert close(own + change_of(parts, own), layer.get_base_layer().weight.detach())


def test_kohya_names_every_layer_of_sdxl(xl: Any, files: dict[str, Path], tmp_path: Path) -> None:
    file, dense = made(xl, "lokr")
    parts = {place.partition(".")[0] for place in dense}
    assert parts == {"unet", "text_encoder", "text_encoder_2"}
    save_file(file, tmp_path / "xl.safetensors")
    wanted: Any = StableDiffusionXLPipeline.from_pretrained(files["xl"])
    weigh_by_hand(wanted, dense, 1.0)
    used = lora.Lora(path=tmp_path / "xl.safetensors", name="xl", weight=1.0)
    with lora.attached(xl, [used], "Test"):
        for part in parts:
            own = getattr(xl, part).state_dict()
            after = getattr(wanted, part).state_dict()
            assert all(close(own[key], after[key]) for key in after)


@pytest.mark.parametrize("method", ["lokr", "dora"])
def test_layers_that_are_one_in_a_file_are_changed_as_one(
    method: str, flux: Any, tmp_path: Path
) -> None:
    before = {key: one.clone() for key, one in flux.transformer.state_dict().items()}
    paths = [f"transformer_blocks.0.attn.{one}" for one in ("to_q", "to_k", "to_v")]
    joined = torch.cat([flux.transformer.get_submodule(path).weight.data for path in paths])
    parts, dense = getattr(Maker(2), method)(joined)
    moved = torch.ones(len(joined))
    file = {f"lora_unet_double_blocks_0_img_attn_qkv.{key}": one for key, one in parts.items()}
    file["lora_unet_double_blocks_0_img_attn_qkv.diff_b"] = moved
    # And one of them by itself in another file.
    alone = {"transformer.transformer_blocks.0.attn.to_k.diff": torch.ones_like(joined[:32])}
    for name, tensors in (("joined", file), ("alone", alone)):
        save_file(tensors, tmp_path / f"{name}.safetensors")
    used = [
        lora.Lora(path=tmp_path / f"{name}.safetensors", name=name, weight=weight)
        for name, weight in (("joined", 1.0), ("alone", 0.5))
    ]
    with lora.attached(flux, used, "Test"):
        after = torch.cat([flux.transformer.get_submodule(path).weight for path in paths])
        wanted = dense(joined)
        wanted[32:64] += 0.5
        assert close(after, wanted)
        bias = flux.transformer.get_submodule(paths[0]).bias
        assert close(bias, before[f"{paths[0]}.bias"] + 1)
    restored = flux.transformer.state_dict()
    assert restored.keys() == before.keys()
    assert all(torch.equal(restored[key], before[key]) for key in before)


def test_what_is_nothing_has_no_length_to_change() -> None:
    weight = torch.ones(4, 3)
    weight[:, 1] = 0
    parts = {"diff": torch.zeros(4, 3), "dora_scale": torch.full((1, 3), 3.0)}
    assert torch.equal(weight + change_of(parts, weight), weight * 1.5)


def test_bias_and_norms_are_changed_too_and_come_back(
    files: dict[str, Path], tmp_path: Path
) -> None:
    pipe: Any = plain_pipeline(files["model"])
    before = state_of(pipe)
    norm, query = "conv_norm_out", "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
    assert pipe.unet.get_submodule(query).bias is None
    file = {
        "lora_unet_conv_norm_out.w_norm": torch.full((32,), 0.25),
        "lora_unet_conv_norm_out.b_norm": torch.full((32,), 0.5),
        f"lora_unet_{query.replace('.', '_')}.diff_b": torch.full((64,), 2.0),
    }
    save_file(file, tmp_path / "a.safetensors")
    used = lora.Lora(path=tmp_path / "a.safetensors", name="a", weight=0.5)
    with lora.attached(pipe, [used], "Test"):
        changed = pipe.unet.get_submodule(norm)
        assert torch.equal(changed.weight, before[f"unet.{norm}.weight"] + 0.125)
        assert torch.equal(changed.bias, before[f"unet.{norm}.bias"] + 0.25)
        assert torch.equal(pipe.unet.get_submodule(query).bias, torch.ones(64))
    assert pipe.unet.get_submodule(query).bias is None
    assert all(torch.equal(before[key], one) for key, one in state_of(pipe).items())


@pytest.mark.parametrize("method", METHODS)
def test_one_of_another_family_is_named_and_nothing_is_left(
    method: str, xl: Any, files: dict[str, Path], tmp_path: Path
) -> None:
    pipe: Any = plain_pipeline(files["model"])
    before = state_of(pipe)
    save_file(made(xl, method)[0], tmp_path / "xl.safetensors")
    used = lora.Lora(path=tmp_path / "xl.safetensors", name="xl", weight=1.0)
    with pytest.raises(AppError) as error, lora.attached(pipe, [used], "Test"):
        pass
    assert error.value.code == "adapter-family"
    assert "not made for a model like Test" in str(error.value)
    assert all(torch.equal(before[key], one) for key, one in state_of(pipe).items())


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        # Products of parts like these would take more memory than there is.
        ({"lokr_w1": (30_000, 30), "lokr_w2": (30_000, 30)}, "adapter-family"),
        ({"lokr_w1_a": (60_000, 1), "lokr_w1_b": (1, 60_000), "lokr_w2": (1, 1)}, "adapter-family"),
        (
            dict.fromkeys(("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"), (9, 9)),
            "adapter-family",
        ),
        # What is nothing takes no room in a file, whatever its other lengths are.
        (
            {
                "lora_up.weight": (32, 0),
                "lora_mid.weight": (0, 10**10, 1),
                "lora_down.weight": (10**10, 0),
            },
            "adapter-family",
        ),
        (
            {
                "hada_w1_a": (0, 32),
                "hada_w1_b": (10**10, 0),
                "hada_t1": (0, 10**10, 1),
                "hada_w2_a": (32, 1),
                "hada_w2_b": (1, 32),
            },
            "adapter-family",
        ),
        (
            {
                "a1.weight": (32, 0, 5),
                "a2.weight": (0, 32, 10**10),
                "b1.weight": (32, 1),
                "b2.weight": (1, 32),
            },
            "adapter-family",
        ),
        ({"hada_w1_a": (32, 2)}, "adapter-broken"),
        ({"oft_blocks": (1, 1, 32)}, "adapter-family"),
        ({"oft_blocks": (3, 5, 5)}, "adapter-family"),
        ({"oft_blocks": (9,)}, "adapter-family"),
        ({"on_input": (), "weight": (5,)}, "adapter-family"),
        ({"on_input": ()}, "adapter-broken"),
        ({"diff": (32, 32), "dora_scale": (7, 1)}, "adapter-family"),
        ({"diff": (32, 32), "unheard": (1,)}, "adapter-broken"),
    ],
)
def test_parts_that_do_not_fit_are_refused_before_they_are_multiplied(
    parts: dict[str, tuple[int, ...]], code: str, files: dict[str, Path], tmp_path: Path
) -> None:
    pipe: Any = plain_pipeline(files["model"])
    (name, _, path, module) = next(iter(layers_of(pipe)))
    assert path
    assert module.weight is not None
    save_file(
        {f"{name}.{key}": torch.ones(shape) for key, shape in parts.items()},
        tmp_path / "a.safetensors",
    )
    used = lora.Lora(path=tmp_path / "a.safetensors", name="a", weight=1.0)
    with pytest.raises(AppError) as error, lora.attached(pipe, [used], "Test"):
        pass
    assert error.value.code == code
    assert error.value.hint


@pytest.mark.parametrize(
    ("parts", "shape"),
    [
        (
            {
                "a1.weight": (1, 10**6),
                "a2.weight": (10**6, 1),
                "b1.weight": (10**6, 1),
                "b2.weight": (1, 1),
            },
            (10**6, 1),
        ),
        ({"up": (10**6, 1), "mid": (1, 10**6, 1), "down": (10**6, 1)}, (10**6, 1)),
        ({"oft_blocks": (1, 1, 1), "rescale": (10**6,)}, (1, 10**6)),
    ],
)
def test_what_lies_on_the_way_to_a_change_is_bounded_too(
    parts: dict[str, tuple[int, ...]], shape: tuple[int, int]
) -> None:
    made = {name: torch.ones(lengths) for name, lengths in parts.items()}
    with pytest.raises(ValueError, match="is for no weight of"):
        change_of(made, torch.zeros(shape))


def test_a_weight_for_each_block_goes_into_its_layers(files: dict[str, Path]) -> None:
    pipe: Any = plain_pipeline(files["model"])
    before = state_of(pipe)
    blocks = (("BASE", 0.0), ("IN03", 0.5), ("M00", 0.0))
    used = lora.Lora(path=files["full"], name="full", weight=0.8, blocks=blocks)
    whole = lora.Lora(path=files["full"], name="full", weight=1.0)
    with lora.attached(pipe, [whole], "Test"):
        gains = {key: one - before[key] for key, one in state_of(pipe).items()}
    with lora.attached(pipe, [used], "Test"):
        parts = {key: one - before[key] for key, one in state_of(pipe).items()}
    for start, share in (
        ("text_encoder.", 0.0),
        ("unet.down_blocks.0.", 0.8),
        ("unet.down_blocks.1.", 0.4),
        ("unet.mid_block.", 0.0),
        ("unet.up_blocks.", 0.8),
    ):
        keys = [key for key in gains if key.startswith(start)]
        assert any(bool(gains[key].any()) for key in keys)
        assert all(torch.allclose(parts[key], share * gains[key], atol=1e-6) for key in keys), start


@pytest.mark.parametrize("way", ["groups", "float8"])
def test_weights_that_wait_elsewhere_or_small_come_back_too(
    way: str, files: dict[str, Path]
) -> None:
    pipe: Any = plain_pipeline(files["model"])
    given = {"prompt": "a fox", "num_inference_steps": 1, "width": 64, "height": 64}

    def picture() -> Any:
        generator = torch.Generator().manual_seed(1)
        return pipe(**given, generator=generator, output_type="np").images

    plain = pipe
    wanted: Any = None
    if way == "groups":
        with lora.attached(plain, [one(files, "lokr")], "Test"):
            wanted = picture()
        cpu = torch.device("cpu")
        pipe.enable_group_offload(
            onload_device=cpu, offload_type="block_level", num_blocks_per_group=1
        )
    else:
        pipe.unet.enable_layerwise_casting(
            storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32
        )
    before, without = state_of(pipe), picture()
    with lora.attached(pipe, [one(files, "lokr")], "Test"):
        changed = picture()
        query = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight"
        assert pipe.unet.state_dict()[query].dtype == before[f"unet.{query}"].dtype
    assert wanted is None or np.array_equal(changed, wanted)
    assert not np.array_equal(changed, without)
    assert np.array_equal(picture(), without)
    after = state_of(pipe)
    assert all(torch.equal(after[key].float(), before[key].float()) for key in before)


def test_packed_weights_are_not_changed(files: dict[str, Path]) -> None:
    pipe: Any = plain_pipeline(files["model"])
    layer = next(iter(layers_of(pipe)))[3]
    layer.weight = torch.nn.Parameter(torch.zeros(4, dtype=torch.uint8), requires_grad=False)
    with pytest.raises(AppError) as error, lora.attached(pipe, [one(files, "full")], "Test"):
        pass
    assert error.value.code == "adapter-packed"
