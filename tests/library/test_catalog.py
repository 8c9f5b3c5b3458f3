"""The models on this machine: described from their files, found by their tensors."""

from pathlib import Path

import pytest

from desktop_app.errors import AppError
from desktop_app.library.catalog import Catalog, ModelInfo
from desktop_app.library.identity import Defaults, Facts
from desktop_app.paths import RESOURCES
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.foreign import ModelFile
from desktop_app.recipe.recipe import ModelRef
from tests.library.files import checkpoint, kohya, write_shapes
from tests.library.models import TENSORS, make_model, write_json, write_tensors

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "models"
    made.mkdir()
    return made


@pytest.fixture
def catalog(folder: Path, tmp_path: Path) -> Catalog:
    return Catalog([RESOURCES / "models", folder], tmp_path / "cache")


def only(catalog: Catalog) -> ModelInfo:
    (found,) = [info for info in catalog.scan() if not info.built_in]
    return found


def test_only_as_much_is_hashed_at_once_as_is_read_in_a_moment(
    catalog: Catalog, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        make_model(folder / name)
    write_shapes(folder / "ink.safetensors", kohya([("lora_unet_x_to_q", 8, 8)], rank=2))
    catalog.scan(hashing=False)
    models = [one for one in catalog.unhashed() if one.identity.makes_pictures]
    assert len(models) == 3
    assert catalog.quickly_hashed() == tuple(models)
    two = models[0].identity.bytes + models[1].identity.bytes
    monkeypatch.setattr("desktop_app.library.catalog.AT_ONCE_MAX", two)
    assert catalog.quickly_hashed() == tuple(models[:2])


def test_the_starter_model_comes_first_and_can_be_drafted(catalog: Catalog, folder: Path) -> None:
    make_model(folder / "aaa")
    starter, other = catalog.scan()
    assert starter.built_in
    assert not other.built_in
    assert starter.title == "Mezzotint Starter"
    assert starter.path == RESOURCES / "models/starter"
    assert starter.description
    assert starter.native_size == starter.sizes[0]
    assert starter.prediction_type == "v_prediction"
    assert starter.noise_schedule.startswith("cosine")
    assert starter.bytes > 1_000_000
    assert starter.words is not None
    assert "watercolor" in starter.words.all
    assert len(starter.words.example_prompts) >= 3
    Draft(
        model=starter.ref,
        width=starter.native_size[0],
        height=starter.native_size[1],
        num_inference_steps=starter.default_steps,
        guidance_scale=starter.default_guidance,
        scheduler=starter.default_scheduler,
        sigmas=starter.default_sigmas,
    )


def test_a_folder_that_tells_nothing_of_itself_is_described_from_its_configs(
    catalog: Catalog, folder: Path
) -> None:
    info_path = make_model(folder / "my model", scheduler={"prediction_type": "v_prediction"})
    info = only(catalog)
    assert (info.path, info.title, info.ref.name) == (info_path, "my model", "my model")
    assert info.native_size == (512, 512)
    assert info.sizes == ((512, 512), (448, 576), (416, 640), (640, 416), (672, 384))
    assert (info.default_scheduler, info.default_sigmas) == ("dpmpp_2m", "karras")
    assert (info.default_steps, info.default_guidance) == (25, 7.0)
    assert info.prediction_type == "v_prediction"
    assert info.noise_schedule == "scaled linear"
    assert (info.vae, info.factor, info.words) == ("AutoencoderKL", 8, None)
    assert info.bytes == sum(path.stat().st_size for path in info_path.rglob("*.safetensors"))


def test_sizes_keep_the_native_area(catalog: Catalog, folder: Path) -> None:
    make_model(folder / "m", sample_size=[96, 96])
    info = only(catalog)
    assert info.native_size == (768, 768)
    for width, height in info.sizes:
        assert width % 32 == height % 32 == 0
        assert abs(width * height / 768**2 - 1) < 0.08


@pytest.mark.parametrize("sample_size", [0, -5, "64", None, [1], 10**9, True])
def test_a_nonsense_native_size_is_not_believed(
    catalog: Catalog, folder: Path, sample_size: object
) -> None:
    make_model(folder / "m", sample_size=sample_size)
    info = only(catalog)
    Draft(width=info.native_size[0], height=info.native_size[1])


@pytest.mark.parametrize(
    "own",
    [
        {"steps": 1e9, "guidance_scale": "x", "scheduler": "magic", "sizes": [[0, 0], 5, "x"]},
        {"name": "", "native_size": [7, 7], "scheduler": "ddim", "sigmas": "karras"},
        {"name": 5, "sizes": "all", "steps": True},
    ],
)
def test_nonsense_in_what_a_model_tells_of_itself_is_left_out(
    catalog: Catalog, folder: Path, own: dict[str, object]
) -> None:
    write_json(make_model(folder / "m") / "mezzotint.json", own)
    (folder / "m/words.json").write_text("[" * 1000)
    info = only(catalog)
    assert (info.title, info.native_size) == ("m", (512, 512))
    assert (info.default_steps, info.default_guidance) == (25, 7.0)
    assert (info.default_scheduler, info.default_sigmas) == ("dpmpp_2m", "karras")


def test_equal_tensors_are_one_model(catalog: Catalog, folder: Path) -> None:
    make_model(folder / "a")
    make_model(folder / "deep" / "copy of a")
    make_model(folder / "b", seed=1)
    assert [info.path.name for info in catalog.scan() if not info.built_in] == ["a", "b"]
    assert catalog.refused == ()


def test_what_was_not_taken_is_named_with_the_reason(catalog: Catalog, folder: Path) -> None:
    make_model(folder / "xl", index={"_class_name": "StableDiffusionXLPipeline"})
    make_model(folder / "code")
    (folder / "code" / "x.py").write_text("")
    make_model(folder / "cut")
    path = folder / "cut" / UNET
    path.write_bytes(path.read_bytes()[:-4])
    (folder / "notes.txt").write_text("no model")
    (folder / "empty").mkdir()
    assert len(catalog.scan()) == 1
    refused = {path.name: refusal.code for path, refusal in catalog.refused}
    assert refused == {"xl": "model-kind", "code": "model-unsafe", "cut": "model-damaged"}


def test_a_model_is_found_by_its_tensors_whatever_it_is_called(
    catalog: Catalog, folder: Path
) -> None:
    ref = ModelRef(sha256=catalog.open(str(make_model(folder / "a"))).ref.sha256, name="old name")
    (folder / "a").rename(folder / "renamed")
    catalog.scan()
    assert catalog.find(ref).title == "renamed"
    assert catalog.path(ref) == folder / "renamed"


def test_a_missing_model_is_named_with_its_hash(catalog: Catalog, folder: Path) -> None:
    ref = ModelRef(sha256="ab" * 32, name="Lost")
    with pytest.raises(AppError) as refusal:
        catalog.path(ref)
    assert refusal.value.code == "model-missing"
    assert "Lost" in refusal.value.sentence
    assert "ababababab" in refusal.value.sentence
    assert str(folder) in refusal.value.hint


def test_opening_by_path_title_folder_name_and_hash(
    catalog: Catalog, folder: Path, tmp_path: Path
) -> None:
    make_model(folder / "a model")
    elsewhere = make_model(tmp_path / "elsewhere", seed=5)
    info = only(catalog)
    for name in ("a model", "A MODEL", info.ref.sha256, info.ref.sha256[:10], str(info.path)):
        assert catalog.open(name).ref == info.ref
    assert catalog.open("starter") == catalog.open("mezzotint starter")
    opened = catalog.open(str(elsewhere))
    assert catalog.path(opened.ref) == elsewhere
    for name in ("nothing", "", "\0", "ab", "x" * 5000):
        with pytest.raises(AppError) as refusal:
            catalog.open(name)
        assert refusal.value.code == "model-unknown"
        assert "Mezzotint Starter" in refusal.value.hint


def test_files_that_changed_since_the_scan_are_not_handed_on(
    catalog: Catalog, folder: Path
) -> None:
    make_model(folder / "a")
    info = only(catalog)
    write_tensors(folder / "a" / UNET, {**TENSORS, "seed": b"\7" * 4})
    with pytest.raises(AppError) as refusal:
        catalog.path(info.ref)
    assert refusal.value.code == "model-changed"
    (folder / "a" / "model_index.json").unlink()
    with pytest.raises(AppError) as refusal:
        catalog.path(info.ref)
    assert refusal.value.code == "model-file"


def test_folders_that_are_not_there_or_loop_are_no_harm(folder: Path, tmp_path: Path) -> None:
    (folder / "loop").symlink_to(folder)
    catalog = Catalog([folder, tmp_path / "absent", folder], tmp_path / "cache")
    assert catalog.scan() == ()


def small_checkpoint(path: Path, family: str = "sd1", seed: int = 0) -> Path:
    """A checkpoint that says what it is, and is hashed at once."""
    shapes = dict.fromkeys(checkpoint(family), (1,))
    telling = ("input_blocks.0.0.weight", "decoder.conv_in.weight")
    shapes |= {name: (1, 4, 1, 1) for name in shapes if name.endswith(telling)}
    write_shapes(path, shapes)
    with path.open("r+b") as file:
        file.seek(-2, 2)
        file.write(seed.to_bytes(2, "little"))
    return path


@pytest.mark.parametrize(
    ("family", "key", "native", "steps"),
    [
        ("sd1", "sd1", (512, 512), 25),
        ("sd2", "sd2", (512, 512), 25),
        ("sdxl", "sdxl", (1024, 1024), 30),
    ],
)
def test_a_checkpoint_in_one_file_is_a_model(
    catalog: Catalog, folder: Path, family: str, key: str, native: tuple[int, int], steps: int
) -> None:
    path = small_checkpoint(folder / "checkpoints/dream.safetensors", family)
    info = only(catalog)
    assert (info.path, info.title, info.ref.kind) == (path, "dream", "single")
    assert (info.family_key, info.native_size, info.default_steps) == (key, native, steps)
    assert (info.factor, info.prediction_type) == (8, "epsilon")
    assert catalog.path(info.ref) == path
    assert catalog.find(info.ref) == info
    Draft(
        model=info.ref,
        width=info.native_size[0],
        height=info.native_size[1],
        scheduler=info.default_scheduler,
        sigmas=info.default_sigmas,
    )


def test_a_single_file_is_opened_by_path_name_and_either_hash(
    catalog: Catalog, folder: Path, tmp_path: Path
) -> None:
    small_checkpoint(folder / "dream.safetensors")
    info = only(catalog)
    asset = catalog.asset(info.ref)
    assert asset is not None
    assert asset.file_sha256 is not None
    file = ModelFile(name="dream.safetensors", sha256=asset.file_sha256)
    assert catalog.files()[info.ref.sha256] == file
    names = ("dream", "DREAM.safetensors", info.ref.sha256[:10], asset.file_sha256[:10])
    for name in (*names, str(info.path)):
        assert catalog.open(name).ref == info.ref
    elsewhere = small_checkpoint(tmp_path / "elsewhere/other.safetensors", seed=1)
    opened = catalog.open(str(elsewhere))
    assert catalog.path(opened.ref) == elsewhere
    assert catalog.files()[opened.ref.sha256].name == "other.safetensors"


@pytest.mark.parametrize(
    ("told", "known"), [("7c6b" * 16, "7c6b" * 16), ("0x7c6b", ""), ("<b>" * 21 + "x", "")]
)
def test_the_hash_that_a_trainer_wrote_into_a_lora_is_known(
    catalog: Catalog, folder: Path, told: str, known: str
) -> None:
    metadata = {**{f"ss_{number}": "x" for number in range(200)}, "sshs_model_hash": told}
    write_shapes(folder / "fox.safetensors", kohya([("lora_unet_x", 8, 8)]), metadata=metadata)
    catalog.hash(catalog.assets()[0])
    (file,) = catalog.files().values()
    assert (file.name, file.lora_sha256) == ("fox.safetensors", known)


def test_a_file_that_makes_no_pictures_is_not_opened(catalog: Catalog, folder: Path) -> None:
    lora = write_shapes(folder / "fox.safetensors", kohya([("lora_unet_x", 8, 8)]))
    with pytest.raises(AppError) as refusal:
        catalog.open(str(lora))
    assert refusal.value.code == "model-kind"
    (folder / "bad.ckpt").write_bytes(b"x")
    with pytest.raises(AppError) as refusal:
        catalog.open(str(folder / "bad.ckpt"))
    assert "pickle" in refusal.value.sentence


def test_without_hashing_the_models_come_one_by_one(catalog: Catalog, folder: Path) -> None:
    small_checkpoint(folder / "a.safetensors")
    make_model(folder / "b")
    assert [info.built_in for info in catalog.scan(hashing=False)] == [True]
    names: list[list[str]] = []
    for asset in catalog.unhashed():
        catalog.hash(asset)
        names.append([info.title for info in catalog.refresh() if not info.built_in])
    assert sorted(names[-1]) == ["a", "b"]
    assert len(names[0]) == 1
    assert catalog.unhashed() == ()
    catalog.save()


def test_a_lora_is_found_by_its_hash_even_before_all_are_read(
    catalog: Catalog, folder: Path
) -> None:
    path = write_shapes(folder / "loras/fox.safetensors", kohya([("lora_unet_x", 8, 8)]))
    catalog.scan()
    (asset,) = catalog.unhashed()
    sha256 = catalog.look(path).sha256
    assert sha256 is None
    ref = Catalog([folder], folder.parent / "other").hash(asset).ref
    assert ref is not None
    assert catalog.path(ref) == path
    gone = ModelRef(sha256="cd" * 32, name="Hare", kind="lora")
    with pytest.raises(AppError) as refusal:
        catalog.path(gone)
    assert refusal.value.code == "model-missing"
    assert "LoRA" in refusal.value.sentence
    path.unlink()
    with pytest.raises(AppError) as refusal:
        catalog.path(ref)
    assert refusal.value.code == "model-missing"


def test_a_file_that_was_replaced_is_not_handed_on(catalog: Catalog, folder: Path) -> None:
    path = small_checkpoint(folder / "a.safetensors")
    info = only(catalog)
    small_checkpoint(path, seed=9)
    with pytest.raises(AppError) as refusal:
        catalog.path(info.ref)
    assert refusal.value.code == "model-changed"


def test_the_artists_defaults_are_those_of_the_model(catalog: Catalog, folder: Path) -> None:
    small_checkpoint(folder / "a.safetensors")
    info = only(catalog)
    asset = catalog.asset(info.ref)
    assert asset is not None
    wanted = Defaults(
        num_inference_steps=12,
        guidance_scale=3.5,
        scheduler="euler",
        sigmas="karras",
        width=640,
        height=512,
        negative_prompt="fog",
    )
    catalog.say(asset, Facts(defaults=wanted))
    changed = next(one for one in catalog.refresh() if not one.built_in)
    assert (changed.default_steps, changed.default_guidance) == (12, 3.5)
    assert (changed.default_scheduler, changed.default_sigmas) == ("euler", "karras")
    assert (changed.default_size, changed.default_negative) == ((640, 512), "fog")
    nonsense = Defaults(num_inference_steps=-1, guidance_scale=1e9, scheduler="magic", width=7)
    catalog.say(asset, Facts(defaults=nonsense))
    assert next(one for one in catalog.refresh() if not one.built_in) == info
