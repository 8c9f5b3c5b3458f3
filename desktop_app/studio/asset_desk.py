"""AssetDesk: what the artist does with models: watch folders, bring in, use, and say things."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop_app.errors import AppError
from desktop_app.library.identity import Asset, Defaults, Facts
from desktop_app.library.words import is_words
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.lora_tags import lora_tags
from desktop_app.recipe.wishes import Wishes
from desktop_app.settings import Settings
from desktop_app.studio.asset_hasher import AssetHasher
from desktop_app.studio.asset_use import USABLE, fields_to_use, hashes_in, misfit, with_words
from desktop_app.studio.assets import AssetsModel
from desktop_app.studio.background import Background
from desktop_app.studio.bringing import Bringing, here
from desktop_app.studio.downloads import Download, Downloads
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.model_choice import ModelChoice
from desktop_app.studio.settings_holder import SettingsHolder
from desktop_app.studio.values import Notice

if TYPE_CHECKING:
    from desktop_app.library.catalog import Catalog
    from desktop_app.library.folders import WatchedFolder

__all__ = ["AssetDesk", "WatchedFolder"]

END_MS = 3000
REFRESH_MS = 700


class AssetDesk(QObject):
    """Keeps the assets model as the folders are, hashes in the background, and carries out verbs.

    Signals:
        folders_changed(): the watched folders, or those found on this machine.
        hashing(int): so many assets still have no hash; 0 when all have one.
        used(Asset): it is in the draft now.
        wanted(Path): a model's place is to be shown.
        notice(Notice), failed(AppError)
    """

    folders_changed = Signal()
    hashing = Signal(int)
    used = Signal(object)
    wanted = Signal(object)
    notice = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        editor: Editor,
        library: LibraryModel,
        choice: ModelChoice,
        downloads: Downloads,
        settings: SettingsHolder,
        parent: QObject | None = None,
        *,
        rendering: Callable[[], bool] = lambda: False,
    ) -> None:
        """Args:
        rendering: whether a picture is being made; hashes wait for it.
        """
        super().__init__(parent)
        self._editor, self._library, self._choice = editor, library, choice
        self._downloads, self._settings = downloads, settings
        self._reads = Background(self, threads=2)
        self._hasher = AssetHasher(library, rendering, self)
        self._writer = Background(self, threads=1)
        self.assets = AssetsModel(self._reads, self)
        self._watched: tuple[WatchedFolder, ...] = ()
        self._found: tuple[WatchedFolder, ...] = ()
        self._titles: dict[Path, str] = {}
        self._bringing = Bringing(self)
        self._asked = 0
        self._looked = False
        self._refresh = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._connect()

    def _connect(self) -> None:
        for part in (self._reads, self._hasher, self._writer):
            part.failed.connect(self.failed)
        self._hasher.left.connect(self.hashing)
        self._hasher.hashed.connect(self._hashed)
        self._bringing.notice.connect(self.notice)
        self._bringing.wanted.connect(self.wanted)
        self._bringing.arrived.connect(self.rescan)
        self._refresh.timeout.connect(self._library.refresh)
        self._library.changed.connect(self._read)
        self._downloads.failed.connect(self.failed)
        self._downloads.arrived.connect(self._arrived)
        self._downloads.found_unfinished.connect(self._offer_unfinished)
        self._editor.changed.connect(self._mark_in_use)
        self._settings.changed.connect(self._settings_changed)

    def stop(self) -> None:
        """End what runs in the background."""
        self._refresh.stop()
        self._hasher.stop(END_MS)
        self._bringing.stop(END_MS)
        for pool in (self._writer, self._reads):
            pool.close(END_MS)

    # Folders.

    @property
    def watched(self) -> "tuple[WatchedFolder, ...]":
        """The folders that the artist added, in that order."""
        return self._watched

    @property
    def found(self) -> "tuple[WatchedFolder, ...]":
        """Folders of other programs on this machine that are not watched yet."""
        known = {one.path for one in self._watched}
        return tuple(one for one in self._found if one.path not in known)

    @property
    def own_folder(self) -> Path:
        """Where models are copied and downloaded to."""
        return self._library.models_folder

    def look_around(self) -> None:
        """Look where other programs usually have their models; reads names of folders only."""
        self._reads.run(_usual, done=self._looked_around)

    def watch(self, folder: Path) -> None:
        """Look through a folder from now on; nothing in it is ever changed."""
        self._reads.run(_check, folder.absolute(), done=self._watch)

    def unwatch(self, folder: Path) -> None:
        """Look through it no more; it stays as it is, and so does what was said of its models."""
        known = self._settings.values.model_folders
        self._settings.set(model_folders=tuple(one for one in known if Path(one) != folder))

    @Slot()
    def rescan(self) -> None:
        """Read the folders again, also what could not be read before."""
        self._hasher.try_again()
        self._library.rescan()

    # Bringing in.

    def watch_place(self, paths: tuple[Path, ...]) -> None:
        """Use files or folders where they lie: folders are watched, of files the folder.

        The vocabulary of a text encoder is copied: its folder is a tokenizer's and has no models.
        """
        words = tuple(path for path in paths if is_words(path))
        self.copy_in(words)
        models = [path for path in paths if path not in words]
        folders = {path if path.is_dir() else path.parent: None for path in models}
        for folder in folders:
            self.watch(folder)

    def copy_in(self, paths: tuple[Path, ...]) -> None:
        """Copy files or folders among our own models."""
        for path in paths:
            self._bringing.copy_in(path, self.own_folder)

    @property
    def consent_words(self) -> str:
        """What the artist is told before a pickle is opened."""
        from desktop_app.library.convert import CONSENT

        return CONSENT

    def convert(self, asset: Asset) -> None:
        """Make a safetensors file of a pickle whose maker the artist trusts; the pickle stays."""
        self._bringing.convert(asset.path, asset.name, self.own_folder)

    # One asset.

    def use(self, asset: Asset) -> None:
        """Take it for the next picture: as the model, a further LoRA, a word, or the VAE."""
        why = self.why_not(asset)
        if why:
            self._say(f"“{asset.name}” cannot be used. {why}", "warn")
        elif asset.sha256 is None:
            self._say(f"“{asset.name}” is read once, to know it for ever …")
            self._hasher.hash_now(asset, self._hashed_to_use)
        else:
            self._use(asset)

    def read(self, asset: Asset, then: Callable[[], object]) -> None:
        """Compute the hash of an asset now, because it is wanted; then call `then`.

        It is not called when the file cannot be read; that is told.
        """
        self._say(f"“{asset.name}” is read once, to know it for ever …")

        def done(hashed: Asset) -> None:
            self._hashed(hashed)
            then()

        self._hasher.hash_now(asset, done)

    @property
    def looking(self) -> bool:
        """Whether the folders are still looked through for the first time."""
        known = self._library.catalog is not None
        return not self._looked and (known or self._library.scanning)

    def why_not(self, asset: Asset) -> str:
        """Why it cannot be used for the next picture, in one sentence; empty when it can."""
        if asset.unsupported or asset.missing:
            return asset.unsupported or "It is not where it was."
        if asset.identity.kind not in USABLE:
            return "It cannot be used by itself."
        named = asset.identity.kind in ("refiner", "text-encoder")
        return misfit(asset, self._library.current) if named else ""

    def add_word(self, word: str) -> None:
        """Put a trigger word at the end of the prompt, unless it is there."""
        draft = self._editor.draft
        self._editor.replace(replace(draft, prompt=with_words(draft.prompt, (word,))), "Prompt")

    def set_favourite(self, asset: Asset, on: bool) -> None:
        self._change(asset, replace(asset.facts, favourite=on))

    def set_notes(self, asset: Asset, words: str) -> None:
        self._change(asset, replace(asset.facts, notes=words))

    def set_words(self, asset: Asset, words: tuple[str, ...]) -> None:
        """Trigger words of the artist's own; none brings back those of the file."""
        self._change(asset, replace(asset.facts, trigger_words=words))

    def set_defaults(self, asset: Asset, defaults: Defaults) -> None:
        """What to start with when it is chosen."""
        self._change(asset, replace(asset.facts, defaults=defaults))

    def set_wishes(self, asset: Asset, wishes: Wishes) -> None:
        """How it is to be kept in memory from its next use on."""
        self._change(asset, replace(asset.facts, wishes=wishes))

    def find(self, path: Path) -> Asset | None:
        """The asset at a place, or the first one below it."""
        below = [one for one in self.assets.all if one.path.is_relative_to(path)]
        return next((one for one in below if one.path == path), below[0] if below else None)

    # What comes of it.

    @Slot()
    def _read(self) -> None:
        catalog = self._library.catalog
        if catalog is None:
            return
        self._asked += 1
        asked = self._asked

        def done(assets: tuple[Asset, ...]) -> None:
            # Of two that are read at once the older may come last.
            if asked == self._asked and catalog is self._library.catalog:
                self._have_read(catalog, assets)

        self._reads.run(catalog.assets, done=done)

    def _have_read(self, catalog: "Catalog", assets: tuple[Asset, ...]) -> None:
        own = {Path(one) for one in self._settings.values.model_folders}
        self._looked = True
        self._watched = tuple(one for one in catalog.watched if one.path in own)
        self._titles = {one.path: one.title for one in self._library.models}
        self.assets.set_assets(self._titled(one) for one in assets)
        self._mark_in_use()
        self.folders_changed.emit()
        self._hasher.go_on()

    def _titled(self, asset: Asset) -> Asset:
        """With the title that the model has everywhere else; our own folder needs no name."""
        own = asset.path.is_relative_to(self.own_folder)
        title = self._titles.get(asset.path, asset.name)
        return replace(asset, name=title, source="" if own else asset.source)

    @Slot(object)
    def _hashed(self, asset: Asset) -> None:
        self.assets.replace(self._titled(asset))
        self._mark_in_use()
        if asset.identity.makes_pictures:
            # The list of models is read as a whole, so not for each of a hundred.
            self._refresh.start()

    def _hashed_to_use(self, asset: Asset) -> None:
        self.assets.replace(self._titled(asset))
        self._library.refresh(lambda: self._use(asset))
        self._read()

    def _use(self, asset: Asset) -> None:
        if asset.identity.makes_pictures:
            models = self._library.models
            model = next((one for one in models if one.ref.sha256 == asset.sha256), None)
            if model is None:
                self._say(f"“{asset.name}” cannot be used; look for the models again.", "warn")
            elif self._choice.choose(model):
                self._done(asset)
            return
        fields = fields_to_use(self._editor.draft, asset, self.assets.all)
        if fields is None:
            return
        self._editor.replace(replace(self._editor.draft, **fields), "Model")
        self._done(asset)

    def _done(self, asset: Asset) -> None:
        self._mark_in_use()
        self.used.emit(asset)

    def _change(self, asset: Asset, facts: Facts) -> None:
        catalog = self._library.catalog
        if catalog is None or facts == asset.facts:
            return
        # Shown at once; what is on the disk follows, and brings the truth if it fails.
        self.assets.replace(replace(asset, facts=facts))

        def done(said: Asset) -> None:
            shown = self.find(asset.path)
            # What was said of it since then has an answer of its own.
            if shown is not None and shown.facts == facts:
                self.assets.replace(self._titled(said))

        def failed(error: AppError) -> None:
            self.assets.replace(asset)
            self.failed.emit(error)

        self._writer.run(catalog.say, asset, facts, done=done, failed=failed)

    def _looked_around(self, found: "tuple[WatchedFolder, ...]") -> None:
        self._found = found
        self.folders_changed.emit()

    def _watch(self, folder: "WatchedFolder") -> None:
        known = self._settings.values.model_folders
        if any(Path(one) == folder.path for one in known) or folder.path == self.own_folder:
            self._say(f"“{folder.path.name}” is looked through already.")
            self.rescan()
            return
        self._settings.set(model_folders=(*known, str(folder.path)))
        self._say(f"“{folder.title}” is looked through from now on; nothing in it is changed.")

    @Slot(object)
    def _arrived(self, download: Download) -> None:
        target = download.target
        if target is not None:
            self.rescan()
            self.notice.emit(here(download.order.title, lambda: self.wanted.emit(target)))

    @Slot(int)
    def _offer_unfinished(self, count: int) -> None:
        words = "A download was" if count == 1 else f"{count} downloads were"
        self.notice.emit(
            Notice(
                text=f"{words} not finished when the program ended.",
                action="Go on",
                act=self._downloads.resume_all,
                seconds=0,
            )
        )

    @Slot(object, object)
    def _settings_changed(self, new: Settings, before: Settings) -> None:
        if new.model_folders != before.model_folders:
            paths = tuple(Path(one) for one in new.model_folders)
            self._reads.run(_recognise, paths, done=self._rewatched)

    def _rewatched(self, folders: "tuple[WatchedFolder, ...]") -> None:
        self._watched = folders
        self.folders_changed.emit()

    @Slot(object, object)
    def _mark_in_use(self, draft: Draft | None = None, before: Draft | None = None) -> None:
        prompt = self._editor.draft.prompt
        called = {self.assets.loras.get(tag.call.name) for tag in lora_tags(prompt)}
        hashes = {ref.sha256 for ref in called if ref is not None}
        self.assets.set_in_use(hashes_in(self._editor.draft) | hashes)

    def _say(self, text: str, kind: str = "info") -> None:
        self.notice.emit(Notice(text=text, kind=kind))  # pyright: ignore[reportArgumentType]


def _usual() -> "tuple[WatchedFolder, ...]":
    from desktop_app.library.folders import usual

    return usual()


def _check(folder: Path) -> "WatchedFolder":
    from desktop_app.library.folders import check_folder_to_watch

    return check_folder_to_watch(folder)


def _recognise(folders: tuple[Path, ...]) -> "tuple[WatchedFolder, ...]":
    from desktop_app.library.folders import recognise

    return tuple(recognise(one) for one in folders)
