"""MemoryDesk: how models are kept in memory, told before they are loaded and decided here."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.engine.plan import (
    DECODERS,
    USUAL_PIXELS,
    Place,
    Plan,
    float8_of,
    in_words,
    make_plan,
    offloads_of,
)
from desktop_app.recipe.families import FAMILIES
from desktop_app.recipe.recipe import ModelRef
from desktop_app.recipe.unread import unread
from desktop_app.recipe.wishes import Dtype, Offload, Wishes, wishes_in
from desktop_app.settings import Settings
from desktop_app.studio.background import Background
from desktop_app.studio.conductor import Conductor
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.settings_holder import SettingsHolder
from desktop_app.studio.values import Notice

if TYPE_CHECKING:
    from desktop_app.engine.backend import DeviceChoice, DeviceInfo
    from desktop_app.library.identity import Asset
    from desktop_app.studio.values import Record
    from desktop_app.weights.counting import Held


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What can be decided here, for one model or for all.

    Attributes:
        usual: what comes of it where nothing is decided.
    """

    dtypes: tuple[Dtype, ...] = ()
    offloads: tuple[Offload, ...] = ()
    float8: bool = False
    usual: Wishes = field(default_factory=Wishes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """How a model will be kept.

    Attributes:
        words: the plan, in a sentence or two.
        own: what is decided of this model.
        exact: whether its pixels are those of the automatic plan.
    """

    words: str
    choices: Choices
    own: Wishes
    exact: bool


class MemoryDesk(QObject):
    """Plans for models that are not loaded yet, and the decisions that change them.

    Signals:
        changed(): the device, or what is decided for all models.
        planned(Path): `outlook` tells of the model at this place from now on.
        notice(Notice): what was done because memory ran out.
        failed(AppError)
    """

    changed = Signal()
    planned = Signal(object)
    notice = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        library: LibraryModel,
        settings: SettingsHolder,
        reads: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._library, self._settings, self._reads = library, settings, reads
        self._device: DeviceInfo | None = None
        self._usual = wishes_in(dict(settings.values.memory))
        self._held: dict[tuple[Path, int], Held] = {}
        self._told: tuple[str, ...] = ()
        self._reading: set[tuple[Path, int]] = set()
        settings.changed.connect(self._settings_changed)

    @property
    def usual(self) -> Wishes:
        """What is decided for all models."""
        return self._usual

    @property
    def devices(self) -> "tuple[DeviceChoice, ...]":
        """All devices that pictures can be made on; none until the engine has looked."""
        return self._device.choices if self._device is not None else ()

    @property
    def choices(self) -> Choices:
        """What can be decided for all models; nothing until the engine has looked."""
        place = self._place
        if place is None:
            return Choices()
        return Choices(dtypes=place.dtypes, offloads=place.offloads, float8=place.float8)

    def wishes(self, ref: ModelRef) -> Wishes:
        """How a model is to be kept; may be called in any thread."""
        return self._library.wishes(ref).over(self._usual)

    def decide(self, wishes: Wishes) -> None:
        """Keep all models so, except those of which something else is decided."""
        self._settings.set(memory=wishes.written())

    def choose_device(self, key: str) -> None:
        """Make pictures on another device; empty for the best there is."""
        self._settings.set(device=key)

    def follow(self, conductor: Conductor) -> None:
        """Know the device that pictures are made on, and tell what was done for their memory."""
        conductor.device_changed.connect(self._take_device)
        conductor.stored.connect(lambda _, record: self._tell_notes(record))

    def outlook(self, asset: "Asset") -> Outlook | None:
        """How a model will be kept.

        Returns:
            None where that is not known yet; `planned` tells when it is.
        """
        place = self._place
        if place is None or asset.missing:
            return None
        held = self._held.get(_key(asset))
        if held is None:
            self._read(asset)
            return None
        own = asset.facts.wishes
        plan = make_plan(held, place, USUAL_PIXELS, own.over(self._usual))
        free = make_plan(held, place, USUAL_PIXELS)
        usual = make_plan(held, place, USUAL_PIXELS, self._usual)
        choices = Choices(
            dtypes=place.dtypes,
            offloads=offloads_of(held, place),
            float8=float8_of(held, place),
            usual=_as_wishes(usual),
        )
        words = in_words(plan, place)
        if held.components and not held.components.intersection(DECODERS):
            words += " What completes the network comes on top of that."
        return Outlook(words=words, choices=choices, own=own, exact=_pixels(plan) == _pixels(free))

    @Slot(object)
    def _take_device(self, device: "DeviceInfo") -> None:
        before, self._device = self._place, device
        if device.place != before:
            self.changed.emit()

    def _tell_notes(self, record: "Record") -> None:
        """Say what had to be done otherwise for a new picture, unless the last one said so too."""
        made, recipe = record.provenance, record.recipe
        if made is None or recipe is None:
            return
        # What the family does not read is said beside the prompt, before there is a picture.
        read = {
            words
            for family in FAMILIES.values()
            for words in unread(recipe.prompt, recipe.negative_prompt, family)
        }
        notes = tuple(one for one in made.notes if one not in read)
        new = [one for one in notes if one not in self._told]
        self._told = notes
        if new:
            self.notice.emit(Notice(text=" ".join(new), kind="warn", seconds=15, topic="memory"))

    @property
    def _place(self) -> Place | None:
        return self._device.place if self._device is not None else None

    def _read(self, asset: "Asset") -> None:
        key = _key(asset)
        if key in self._reading:
            return
        self._reading.add(key)

        def done(held: "Held") -> None:
            self._reading.discard(key)
            self._held[key] = held
            self.planned.emit(asset.path)

        def failed(error: Any) -> None:
            self._reading.discard(key)
            self.failed.emit(error)

        self._reads.run(_held_by, asset.path, done=done, failed=failed)

    @Slot(object, object)
    def _settings_changed(self, new: Settings, before: Settings) -> None:
        if (new.memory, new.device) != (before.memory, before.device):
            self._usual = wishes_in(dict(new.memory))
            self.changed.emit()


def _held_by(path: Path) -> "Held":
    from desktop_app.weights.counting import held_by

    return held_by(path)


def _key(asset: "Asset") -> tuple[Path, int]:
    """Names what lies at a place until it is changed."""
    return asset.path, asset.identity.bytes


def _as_wishes(plan: Plan) -> Wishes:
    return Wishes(dtype=plan.dtype, offload=plan.offload, float8=plan.float8, tiled=plan.tiled)


def _pixels(plan: Plan) -> Plan:
    """What of a plan decides about pixels."""
    return replace(plan, offload="none", expected=0, available=0)
