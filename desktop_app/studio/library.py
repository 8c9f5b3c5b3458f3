"""LibraryModel: the models on this machine, and the one that the draft uses."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QObject,
    Qt,
    Signal,
    Slot,
)

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.families import FAMILIES, Family
from desktop_app.recipe.foreign import NO_FILES, Files
from desktop_app.recipe.recipe import WIDTH, ModelRef
from desktop_app.recipe.wishes import Wishes
from desktop_app.studio.background import Background
from desktop_app.studio.editor import Editor
from desktop_app.studio.items import FIRST_ROLE, NONE, Index, role_names

if TYPE_CHECKING:
    from desktop_app.library.catalog import Catalog, ModelInfo


TOLD_MAX = 2
"""Models that are refused one by one; more are told of in one sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    catalog: "Catalog"
    folders: tuple[Path, ...]
    models: "tuple[ModelInfo, ...]"
    refused: tuple[AppError, ...]


class LibraryModel(QAbstractListModel):
    """The known models, the built-in one first.

    Signals:
        changed(): the list was read again.
        current_changed(): another model is in use, or the one in use became known.
        failed(AppError): a folder looks like a model and cannot be used.
    """

    class Role(enum.IntEnum):
        MODEL = FIRST_ROLE
        TITLE = enum.auto()

    changed = Signal()
    current_changed = Signal()
    failed = Signal(object)

    def __init__(
        self,
        editor: Editor,
        reads: Background,
        folders: tuple[Path, ...],
        cache: Path,
        parent: QObject | None = None,
        *,
        memory: Path | None = None,
    ) -> None:
        """Args:
        folders: where models lie, the built-in ones first; the last is the artist's own.
        cache: where the hashes of files are remembered.
        memory: the file for what the artist says about models; beside the cache if left out.
        """
        super().__init__(parent)
        self._editor = editor
        self._reads = reads
        self._folders = folders
        self._cache = cache
        self._memory = memory
        self._models: tuple[ModelInfo, ...] = ()
        self._catalog: Catalog | None = None
        self._catalog_folders: tuple[Path, ...] = ()
        self._scanning = self._again = False
        self._taken = 0
        self._current: ModelInfo | None = None
        self._told: set[str] = set()
        editor.changed.connect(self._follow)

    @property
    def models(self) -> "tuple[ModelInfo, ...]":
        return self._models

    @property
    def scanning(self) -> bool:
        """Whether the folders are being read right now."""
        return self._scanning

    @property
    def catalog(self) -> "Catalog | None":
        """What knows all files; None until the folders were read for the first time."""
        return self._catalog

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that are looked through, the built-in ones first."""
        return self._folders

    @property
    def models_folder(self) -> Path:
        """Where the artist puts models."""
        return self._folders[-1]

    @property
    def current(self) -> "ModelInfo | None":
        """The draft's model; None while the folders are read, or when it is not there."""
        return self._current

    @property
    def family(self) -> Family | None:
        """What the model in use is built like; None while there is none."""
        return FAMILIES.get(self._current.family_key) if self._current is not None else None

    @property
    def multiple(self) -> int:
        """Pixels that width and height are multiples of, for the model in use."""
        model, family = self._current, self.family
        return lcm(WIDTH.multiple, model.factor if model else 1, family.multiple if family else 1)

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Sizes of the model in use that keep to its native area, width and height in pixels."""
        return self._current.sizes if self._current is not None else ()

    @property
    def words(self) -> tuple[str, ...]:
        """The words that the model in use knows; none when it does not list them."""
        known = self._current.words if self._current is not None else None
        return known.all if known is not None else ()

    @property
    def example_prompts(self) -> tuple[str, ...]:
        """Prompts to start with, for the model in use or else for the built-in one."""
        for model in (self._current, *self._models):
            if model is not None and model.words is not None:
                return model.words.example_prompts
        return ()

    def known_words(self, prompt: str) -> bool:
        """Whether the model in use knows at least one word of the prompt, or lists none."""
        words = self.words
        if not words or not prompt.strip():
            return True
        text = f" {' '.join(''.join(c if c.isalnum() else ' ' for c in prompt.lower()).split())} "
        return any(f" {word.lower()} " in text or f" {word.lower()}s " in text for word in words)

    def path(self, ref: ModelRef) -> Path:
        """Where a model's weights lie; may be called in any thread.

        Raises:
            AppError: `model-missing`.
        """
        catalog = self._catalog
        if catalog is None:
            raise AppError(
                "model-missing", "The models are still being looked for.", hint="Try again."
            )
        return catalog.path(ref)

    def files(self) -> Files:
        """What other programs call the models that are here; may be called in any thread."""
        return NO_FILES if self._catalog is None else self._catalog.files()

    def wishes(self, ref: ModelRef) -> Wishes:
        """How the artist wants a model kept in memory; may be called in any thread."""
        catalog = self._catalog
        return Wishes() if catalog is None else catalog.facts(ref).wishes

    def vocabulary(self, kind: str) -> Path | None:
        """Where the vocabulary of a kind lies; may be called in any thread."""
        return None if self._catalog is None else self._catalog.words(kind)

    def set_folders(self, folders: tuple[Path, ...]) -> None:
        """Look through other folders from now on."""
        if folders != self._folders:
            self._folders = folders
            self.rescan()

    def find(self, ref: ModelRef | None) -> "ModelInfo | None":
        if ref is None:
            return None
        return next((one for one in self._models if one.ref.sha256 == ref.sha256), None)

    @Slot()
    def rescan(self) -> None:
        """Read the folders again, in the background."""
        if self._scanning:
            self._again = True
            return
        self._scanning, self._again = True, False
        catalog = self._catalog if self._catalog_folders == self._folders else None
        self._reads.run(
            _scan,
            catalog,
            self._folders,
            self._cache,
            self._memory,
            done=self._scanned,
            failed=self._not_scanned,
        )

    @Slot()
    def refresh(self, then: Callable[[], object] | None = None) -> None:
        """Take in the models whose hashes became known, without reading the folders again; then
        call `then`.
        """
        catalog, before = self._catalog, self._taken
        if catalog is None:
            return

        def done(models: "tuple[ModelInfo, ...]") -> None:
            if before != self._taken:
                # Others came meanwhile, and nobody knows which are the newer ones.
                self.refresh(then)
                return
            if models != self._models:
                self._take(models)
            if then is not None:
                then()

        self._reads.run(catalog.refresh, done=done)

    def _scanned(self, found: _Found) -> None:
        self._scanning = False
        if self._again:
            self.rescan()
            return
        self._catalog, self._catalog_folders = found.catalog, found.folders
        self._tell_refused(found.refused)
        self._take(found.models)

    def _take(self, models: "tuple[ModelInfo, ...]") -> None:
        """Show these models from now on."""
        self._taken += 1
        self.beginResetModel()
        self._models = models
        self.endResetModel()
        self._set_current(self.find(self._editor.draft.model))
        self.changed.emit()

    def _tell_refused(self, errors: tuple[AppError, ...]) -> None:
        # The same folder is found again at every look; once is enough to be told.
        new = [error for error in errors if str(error) not in self._told]
        self._told.update(str(error) for error in new)
        if len(new) > TOLD_MAX:
            new = [
                AppError(
                    "models-refused",
                    f"{len(new)} models cannot be used.",
                    hint="The Models page says why, on the card of each.",
                    count=len(new),
                )
            ]
        for error in new:
            self.failed.emit(error)

    def _not_scanned(self, error: AppError) -> None:
        self._scanning = False
        self.failed.emit(error)
        self.changed.emit()

    @Slot(object, object)
    def _follow(self, draft: Draft, before: Draft) -> None:
        if draft.model != before.model:
            self._set_current(self.find(draft.model))

    def _set_current(self, model: "ModelInfo | None") -> None:
        if model != self._current:
            self._current = model
            self.current_changed.emit()

    def rowCount(self, parent: Index = NONE) -> int:
        return 0 if parent.isValid() else len(self._models)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        model = self._models[index.row()]
        match role:
            case self.Role.MODEL:
                return model
            case self.Role.TITLE | Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return model.title
            case _:
                return None

    def roleNames(self) -> dict[int, QByteArray]:
        return super().roleNames() | role_names(self.Role)


def _scan(
    known: "Catalog | None", folders: tuple[Path, ...], cache: Path, memory: Path | None
) -> _Found:
    """Read the folders; what is small is hashed at once, the rest later, one by one.

    Args:
        known: of the same folders, which is read anew, so that what it remembers stays one.
    """
    from desktop_app.library.catalog import Catalog

    catalog = known or Catalog(folders, cache, memory)
    models = catalog.scan(hashing=False)
    at_once = catalog.quickly_hashed()
    faults: list[AppError] = []
    for asset in at_once:
        try:
            catalog.hash(asset)
        except AppError as fault:
            faults.append(fault)
        except OSError:
            continue  # it went away meanwhile; the next look tells
    if at_once:
        catalog.save()
        models = catalog.refresh()
    refused = (*(error for _, error in catalog.refused), *faults)
    return _Found(catalog=catalog, folders=folders, models=models, refused=refused)
