"""All models of all folders: listed, hashed, remembered; missing, moved and returned."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.errors import AppError, Cancelled
from desktop_app.library.assets import Assets
from desktop_app.library.hashing import file_sha256
from desktop_app.library.identity import Asset, Defaults, Facts, Identity
from desktop_app.library.index import Index, Row
from desktop_app.library.memory import Memory, Remembered
from desktop_app.library.stamp import stamp
from desktop_app.recipe.wishes import Wishes
from tests.library.files import checkpoint, kohya, vae, write_gguf, write_shapes
from tests.library.models import make_model, write_tensors

pytestmark = pytest.mark.core

LORA = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "models"
    made.mkdir()
    return made


@pytest.fixture
def assets(folder: Path, tmp_path: Path) -> Assets:
    return again(tmp_path)


def again(tmp_path: Path, *folders: Path) -> Assets:
    """As after a restart."""
    memory = Memory(tmp_path / "data/models.json")
    data = tmp_path / "data"
    return Assets(folders or (tmp_path / "models",), tmp_path / "cache", memory, data)


def lora(path: Path, number: int = 0, **metadata: str) -> Path:
    """A small LoRA for Stable Diffusion 1, each number with other weights."""
    write_shapes(path, kohya([(LORA, 768, 8)], rank=1), metadata=metadata)
    with path.open("r+b") as file:
        file.seek(-2, os.SEEK_END)
        file.write(number.to_bytes(2, "little"))
    return path


def by_name(found: tuple[Asset, ...]) -> dict[str, Asset]:
    return {asset.name: asset for asset in found}


def test_everything_is_listed_with_what_it_is(assets: Assets, folder: Path) -> None:
    make_model(folder / "pipeline")
    lora(folder / "loras/fox.safetensors", ss_output_name="x")
    write_shapes(folder / "big.safetensors", checkpoint("sd1"))
    write_shapes(folder / "a.vae.safetensors", vae())
    write_shapes(folder / "controlnet/x/diffusion_pytorch_model.safetensors", vae())
    (folder / "controlnet/x/config.json").write_text("{}")
    (folder / "old.ckpt").write_bytes(b"pickle")
    found = by_name(assets.scan())
    assert {name: one.identity.kind for name, one in found.items()} == {
        "pipeline": "checkpoint",
        "fox": "lora",
        "big": "checkpoint",
        "a.vae": "vae",
        "x": "vae",
        "old": "checkpoint",
    }
    assert all(asset.sha256 is None for asset in found.values())
    assert found["x"].path.name == "diffusion_pytorch_model.safetensors"
    assert [one.name for one in assets.unhashed()][:2] == ["pipeline", "big"]


def test_another_programs_folder_is_only_read(tmp_path: Path) -> None:
    root = tmp_path / "webui"
    lora(root / "models/Lora/fox.safetensors")
    (root / "models/Lora/fox.preview.png").write_bytes(b"png")
    (root / "models/Lora/fox.json").write_text(json.dumps({"activation text": "foxx"}))
    write_shapes(root / "models/Stable-diffusion/a.safetensors", {"x": (8,)})
    make_model(root / "models/diffusers/b")
    places = [root, *root.rglob("*")]
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in places}
    for path in places:
        path.chmod(0o555 if path.is_dir() else 0o444)
    assets = again(tmp_path, root)
    for asset in assets.scan():
        if not asset.unsupported:
            assets.say(assets.hash(asset), Facts(favourite=True, notes="good"))
    assets.save()
    assets.scan()
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in places} == before
    assert set(root.rglob("*")) == set(places[1:])
    for path in places:
        path.chmod(0o755)
    fox = by_name(assets.all())["fox"]
    assert fox.source == "A1111 / Forge"
    assert fox.trigger_words == ("foxx",)
    assert fox.preview == root / "models/Lora/fox.preview.png"


def test_both_hashes_of_a_file(assets: Assets, folder: Path) -> None:
    path = lora(folder / "fox.safetensors", ss_output_name="x")
    (asset,) = assets.scan()
    hashed = assets.hash(asset)
    assert hashed.file_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert hashed.sha256 is not None
    assert hashed.ref is not None
    assert (hashed.ref.kind, hashed.ref.sha256) == ("lora", hashed.sha256)
    assert assets.all() == (hashed,)
    # Metadata make no other tensors.
    other = lora(folder / "other.safetensors", ss_output_name="another name")
    assert file_sha256(other)[0] == hashed.sha256
    assert file_sha256(other)[1] != hashed.file_sha256
    assert file_sha256(lora(folder / "third.safetensors", 1))[0] != hashed.sha256


def test_a_gguf_and_a_pickle_are_hashed_too(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", {"a": (32, 3), "b": (32,)}, kind=8)
    tensors, whole = file_sha256(path)
    assert tensors is not None
    assert whole == hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "m.ckpt").write_bytes(b"pickle")
    assert file_sha256(tmp_path / "m.ckpt") == (None, hashlib.sha256(b"pickle").hexdigest())


def test_a_file_of_one_part_and_a_single_file_hash_alike(tmp_path: Path) -> None:
    tensors = {"b.weight": b"\1\2\3\4", "a": b"\5\6\7\10" * 2}
    write_tensors(tmp_path / "one.safetensors", tensors)
    write_tensors(tmp_path / "two.safetensors", dict(reversed(tensors.items())))
    assert (
        file_sha256(tmp_path / "one.safetensors")[0] == file_sha256(tmp_path / "two.safetensors")[0]
    )


def test_hashing_can_be_broken_off(assets: Assets, folder: Path) -> None:
    lora(folder / "fox.safetensors")
    (asset,) = assets.scan()
    with pytest.raises(Cancelled):
        assets.hash(asset, stop=lambda: True)
    assert assets.all()[0].sha256 is None
    told: list[tuple[int, int]] = []
    assets.hash(asset, lambda done, total: told.append((done, total)))
    assert told[-1] == (asset.identity.bytes, asset.identity.bytes)
    with pytest.raises(Cancelled):
        assets.scan(stop=lambda: True)


def test_what_is_known_survives_a_restart_without_a_look_at_the_file(
    assets: Assets, folder: Path, tmp_path: Path
) -> None:
    path = lora(folder / "fox.safetensors")
    (asset,) = assets.scan()
    hashed = assets.hash(asset)
    assets.save()
    # The same size and time, but nothing to read: what is known comes from the index.
    about = path.stat()
    path.write_bytes(bytes(about.st_size))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    (known,) = again(tmp_path).scan()
    assert known == hashed
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns + 1_000_000_000))
    (changed,) = again(tmp_path).scan()
    assert (changed.identity.kind, changed.sha256) == ("unknown", None)


FACTS = Facts(
    favourite=True,
    notes="for winter\nscenes",
    trigger_words=("foxx", "snow"),
    defaults=Defaults(weight=0.7, num_inference_steps=12, scheduler="euler"),
    wishes=Wishes(dtype="bfloat16", float8=False),
)


def test_what_the_artist_says_is_kept_whatever_happens_to_the_file(
    assets: Assets, folder: Path, tmp_path: Path
) -> None:
    path = lora(folder / "fox.safetensors")
    (asset,) = assets.scan()
    said = assets.say(asset, FACTS)  # before the hash is known
    assert (said.favourite, said.notes, said.trigger_words) == (True, FACTS.notes, ("foxx", "snow"))
    hashed = assets.hash(said)
    assert hashed.facts == FACTS
    assets.save()
    (folder / "deep").mkdir()
    path.rename(folder / "deep/renamed.safetensors")
    later = again(tmp_path)
    (moved, *others) = later.scan()
    assert moved.path == folder / "deep/renamed.safetensors"
    assert [one.missing for one in others] == [True]
    assert later.hash(moved).facts == FACTS
    (only,) = later.scan()
    assert (only.path.name, only.facts, only.missing) == ("renamed.safetensors", FACTS, False)
    only.path.unlink()
    (gone,) = again(tmp_path).scan()
    assert (gone.missing, gone.facts, gone.name, gone.identity.kind) == (True, FACTS, "fox", "lora")
    lora(folder / "back.safetensors")
    back = again(tmp_path)
    found = by_name(back.scan())
    assert back.hash(found["back"]).facts == FACTS


@pytest.mark.parametrize("way", ["renamed", "emptied"])
def test_a_drive_that_is_out_takes_nothing_along(tmp_path: Path, way: str) -> None:
    drive = tmp_path / "drive"
    lora(drive / "loras/fox.safetensors")
    lora(drive / "loras/hare.safetensors", 1)
    make_model(drive / "diffusers/dream")
    assets = again(tmp_path, drive)
    hashed = {one.name: assets.hash(one).sha256 for one in assets.scan()}
    assets.save()
    drive.rename(tmp_path / "out")
    if way == "emptied":
        drive.mkdir()
    out = again(tmp_path, drive)
    found = by_name(out.scan())
    assert {name: one.sha256 for name, one in found.items()} == hashed
    assert all(one.missing for one in found.values())
    assert out.unhashed() == ()
    if way == "emptied":
        drive.rmdir()
    (tmp_path / "out").rename(drive)
    make_model(tmp_path / "models/other", seed=3)
    back = again(tmp_path, tmp_path / "models", drive)
    for asset in back.scan():
        back.hash(asset)
    found = by_name(back.all())
    assert {name: found[name].sha256 for name in hashed} == hashed
    assert not any(one.missing for one in found.values())


def test_a_deleted_file_of_which_nothing_was_said_is_forgotten(
    assets: Assets, folder: Path, tmp_path: Path
) -> None:
    path = lora(folder / "fox.safetensors")
    lora(folder / "hare.safetensors", 1)
    assert len(assets.scan()) == 2
    path.unlink()
    assert [one.name for one in assets.scan()] == ["hare"]
    assert [one.name for one in again(tmp_path).scan()] == ["hare"]


def test_our_own_folder_can_be_emptied(tmp_path: Path) -> None:
    """No drive is mounted there: what was deleted is gone, but for what the artist spoke of."""
    own = tmp_path / "data/models"
    fox, hare = lora(own / "fox.safetensors"), lora(own / "hare.safetensors", 1)
    assets = again(tmp_path, own)
    found = by_name(assets.scan())
    assets.say(assets.hash(found["fox"]), FACTS)
    fox.unlink()
    hare.unlink()
    assert [(one.name, one.missing, one.facts) for one in assets.scan()] == [("fox", True, FACTS)]


def test_a_folder_that_is_no_longer_watched_is_known_when_it_comes_back(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    lora(first / "fox.safetensors")
    lora(second / "hare.safetensors", 1)
    both = again(tmp_path, first, second)
    hashes = {one.name: both.hash(one).sha256 for one in both.scan()}
    both.save()
    assert [one.name for one in again(tmp_path, second).scan()] == ["hare"]
    found = again(tmp_path, first, second).scan()
    assert {one.name: one.sha256 for one in found} == hashes


def test_a_lora_that_says_nothing_is_what_its_sidecar_says(assets: Assets, folder: Path) -> None:
    write_shapes(folder / "x.safetensors", {"some.lora_down.weight": (4, 4)})
    (folder / "x.civitai.info").write_text(json.dumps({"baseModel": "SDXL 1.0"}))
    (asset,) = assets.scan()
    assert (asset.identity.kind, asset.identity.family) == ("lora", "sdxl")


def test_a_pickle_is_what_its_folder_says(assets: Assets, folder: Path) -> None:
    for place in ("Stable-diffusion/a.ckpt", "embeddings/b.pt", "ESRGAN/c.pth", "d.pt"):
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_bytes(b"x")
    found = {name: one.identity.kind for name, one in by_name(assets.scan()).items()}
    assert found == {"a": "checkpoint", "b": "embedding", "c": "upscaler", "d": "embedding"}
    assert assets.unhashed() == ()


@pytest.mark.parametrize(
    ("name", "text"), [("model.py", "x"), ("config.json", '{"auto_map": {"A": "evil--x.Y"}}')]
)
def test_a_part_with_code_beside_it_is_refused(
    assets: Assets, folder: Path, name: str, text: str
) -> None:
    write_shapes(folder / "vae/part/diffusion_pytorch_model.safetensors", vae())
    (folder / "vae/part/config.json").write_text("{}")
    assert assets.scan()[0].unsupported == ""
    (folder / "vae/part" / name).write_text(text)
    (asset,) = assets.scan()
    assert "was not used" in asset.unsupported
    assert assets.unhashed() == ()


def test_names_of_the_hugging_face_cache(tmp_path: Path) -> None:
    snapshot = tmp_path / "hub/models--org--fine-fox/snapshots/abc"
    make_model(snapshot)
    lora(tmp_path / "hub/models--org--loras/snapshots/abc/red.safetensors")
    lora(tmp_path / "hub/models--org--one/snapshots/abc/model.safetensors", 1)
    found = again(tmp_path, tmp_path / "hub").scan()
    assert [one.name for one in found] == ["fine-fox", "loras red", "one"]
    assert {one.source for one in found} == {"Hugging Face cache"}


def test_a_scan_tells_which_state_of_the_folders_it_read(assets: Assets, folder: Path) -> None:
    lora(folder / "a.safetensors")
    assets.scan()
    assert assets.seen == stamp([folder])
    lora(folder / "b.safetensors", 1)
    assert assets.seen != stamp([folder])

    def change() -> bool:
        (folder / "a.safetensors").unlink(missing_ok=True)
        return False

    assets.scan(change)
    assert assets.seen is None
    assets.scan(change)
    assert assets.seen == stamp([folder])


def test_a_stamp_sees_names_sizes_and_times_and_follows_no_link(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    stamps = [stamp([folder])]
    file = lora(folder / "deep/er/a.safetensors")
    stamps.append(stamp([folder]))
    os.utime(file, ns=(1, 1))
    stamps.append(stamp([folder]))
    file.rename(file.with_stem("b"))
    stamps.append(stamp([folder]))
    file.with_stem("b").rename(folder / "b.safetensors")
    stamps.append(stamp([folder]))
    assert len(set(stamps)) == len(stamps)
    (folder / "circle").symlink_to(folder)
    linked = stamp([folder])
    lora(tmp_path / "elsewhere/c.safetensors")
    (folder / "other").symlink_to(tmp_path / "elsewhere")
    before = stamp([folder])
    lora(tmp_path / "elsewhere/d.safetensors")
    assert linked != before == stamp([folder])


def test_one_file_wherever_it_lies(assets: Assets, tmp_path: Path) -> None:
    path = lora(tmp_path / "desktop/fox.safetensors")
    assert assets.look(path).identity.kind == "lora"
    assert assets.look(make_model(tmp_path / "m")).identity.kind == "checkpoint"
    assert assets.look(tmp_path / "absent.safetensors").unsupported


# --- the two files -------------------------------------------------------------------------------


def remembered(facts: Facts = FACTS) -> Remembered:
    return Remembered(
        facts=facts, name="fox", path=Path("/x/fox.safetensors"), kind="lora", family="sd1"
    )


def test_the_memory_gives_back_what_was_said(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    Memory(path).put("ab" * 32, remembered())
    assert Memory(path).get("ab" * 32) == FACTS
    assert Memory(path).all() == {"ab" * 32: remembered()}
    assert Memory(path).get("cd" * 32) == Facts()
    Memory(path).put("ab" * 32, remembered(Facts()))
    assert Memory(path).all() == {}


@given(
    st.builds(
        Facts,
        favourite=st.booleans(),
        notes=st.text(max_size=40),
        defaults=st.builds(
            Defaults,
            num_inference_steps=st.none() | st.integers(1, 500),
            guidance_scale=st.none() | st.floats(0, 50),
            width=st.none() | st.integers(64, 4096),
            negative_prompt=st.none() | st.text(max_size=40),
        ),
    )
)
def test_any_words_come_back(tmp_path_factory: pytest.TempPathFactory, facts: Facts) -> None:
    path = tmp_path_factory.getbasetemp() / "words.json"
    path.unlink(missing_ok=True)
    Memory(path).put("k", remembered(replace(facts, favourite=True)))
    assert Memory(path).get("k") == replace(facts, favourite=True)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "null", "\0" * 100])
def test_a_memory_that_cannot_be_read_is_kept_aside(tmp_path: Path, text: str) -> None:
    path = tmp_path / "models.json"
    path.write_text(text)
    memory = Memory(path)
    assert memory.all() == {}
    assert (tmp_path / "models.json.bad").read_text() == text
    memory.put("k", remembered())
    assert Memory(path).get("k") == FACTS


def test_a_memory_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    text = json.dumps({"version": 99, "models": {"k": {"favourite": True, "notes": 5}}})
    path.write_text(text)
    assert Memory(path).get("k") == Facts(favourite=True)
    with pytest.raises(AppError) as refusal:
        Memory(path).put("k", remembered())
    assert refusal.value.code == "memory-newer"
    assert path.read_text() == text


def test_a_disk_that_takes_nothing_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "data/models.json"
    memory = Memory(path)
    memory.put("k", remembered())
    shutil.rmtree(path.parent)
    path.parent.write_text("a file where the folder was")
    with pytest.raises(AppError) as refusal:
        memory.put("k", remembered(Facts()))
    assert refusal.value.code == "write-failed"
    assert memory.get("k") == FACTS


@pytest.mark.parametrize(
    "row",
    [
        5,
        {"favourite": "yes", "notes": [], "trigger_words": [5], "defaults": [1], "kind": "x"},
        {"defaults": {"weight": "x", "width": True, "scheduler": 5}, "path": "a\0b"},
    ],
)
def test_nonsense_in_the_memory_is_as_if_it_were_not_there(tmp_path: Path, row: object) -> None:
    path = tmp_path / "models.json"
    path.write_text(json.dumps({"version": 1, "models": {"k": row}}))
    assert Memory(path).get("k") == Facts()
    Memory(path).all()


IDENTITY = Identity(
    kind="lora",
    format="safetensors",
    family="sd1",
    native_size=(512, 768),
    trigger_words=("a", "b"),
    metadata={"x": "y"},
    zero_snr=True,
    rank=4,
)


def test_the_index_gives_back_what_was_put(tmp_path: Path) -> None:
    row = Row(size=5, mtime_ns=7, identity=IDENTITY, sha256="ab" * 32)
    index = Index(tmp_path / "i.json")
    index.put(Path("/x/a"), row)
    index.save()
    read = Index(tmp_path / "i.json")
    assert read.get(Path("/x/a"), 5, 7) == row
    assert read.get(Path("/x/a"), 5, 8) is None
    assert read.get(Path("/x/b"), 5, 7) is None
    read.drop([Path("/x/a")])
    read.save()
    assert Index(tmp_path / "i.json").all() == {}


@pytest.mark.parametrize(
    "change",
    [
        {"size": "5"},
        {"sha256": 5},
        {"identity": {"kind": "x", "format": "gguf"}},
        {"identity": {"kind": "lora", "format": "gguf", "rank": "4"}},
        {"identity": 5},
    ],
)
def test_rows_of_the_index_that_are_nonsense_are_left_out(
    tmp_path: Path, change: dict[str, object]
) -> None:
    path = tmp_path / "i.json"
    index = Index(path)
    index.put(Path("/x/a"), Row(size=5, mtime_ns=7, identity=IDENTITY))
    index.save()
    data = json.loads(path.read_text())
    data["files"]["/x/a"] |= change
    path.write_text(json.dumps(data))
    assert Index(path).all() == {}
    path.write_text("{")
    assert Index(path).all() == {}
