"""ShelfModel and ParameterModel: seeds and settings under names, and how the draft takes them."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.preset import Preset, same
from desktop_app.recipe.preset_file import PARAMETERS, SEEDS
from desktop_app.recipe.presets import (
    SEED_PARTS,
    DraftPreset,
    ParameterPreset,
    Part,
    SeedPreset,
    applied,
    parameter_preset,
    seed_preset,
    shows,
    start_of,
    with_sample,
)
from desktop_app.recipe.recipe import FromNoise, Recipe
from desktop_app.studio.background import Background
from desktop_app.studio.editor import Editor
from desktop_app.studio.preset_model import PresetModel, now
from desktop_app.studio.small_pictures import Noise, SmallPictures

if TYPE_CHECKING:
    from desktop_app.store.shelf import Shelf

D = TypeVar("D", bound=DraftPreset)


class ShelfModel(PresetModel[SeedPreset]):
    """Seeds under names, in the artist's order.

    Signals:
        active_changed(): another preset, or none, has the draft's seed.
    """

    active_changed = Signal()

    def __init__(
        self,
        editor: Editor,
        disk: Background,
        pictures: SmallPictures,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(SEEDS, disk, pictures, parent)
        self._editor = editor
        self._active = ""
        editor.changed.connect(self._follow)

    @property
    def active(self) -> str:
        """The preset that the draft's seed is from; empty for none."""
        return self._active

    def save(self, name: str, picture: str = "", *, parts: Collection[Part] = SEED_PARTS) -> None:
        """Keep the draft's seed, with what makes it that picture, under a name.

        One of that name is replaced; its tags and notes stay.

        Args:
            picture: hash of the pixels of the picture it stands for; may be empty.
            parts: what of the draft is kept with it.
        """
        draft, known = self._editor.draft, (picture,) if picture else ()

        def work(store: "Shelf[SeedPreset]") -> None:
            labels = _labels(store.list(), name.strip())
            made = {"created": now(), "samples": known}
            store.save(seed_preset(name.strip(), draft, parts, **made, **labels))

        self._do(work)

    def apply(self, name: str, parts: Iterable[Part] | None = ()) -> None:
        """Put a preset's seed into the draft and lock it there.

        Args:
            parts: what else it keeps that the draft shall take; None for all of it.
        """
        preset = self.preset(name)
        if preset is not None:
            draft = applied(preset, self._editor.draft, parts)
            self._editor.replace(draft, f"Seed of “{name}”")

    def note_picture(self, recipe: Recipe, pixels_sha256: str) -> None:
        _note(self, recipe, pixels_sha256)

    def image_of(self, preset: SeedPreset) -> QImage | None:
        """A picture that was made with the seed, or the seed's noise."""
        image = self._pictures.sample(preset.samples)
        if image is None and self._pictures.has_none(preset.samples):
            return self._pictures.noise(noise_key(preset))
        return image

    def noise_image(self, preset: SeedPreset) -> QImage | None:
        """The noise that the seed begins with; None while it is not drawn."""
        return self._pictures.noise(noise_key(preset))

    def is_on(self, preset: SeedPreset) -> bool:
        return _noise(preset.draft) == _noise(self._editor.draft)

    def _show(self, rows: tuple[SeedPreset, ...], own: frozenset[str]) -> None:
        super()._show(rows, own)
        self._find_active(self._editor.draft)

    @Slot(object, object)
    def _follow(self, draft: Draft, before: Draft) -> None:
        if _noise(draft) != _noise(before):
            self._find_active(draft)

    def _find_active(self, draft: Draft) -> None:
        wanted = _noise(draft)
        active = next((row.name for row in self._rows if _noise(row.draft) == wanted), "")
        if active != self._active:
            self._active = active
            self.active_changed.emit()


class ParameterModel(PresetModel[ParameterPreset]):
    """Everything but the seed and the words, under names."""

    def __init__(
        self,
        editor: Editor,
        disk: Background,
        pictures: SmallPictures,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(PARAMETERS, disk, pictures, parent)
        self._editor = editor

    def save(self, name: str, picture: str, parts: Collection[Part]) -> None:
        """Keep the draft's settings under a name; arguments as `ShelfModel.save`."""
        draft, known = self._editor.draft, (picture,) if picture else ()

        def work(store: "Shelf[ParameterPreset]") -> None:
            labels = _labels(store.list(), name.strip())
            made = {"created": now(), "samples": known}
            store.save(parameter_preset(name.strip(), draft, parts, **made, **labels))

        self._do(work)

    def note_picture(self, recipe: Recipe, pixels_sha256: str) -> None:
        _note(self, recipe, pixels_sha256)

    def is_on(self, preset: ParameterPreset) -> bool:
        draft = self._editor.draft
        return applied(preset, draft) == replace(draft, branch=applied(preset, draft).branch)


def noise_key(preset: SeedPreset) -> Noise:
    """The noise that a preset stands for."""
    return preset.seed, preset.start, preset.width, preset.height


def _labels(presets: Iterable[Preset], name: str) -> dict[str, Any]:
    """Tags and notes of the preset of that name, which another one takes over."""
    old = next((one for one in presets if same(one.name, name)), None)
    return {} if old is None else {"tags": old.tags, "notes": old.notes}


def _noise(draft: Draft) -> tuple[int, FromNoise]:
    return draft.seed, start_of(draft)


def _note(
    model: PresetModel[SeedPreset] | PresetModel[ParameterPreset],
    recipe: Recipe,
    pixels_sha256: str,
) -> None:
    for preset in model.presets():
        if shows(preset, recipe):
            model.change(preset.name, lambda one: _sampled(one, pixels_sha256))


def _sampled(preset: D, pixels_sha256: str) -> D:
    return replace(preset, samples=with_sample(preset, pixels_sha256))
