"""The models here that another program's words mean, beside the one that makes the picture."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from desktop_app.library.called import loras_by_name
from desktop_app.library.completion import with_text_encoder
from desktop_app.library.identity import Asset, Kind
from desktop_app.library.told import lora_sha256
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.foreign import NamedModel, NamedModels, NamedRefiner
from desktop_app.recipe.lora_tags import lora_tags, renamed
from desktop_app.recipe.recipe import ADAPTERS_MAX, EmbeddingUse, RefinerUse
from desktop_app.studio.asset_use import fitting

if TYPE_CHECKING:
    from desktop_app.library.info import ModelInfo


def fields_named(
    draft: Draft, named: NamedModels, assets: Sequence[Asset], model: "ModelInfo | None"
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The fields of a draft that take in what is here of it, each found by its hash before its
    name; and one sentence for each that is not here or cannot be used with the model.

    LoRAs are called by the prompt, and found by their names when pictures are made of it; one whose
    hash is known here under another name is called by that.
    """
    finder = _Finder(draft, assets, model)
    if named.refiner is not None:
        finder.refiner(named.refiner)
    if named.vae is not None:
        finder.vae(named.vae)
    for one in named.modules:
        finder.module(one)
    for one in named.embeddings:
        finder.embedding(one)
    prompt = _by_our_names(draft.prompt, named.loras, assets)
    if prompt != draft.prompt:
        finder.fields["prompt"] = prompt
    return finder.fields, tuple(finder.notes)


class _Finder:
    """Fields of a draft as they are found, and what was not."""

    def __init__(self, draft: Draft, assets: Sequence[Asset], model: "ModelInfo | None") -> None:
        self._draft, self._assets, self._model = draft, assets, model
        self.fields: dict[str, Any] = {}
        self.notes: list[str] = []

    def refiner(self, named: NamedRefiner) -> None:
        asset = self._asset(NamedModel(name=named.name, hash=named.hash), "refiner", "refiner")
        if asset is not None and asset.ref is not None:
            self.fields["refiner"] = RefinerUse(model=asset.ref, start=named.start)

    def vae(self, named: NamedModel) -> None:
        asset = self._asset(named, "VAE", "vae")
        if asset is not None:
            self.fields["vae"] = asset.ref

    def module(self, named: NamedModel) -> None:
        asset = self._asset(named, "module", "vae", "text-encoder")
        if asset is None:
            return
        if asset.identity.kind == "vae":
            self.fields["vae"] = asset.ref
            return
        before = self.fields.get("text_encoders", self._draft.text_encoders)
        self.fields["text_encoders"] = with_text_encoder(before, asset, self._assets)

    def embedding(self, named: NamedModel) -> None:
        asset = self._asset(named, "textual inversion", "embedding")
        if asset is None or asset.ref is None:
            return
        uses = self.fields.get("adapters", self._draft.adapters)
        new = EmbeddingUse(embedding=asset.ref, token=named.name[:200])
        if new not in uses and len(uses) < ADAPTERS_MAX:
            self.fields["adapters"] = (*uses, new)

    def _asset(self, named: NamedModel, word: str, *kinds: Kind) -> Asset | None:
        fit = fitting(self._assets, self._model, *kinds)
        there = [one for one in fit if one.ref is not None]
        hashed = (one for one in there if _has_hash(one, named.hash))
        called = (one for one in there if _is_called(one, named.name))
        found = next(itertools.chain(hashed, called), None)
        if found is None:
            said = f"{word}, {named.name}," if named.name else word
            self.notes.append(f"Its {said} cannot be used here.")
        return found


def _by_our_names(prompt: str, named: Iterable[NamedModel], assets: Iterable[Asset]) -> str:
    """The prompt with the LoRAs whose hash is known here under the names that they have here."""
    digits = {one.name: one.hash for one in named}
    here = loras_by_name(assets)
    # From the end on, so that the places of those before stay true.
    for tag in reversed(lora_tags(prompt)):
        # A1111 writes these names without commas.
        wanted = digits.get(tag.call.name.replace(",", ""), "")
        named_so = here.get(tag.call.name)
        if named_so is None or not _has_hash(named_so, wanted):
            other = next((name for name, one in here.items() if _has_hash(one, wanted)), None)
            prompt = prompt if other is None else renamed(prompt, tag, other)
    return prompt


def _has_hash(asset: Asset, digits: str) -> bool:
    hashes = (asset.sha256, asset.file_sha256, lora_sha256(asset.identity.metadata))
    return bool(digits) and any((one or "").startswith(digits) for one in hashes)


def _is_called(asset: Asset, name: str) -> bool:
    names = {one.casefold() for one in (asset.name, asset.path.name, asset.path.stem)}
    return name.casefold() in names
