"""Everything that a recipe attaches to its model, on and off again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import ref as weak

from desktop_app.engine.adapters import embedding, lora
from desktop_app.engine.adapters.copies import Copies
from desktop_app.engine.adapters.text_encoder import load_text_encoder
from desktop_app.engine.adapters.vae import load_vae
from desktop_app.engine.model import Model
from desktop_app.errors import AppError
from desktop_app.recipe.recipe import EmbeddingUse, LoraUse, ModelRef, Recipe

KEEP_VAES = 2
KEEP_TEXT_ENCODERS = 2

_Place = tuple[weak[Any], str, frozenset[str]]
"""The pipeline that a text encoder was read for, its hash, and what others stood in for then."""


class Attachments:
    """Finds what a recipe names, and keeps the VAEs and text encoders that were used last."""

    def __init__(self, weights: Callable[[ModelRef], Path]) -> None:
        self._weights = weights
        self._vaes: OrderedDict[Hashable, Any] = OrderedDict()
        self._encoders: OrderedDict[_Place, tuple[str, Any]] = OrderedDict()
        self._copies = Copies()

    @contextmanager
    def of(self, model: Model, recipe: Recipe) -> Iterator[None]:
        """Let a model's pipeline work with the LoRAs, embeddings and text encoders of a recipe.

        Raises:
            AppError: `adapter-family` for one that was made for another kind of model; see `lora`,
                `embedding` and `load_text_encoder`.
        """
        loras = [
            lora.Lora(
                path=self._weights(use.lora),
                name=use.lora.name,
                weight=use.weight,
                blocks=use.blocks,
            )
            for use in recipe.adapters
            if isinstance(use, LoraUse)
        ]
        words = [
            embedding.Embedding(
                path=self._weights(use.embedding), name=use.embedding.name, token=use.token
            )
            for use in recipe.adapters
            if isinstance(use, EmbeddingUse)
        ]
        self._check_kinds(model, loras, words)
        with (
            self._read_by(model, recipe),
            lora.attached(model.pipe, loras, model.name, self._copies),
            embedding.known(model.pipe, words, model.name),
        ):
            yield

    def _check_kinds(
        self, model: Model, loras: list[lora.Lora], words: list[embedding.Embedding]
    ) -> None:
        for kind, label, used in (("lora", "LoRAs", loras), ("embedding", "embeddings", words)):
            if used and kind not in model.family.adapters:
                raise AppError(
                    "adapter-family",
                    f"{model.family.label} models take no {label} here, so {used[0].name} cannot "
                    f"be attached to {model.name}.",
                    hint="Take it off, or choose another model.",
                )

    @contextmanager
    def _read_by(self, model: Model, recipe: Recipe) -> Iterator[None]:
        """Let the pipeline of a whole model read with the text encoders that a recipe names."""
        own: dict[str, Any] = {}
        try:
            for ref in () if model.lent is not None else recipe.text_encoders:
                part, encoder = self._encoder(model, ref, own.keys())
                own[part] = getattr(model.pipe, part)
                setattr(model.pipe, part, encoder)
            yield
        finally:
            for part, encoder in own.items():
                setattr(model.pipe, part, encoder)

    def _encoder(self, model: Model, ref: ModelRef, taken: Set[str]) -> tuple[str, Any]:
        # Of this very pipeline: it has its precision, and may have its projection.
        key = weak(model.pipe), ref.sha256, frozenset(taken)
        if key not in self._encoders:
            self._encoders[key] = load_text_encoder(self._weights(ref), ref.name, model, taken)
            while len(self._encoders) > KEEP_TEXT_ENCODERS:
                self._encoders.popitem(last=False)
        self._encoders.move_to_end(key)
        return self._encoders[key]

    @contextmanager
    def vae(self, model: Model, recipe: Recipe) -> Iterator[None]:
        """Let a model's pipeline decode with the VAE that a recipe names.

        Raises:
            AppError: `vae-none` when the model decodes in another way; see also `load_vae`.
        """
        ref = recipe.vae
        if ref is None:
            yield
            return
        pipe, own = model.pipe, getattr(model.pipe, "vae", None)
        if own is None:
            raise AppError(
                "vae-none",
                f"The model {model.name} has no VAE that another could stand in for.",
                hint="Take the VAE off under Advanced.",
            )
        key = model.config_sha256, ref.sha256, own.dtype, own.device
        if key not in self._vaes:
            self._vaes[key] = load_vae(self._weights(ref), ref.name, own, model.name)
            while len(self._vaes) > KEEP_VAES:
                self._vaes.popitem(last=False)
        self._vaes.move_to_end(key)
        pipe.vae = self._vaes[key]
        try:
            yield
        finally:
            pipe.vae = own

    def clear(self) -> None:
        """Free what is kept."""
        self._vaes.clear()
        self._encoders.clear()
        self._copies.clear()

    def make_room(self) -> None:
        """Free what is quickly made again, and what was read for a pipeline that is gone."""
        self._copies.clear()
        gone = [key for key in self._encoders if key[0]() is None]
        for key in gone:
            del self._encoders[key]
