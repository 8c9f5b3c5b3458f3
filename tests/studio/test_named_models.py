"""Models that another program's words name, found among those that are here."""

from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.library.identity import Asset, Identity, Kind
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.foreign import NamedModel, NamedModels
from desktop_app.recipe.recipe import ADAPTERS_MAX, EmbeddingUse, LoraUse, ModelRef
from desktop_app.studio.named_models import fields_named


def asset(kind: Kind, file: str, name: str, digit: str, variant: str = "") -> Asset:
    return Asset(
        path=Path("/models", file),
        identity=Identity(kind=kind, family="sd15", format="safetensors", variant=variant),
        name=name,
        sha256=digit * 64,
        file_sha256=f"f{digit}" * 32,
    )


INK = asset("lora", "ink_v2.safetensors", "Ink", "1")
OIL = asset("lora", "oil.safetensors", "Oil", "2")
BAD = asset("embedding", "bad-hands.pt", "Bad hands", "3")
MSE = asset("vae", "vae-ft-mse.safetensors", "MSE", "4")
CLIP = asset("text-encoder", "clip_l.safetensors", "CLIP L", "5", variant="clip-l")
OLD = asset("text-encoder", "clip_old.safetensors", "CLIP old", "6", variant="clip-l")
T5 = asset("text-encoder", "t5xxl.safetensors", "T5", "7", variant="t5-xxl")
HERE = (INK, OIL, BAD, MSE, CLIP, OLD, T5)


def ref(one: Asset) -> ModelRef:
    assert one.ref is not None
    return one.ref


@pytest.mark.parametrize(
    "named",
    [
        NamedModel(name="nothing like it", hash="f4f4f4f4f4"),
        NamedModel(name="vae-ft-mse.safetensors"),
        NamedModel(name="VAE-ft-MSE"),
        NamedModel(name="mse", hash="0000000000"),
        NamedModel(name="", hash="f4f4f4f4f4"),
    ],
)
def test_a_vae_is_found_by_its_hash_or_its_name(named: NamedModel) -> None:
    assert fields_named(Draft(), NamedModels(vae=named), HERE, None) == ({"vae": ref(MSE)}, ())


@pytest.mark.parametrize(
    "lost",
    [
        replace(MSE, missing=True),
        replace(MSE, sha256=None),
        replace(MSE, identity=replace(MSE.identity, unsupported="It is damaged.")),
        replace(MSE, identity=replace(MSE.identity, kind="lora")),
    ],
)
def test_what_cannot_be_used_is_said(lost: Asset) -> None:
    named = NamedModels(vae=NamedModel(name="MSE"))
    expected = ("Its VAE, MSE, cannot be used here.",)
    assert fields_named(Draft(), named, (lost,), None) == ({}, expected)
    hashed = NamedModels(vae=NamedModel(name="", hash="f4"))
    assert fields_named(Draft(), hashed, (lost,), None)[1] == ("Its VAE cannot be used here.",)


def test_modules_take_the_places_that_they_were_made_for() -> None:
    draft = Draft(text_encoders=(ref(OLD), ref(T5)))
    named = NamedModels(
        modules=tuple(NamedModel(name=name) for name in ("vae-ft-mse", "clip_l", "gone"))
    )
    fields, notes = fields_named(draft, named, HERE, None)
    assert fields == {"vae": ref(MSE), "text_encoders": (ref(CLIP), ref(T5))}
    assert notes == ("Its module, gone, cannot be used here.",)


def test_a_textual_inversion_is_attached_once_under_its_word() -> None:
    ink = LoraUse(lora=ref(INK))
    named = NamedModels(embeddings=(NamedModel(name="badhands", hash="f3f3f3f3f3"),))
    new = EmbeddingUse(embedding=ref(BAD), token="badhands")
    fields, _ = fields_named(Draft(adapters=(ink,)), named, HERE, None)
    assert fields == {"adapters": (ink, new)}
    assert fields_named(Draft(adapters=(ink, new)), named, HERE, None) == ({}, ())
    full = Draft(adapters=(ink,) * ADAPTERS_MAX)
    assert fields_named(full, named, HERE, None)[0] == {}


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a <lora:my ink, old:0.5:lbw=ALL> fox", "a <lora:ink_v2:0.5:lbw=ALL> fox"),
        ("<lora:my ink, old:1><lora:oil:1>, <lora:my ink, old:2>",
         "<lora:ink_v2:1><lora:oil:1>, <lora:ink_v2:2>"),
        (r"a \<lora:my ink, old:1> fox", None),
        ("a <lora:Ink:0.5> fox", None),
        ("a <lora:oil:1> fox", None),
    ],
)  # fmt: skip
def test_a_lora_is_called_by_the_name_that_it_has_here(prompt: str, expected: str | None) -> None:
    told = {"my ink old": "f1f1f1f1f1", "Ink": "1" * 12, "oil": "e" * 10}
    named = NamedModels(loras=tuple(NamedModel(name=n, hash=h) for n, h in told.items()))
    fields, notes = fields_named(Draft(prompt=prompt), named, HERE, None)
    assert fields == ({} if expected is None else {"prompt": expected})
    assert notes == ()


def test_a_lora_is_found_by_the_hash_that_its_trainer_wrote_into_it() -> None:
    """A1111 knows it by that one, of which twelve digits are told."""
    told = replace(INK, identity=replace(INK.identity, metadata={"sshs_model_hash": "ab" * 32}))
    named = NamedModels(loras=(NamedModel(name="old", hash="ab" * 6),))
    fields, notes = fields_named(Draft(prompt="a <lora:old:1> fox"), named, (told, OIL), None)
    assert (fields, notes) == ({"prompt": "a <lora:ink_v2:1> fox"}, ())
