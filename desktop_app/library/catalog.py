"""The known models: what they are, where they lie, and how to find one by its hash."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from desktop_app.errors import AppError
from desktop_app.library.assets import Assets, Stop
from desktop_app.library.called import files_of
from desktop_app.library.folders import WatchedFolder
from desktop_app.library.hashing import Progress
from desktop_app.library.identity import KIND_WORDS, Asset, Facts, Kind
from desktop_app.library.info import ModelInfo, Words, info_of
from desktop_app.library.memory import Memory
from desktop_app.library.pipelines import check_model
from desktop_app.paths import RESOURCES
from desktop_app.recipe.foreign import Files
from desktop_app.recipe.recipe import ModelRef

__all__ = ["Catalog", "ModelInfo", "Words"]

INDEX = "model_index.json"
AT_ONCE_MAX = 512 * 1024 * 1024
"""Bytes of the models that are hashed before any is listed."""
Found = TypeVar("Found")
_HEX = frozenset("0123456789abcdef")


class Catalog:
    """The models below some folders. Safe to call from any thread.

    Attributes:
        refused: folders that look like models and were not taken, with the reason; of the last
            `scan`.
    """

    def __init__(self, folders: Sequence[Path], cache: Path, memory: Path | None = None) -> None:
        """Args:
        folders: each a model or a folder of models, those that come first win; also folders of
            other programs.
        cache: the folder for the remembered hashes.
        memory: the file for what the artist says about models, in our own folder, where also the
            vocabularies lie that were added; in the cache if left out.
        """
        self._folders = tuple(folders)
        facts = memory or cache / "facts.json"
        self._assets = Assets(folders, cache, Memory(facts), facts.parent)
        self._lock = threading.RLock()
        self._models: tuple[ModelInfo, ...] | None = None
        self._opened: dict[str, ModelInfo] = {}
        self._placed: dict[str, Asset] = {}
        self._infos: dict[Path, tuple[Asset, ModelInfo]] = {}
        self.refused: tuple[tuple[Path, AppError], ...] = ()

    @property
    def watched(self) -> tuple[WatchedFolder, ...]:
        """The folders with whose layout they have, as of the last `scan`."""
        return self._assets.watched

    @property
    def seen(self) -> str | None:
        """What `stamp` says of the folders as they were read; None where they changed meanwhile."""
        return self._assets.seen

    def scan(
        self, progress: Progress | None = None, stop: Stop | None = None, *, hashing: bool = True
    ) -> tuple[ModelInfo, ...]:
        """Read the folders; the built-in models first, then by title. Equal models appear once.

        Args:
            progress: bytes done and in all of a model that is hashed for the first time.
            stop: asked now and then; true breaks off with Cancelled.
            hashing: compute the hashes of models that have none yet; without, only those of the
                built-in models are computed, and the others are listed when `hash` has seen them.
        """
        refused: list[tuple[Path, AppError]] = []
        for asset in self._assets.scan(stop):
            if not asset.identity.makes_pictures or asset.missing:
                continue
            try:
                if asset.unsupported:
                    _refuse(asset)
                elif hashing or asset.path.is_relative_to(RESOURCES):
                    self._assets.hash(asset, progress, stop)
            except AppError as refusal:
                refused.append((asset.path, refusal))
            except OSError as fault:
                why = f"“{asset.path}” cannot be read: {fault.strerror or fault}."
                refused.append((asset.path, AppError("model-file", why, path=str(asset.path))))
        self._assets.save()
        with self._lock:
            self.refused = tuple(refused)
            self._infos = {}
        return self.refresh()

    def refresh(self) -> tuple[ModelInfo, ...]:
        """The models whose hashes are known by now, without looking through the folders again."""
        found: dict[str, ModelInfo] = {}
        places = {folder.absolute(): number for number, folder in enumerate(self._folders)}
        assets = [
            one
            for one in self._assets.all()
            if one.identity.makes_pictures
            and one.sha256 is not None
            and not (one.missing or one.unsupported)
        ]
        assets.sort(key=lambda one: (_rank(one.path, places), str(one.path)))
        for asset in assets:
            try:
                info = self._info(asset)
            except AppError:
                continue  # it changed since it was looked at; the next scan tells
            whole = self._with_companions(info, asset)
            if whole is not None:
                found.setdefault(info.ref.sha256, whole)
        models = sorted(found.values(), key=lambda one: (not one.built_in, one.title.casefold()))
        with self._lock:
            self._models = tuple(models)
            return self._models

    def assets(self) -> tuple[Asset, ...]:
        """Everything that was found, models, LoRAs and all, also what cannot be used or is gone."""
        return self._assets.all()

    def unhashed(self) -> tuple[Asset, ...]:
        """What has no hash yet and could be used: models first, then the small before the large."""
        return self._assets.unhashed()

    def quickly_hashed(self) -> tuple[Asset, ...]:
        """Models without a hash that are read in a moment, all of them together: the smallest, as
        many as make up `AT_ONCE_MAX`.
        """
        found: list[Asset] = []
        left = AT_ONCE_MAX
        for asset in self.unhashed():
            left -= asset.identity.bytes
            if not asset.identity.makes_pictures or left < 0:
                break
            found.append(asset)
        return tuple(found)

    def hash(
        self, asset: Asset, progress: Progress | None = None, stop: Stop | None = None
    ) -> Asset:
        """Compute the hashes of one asset; see `Assets.hash`."""
        return self._assets.hash(asset, progress, stop)

    def save(self) -> None:
        """Write down the hashes that were computed."""
        self._assets.save()

    def facts(self, ref: ModelRef) -> Facts:
        """What the artist said of a model; blank when nothing was."""
        return self._assets.facts(ref.sha256)

    def say(self, asset: Asset, facts: Facts) -> Asset:
        """Keep what the artist says about an asset; see `Assets.say`."""
        return self._assets.say(asset, facts)

    def look(self, path: Path) -> Asset:
        """What one file or folder is, wherever it lies."""
        return self._assets.look(path)

    def asset(self, ref: ModelRef) -> Asset | None:
        """What a recipe names, by the hash of its tensors or of its whole file."""
        there = [one for one in self._assets.all() if not one.missing]
        for one in there:
            if ref.sha256 in (one.sha256, one.file_sha256):
                return one
        return None

    def files(self) -> Files:
        """The files of all models that are there and were hashed, by the hash of their tensors."""
        with self._lock:
            placed = tuple(self._placed.values())
        return files_of((*placed, *self._assets.all()))

    def find(self, ref: ModelRef) -> ModelInfo:
        """The model with these tensors, whatever it is called here.

        Models that have no hash yet are hashed until it is found, those of its name first; that
        can take minutes.

        Raises:
            AppError: `model-missing`, naming the model and its hash.
        """
        wanted = ref.name.casefold()

        def known() -> ModelInfo | None:
            models = (*self._all(), *self._opened.values())
            return next((info for info in models if info.ref.sha256 == ref.sha256), None)

        found = known() or self._hash_until(lambda one: one.name.casefold() == wanted, known)
        found = found or self._hash_until(lambda one: one.identity.makes_pictures, known)
        if found is None:
            raise self._missing(ref)
        return found

    def open(self, path_or_name: str) -> ModelInfo:
        """The model that a person means: a folder, a file, a title, a folder's name, or a hash's
        beginning.

        Raises:
            AppError: `model-unknown`, or why the folder or file cannot be used.
        """
        place = Path(path_or_name).expanduser()
        if _is_model(place):
            return self._open_place(place.absolute())
        wanted = path_or_name.strip().casefold()
        found = self._named(wanted) or self._hash_until(
            lambda one: wanted in (one.name.casefold(), one.path.name.casefold()),
            lambda: self._named(wanted),
        )
        if found is None and len(wanted) >= 6 and set(wanted) <= _HEX:
            found = self._hash_until(
                lambda one: one.identity.makes_pictures, lambda: self._named(wanted)
            )
        if found is not None:
            return found
        titles = [info.title for info in self._all()]
        titles += [one.name for one in self.unhashed() if one.identity.makes_pictures]
        raise AppError(
            "model-unknown",
            f"There is no model “{path_or_name[:200]}”.",
            hint=f"The models here are: {', '.join(titles[:10]) or 'none'}.",
            name=path_or_name[:200],
        )

    def open_other(self, path_or_name: str, kind: Kind) -> ModelRef:
        """The refiner, VAE or text encoder that a person means, named as for `open`.

        Raises:
            AppError: `model-unknown`, or `model-kind` for what is none or cannot be used.
        """
        place = Path(path_or_name).expanduser()
        there = _is_model(place)
        found = self._assets.look(place.absolute()) if there else self._other(path_or_name, kind)
        if found.identity.kind != kind or found.unsupported:
            why = found.unsupported or f"It is no {KIND_WORDS[kind]}."
            raise AppError("model-kind", f"“{found.name}”: {why}", path=str(found.path))
        hashed = self._assets.hash(found)
        self._assets.save()
        ref = hashed.ref
        assert ref is not None
        with self._lock:
            self._placed[ref.sha256] = hashed
        return ref

    def _other(self, name: str, kind: Kind) -> Asset:
        self._all()
        known = [one for one in self._assets.all() if one.identity.kind == kind]
        there = [one for one in known if not (one.missing or one.unsupported)]
        wanted = name.strip().casefold()
        for one in there:
            names = {one.name.casefold(), one.path.name.casefold(), one.path.stem.casefold()}
            hashes = (one.sha256 or "", one.file_sha256 or "")
            if wanted in names or (len(wanted) >= 6 and any(h.startswith(wanted) for h in hashes)):
                return one
        raise AppError(
            "model-unknown",
            f"There is no {KIND_WORDS[kind]} “{name[:200]}”.",
            hint=f"Here are: {', '.join(one.name for one in there[:10]) or 'none'}.",
            name=name[:200],
        )

    def path(self, ref: ModelRef) -> Path:
        """Where a model, refiner, LoRA, VAE or embedding lies, as the engine asks for it.

        Raises:
            AppError: `model-missing`, or `model-changed` when its files are not those that were
                found any more.
        """
        known = {info.ref.sha256: info.path for info in (*self._opened.values(), *self._all())}
        known |= {sha256: asset.path for sha256, asset in self._placed.items()}
        asset = self.asset(ref)
        if asset is None and ref.sha256 in known:
            asset = self._assets.look(known[ref.sha256])
        if asset is None:
            wanted = ref.name.casefold()
            asset = self._hash_until(
                lambda one: one.name.casefold() == wanted, lambda: self.asset(ref)
            )
        if asset is None:
            raise self._missing(ref)
        if asset.identity.format == "folder":
            check_model(asset.path)
        try:
            now = self._assets.hash(asset)
        except OSError as fault:
            raise self._missing(ref) from fault
        if ref.sha256 not in (now.sha256, now.file_sha256):
            raise AppError(
                "model-changed",
                f"The files of the model “{asset.name}” were changed since the program started.",
                hint="Let the models be looked for again.",
                path=str(asset.path),
            )
        return asset.path

    def _open_place(self, place: Path) -> ModelInfo:
        asset = self._assets.look(place)
        if asset.identity.format == "folder":
            check_model(place)
        if asset.unsupported:
            raise AppError("model-kind", f"“{place.name}”: {asset.unsupported}", path=str(place))
        if not asset.identity.makes_pictures:
            raise AppError(
                "model-kind", f"“{place.name}” is no model that makes pictures.", path=str(place)
            )
        hashed = self._assets.hash(asset)
        self._assets.save()
        info = self._with_companions(info_of(hashed, hashed.sha256 or ""), hashed)
        assert info is not None
        with self._lock:
            self._opened[info.ref.sha256] = info
            self._placed[info.ref.sha256] = hashed
        return info

    def _info(self, asset: Asset) -> ModelInfo:
        """How the program uses it; the configs of a folder are read once a scan."""
        with self._lock:
            known = self._infos.get(asset.path)
        if known is None or known[0] != asset:
            known = asset, info_of(asset, asset.sha256 or "")
            with self._lock:
                self._infos[asset.path] = known
        return known[1]

    def _with_companions(self, info: ModelInfo, asset: Asset) -> ModelInfo | None:
        """The same with what completes it; None until all of that has a hash."""
        completion = self._assets.completion(asset)
        refs = {part.path: part.ref for part in completion.assets}
        if None in refs.values():
            return None
        vae = None if completion.vae is None else refs[completion.vae.path]
        encoders = (refs[one.path] for one in completion.text_encoders)
        return replace(
            info, own_vae=vae, own_text_encoders=tuple(ref for ref in encoders if ref is not None)
        )

    def words(self, kind: str) -> Path | None:
        """Where the vocabulary of a kind (`t5`, `gemma` ...) lies, as the engine asks for it."""
        return self._assets.words(kind)

    def _named(self, wanted: str) -> ModelInfo | None:
        """The model with this name in small letters, or with a hash that begins so."""
        whole = {one.sha256: one.file_sha256 or "" for one in self._assets.all()}
        for info in self._all():
            names = {info.title.casefold(), info.path.name.casefold(), info.ref.name.casefold()}
            names.add(info.path.stem.casefold())
            hashes = (info.ref.sha256, whole.get(info.ref.sha256, ""))
            if wanted in names or (len(wanted) >= 6 and any(h.startswith(wanted) for h in hashes)):
                return info
        return None

    def _hash_until(
        self, worth: Callable[[Asset], bool], found: Callable[[], Found | None]
    ) -> Found | None:
        """Hash what has no hash yet and may be it, until it is found."""
        for asset in self._assets.unhashed():
            if not worth(asset):
                continue
            try:
                self._assets.hash(asset)
            except (AppError, OSError):
                continue  # then it is not the one
            self._assets.save()
            self.refresh()
            result = found()
            if result is not None:
                return result
        return None

    def _missing(self, ref: ModelRef) -> AppError:
        words = {
            "lora": "LoRA",
            "embedding": "textual inversion",
            "vae": "VAE",
            "text_encoder": "text encoder",
        }
        what = words.get(ref.kind, "model")
        hint = ""
        if self._assets.unhashed():
            hint = "Some files are still being looked through: try again in a while."
        elif self._folders:
            hint = f"Put it into “{self._folders[-1]}”, or choose another {what}."
        return AppError(
            "model-missing",
            f"The {what} “{ref.name}” (hash {ref.sha256[:10]}) is not on this computer.",
            hint=hint,
            name=ref.name,
            sha256=ref.sha256,
        )

    def _all(self) -> tuple[ModelInfo, ...]:
        with self._lock:
            return self.scan(hashing=False) if self._models is None else self._models


def _refuse(asset: Asset) -> None:
    """Raises:
    AppError: for a folder, why it was not taken. Of single files the list of assets tells.
    """
    if asset.identity.format == "folder":
        check_model(asset.path)
        why = f"“{asset.name}” cannot be used: {asset.unsupported}"
        raise AppError("model-kind", why, path=str(asset.path))


def _rank(path: Path, places: dict[Path, int]) -> int:
    """Which of the folders a model lies in; those that come first win."""
    return next((places[above] for above in (path, *path.parents) if above in places), len(places))


def _is_model(place: Path) -> bool:
    """Whether this is a place on disk and not a name."""
    try:
        if place.is_file():
            return True
        return place.is_dir() and (place / INDEX).is_file()
    except (OSError, ValueError):
        return False
