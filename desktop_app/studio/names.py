"""PromptNames: what a prompt can call by name, kept in step with the folder, styles and models."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal, Slot

from desktop_app.errors import AppError
from desktop_app.library.called import loras_by_name
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.lora_tags import lora_tags
from desktop_app.recipe.names import NO_WILDCARDS, WILDCARD, Names, Wildcards
from desktop_app.recipe.recipe import ModelRef, Recipe
from desktop_app.studio.background import Background

if TYPE_CHECKING:
    from desktop_app.library.identity import Asset
    from desktop_app.store.wildcard_files import WildcardFiles
    from desktop_app.studio.asset_desk import AssetDesk
    from desktop_app.studio.styles import StyleModel

NOTHING: "Mapping[str, Asset]" = MappingProxyType({})
SETTLE_MS = 300
"""An editor that saves touches a folder several times."""


class PromptNames(QObject):
    """Wildcards, styles and LoRAs.

    The wildcard files are read in the background: when they change, and again before pictures are
    made of a prompt that calls one. A LoRA is called by its hash, so that its file is read first.

    Signals:
        changed(): there are other names, or a wildcard has other options.
    """

    changed = Signal()

    def __init__(
        self,
        folder: Path,
        styles: "StyleModel",
        reads: Background,
        parent: QObject | None = None,
    ) -> None:
        """Args:
        folder: with the wildcard files; need not exist.
        """
        super().__init__(parent)
        self.folder = folder
        self._styles = styles
        self._reads = reads
        self._files: WildcardFiles | None = None
        self._wildcards: Wildcards = NO_WILDCARDS
        self._loras: Mapping[str, ModelRef] = {}
        self._unread: Mapping[str, Asset] = {}
        self._desk: AssetDesk | None = None
        self._waiting: list[Callable[[], object]] = []
        self._names = Names()
        self._watcher = QFileSystemWatcher(self)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self.refresh)
        self._watcher.directoryChanged.connect(self._settle.start)
        styles.modelReset.connect(self._compose)

    @property
    def names(self) -> Names:
        return self._names

    @Slot()
    def refresh(self, then: Callable[[], object] | None = None) -> None:
        """Read the wildcard files, in the background; then call `then`."""

        def done(found: tuple[Wildcards, tuple[Path, ...]]) -> None:
            self._found(*found)
            if then is not None:
                then()

        self._reads.run(self._read, done=done)

    def make_folder(self, then: Callable[[], object]) -> None:
        """Make the folder if it is not there, in the background; then call `then`."""

        def done(_: None) -> None:
            self.refresh()
            then()

        self._reads.run(_make, self.folder, done=done)

    def follow(self, desk: "AssetDesk") -> None:
        """Let the LoRAs of the folders be called, from when their hash is known."""

        self._desk = desk
        desk.assets.read.connect(self._show_desk)
        desk.hashing.connect(self._show_desk)

    def show_loras(
        self, loras: Mapping[str, ModelRef], unread: "Mapping[str, Asset]" = NOTHING
    ) -> None:
        """These LoRAs can be called from now on, and those that are unread be asked for."""
        if (loras, unread) != (self._loras, self._unread):
            self._loras, self._unread = dict(loras), dict(unread)
            self._compose()

    def unread_in(self, recipes: Iterable[Recipe]) -> "Asset | None":
        """The next LoRA that recipes call and whose file has yet to be read."""
        called = {tag.call.name for one in recipes for tag in lora_tags(one.prompt)}
        return next((asset for name, asset in self._unread.items() if name in called), None)

    def wait_for(self, recipes: Sequence[Recipe], then: Callable[[], object]) -> bool:
        """Read the next LoRA that recipes call and that is not known yet; then call `then`.

        While the folders are looked through for the first time, any may turn out to be there.

        Returns:
            Whether there is something to wait for; `then` is not called if not, nor when the file
            cannot be read, which is told.
        """
        if self._desk is None:
            return False
        if self._desk.looking and any(lora_tags(one.prompt) for one in recipes):
            self._waiting.append(then)
            return True
        asset = self.unread_in(recipes)
        if asset is None:
            return False

        def done() -> None:
            self._show_desk()
            then()

        self._desk.read(asset, done)
        return True

    @Slot()
    def _show_desk(self) -> None:
        """The LoRAs as far as they are known by now."""
        if self._desk is None:
            return
        assets = self._desk.assets
        unread = loras_by_name(one for one in assets.all if not (one.sha256 or one.file_sha256))
        new = {name: asset for name, asset in unread.items() if name not in assets.loras}
        self.show_loras(assets.loras, new)
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then()

    def needed_by(self, draft: Draft) -> bool:
        """Whether the files should be read before pictures are made of a draft."""
        texts = [draft.prompt, draft.negative_prompt]
        for style in self._styles.by_name.values():
            texts += [style.prompt, style.negative_prompt]
        return any(WILDCARD.search(text) for text in texts)

    def _read(self) -> tuple[Wildcards, tuple[Path, ...]]:
        from desktop_app.store.wildcard_files import WildcardFiles

        if self._files is None:
            self._files = WildcardFiles(self.folder)
        return self._files.read(), self._files.places()

    def _found(self, wildcards: Wildcards, places: tuple[Path, ...]) -> None:
        watched = set(self._watcher.directories())
        wanted = {str(place) for place in places}
        if watched - wanted:
            self._watcher.removePaths(sorted(watched - wanted))
        if wanted - watched:
            self._watcher.addPaths(sorted(wanted - watched))
        if wildcards != self._wildcards:
            self._wildcards = wildcards
            self._compose()

    @Slot()
    def _compose(self) -> None:
        self._names = Names(
            wildcards=self._wildcards,
            styles=self._styles.by_name,
            loras=self._loras,
            unread=frozenset(self._unread),
        )
        self.changed.emit()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise AppError(
            "wildcards-folder",
            f"The folder {folder} cannot be made: {fault.strerror or fault}.",
            hint="Make it yourself, and see that it can be written to.",
        ) from fault
