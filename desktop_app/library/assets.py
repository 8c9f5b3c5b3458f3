"""All models below the watched folders, as they lie there, with what is remembered of each."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from desktop_app.errors import AppError, Cancelled
from desktop_app.library.completion import Completion, completed, lacks
from desktop_app.library.folders import WatchedFolder, recognise
from desktop_app.library.hashing import Hashes, Progress, file_sha256
from desktop_app.library.identify import MODEL_FILES, look_at
from desktop_app.library.identity import Asset, Facts, Identity
from desktop_app.library.index import Index, Row
from desktop_app.library.invokeai import model_names
from desktop_app.library.memory import Memory, Remembered
from desktop_app.library.part_keys import VAE_SCALES
from desktop_app.library.pipelines import identify_folder
from desktop_app.library.reading import read_json
from desktop_app.library.safety import check_contents
from desktop_app.library.sidecars import Sidecar, read_sidecar
from desktop_app.library.stamp import stamp
from desktop_app.library.support import based, judged
from desktop_app.library.told import text_of
from desktop_app.library.walk import Entry, Walk
from desktop_app.library.words import find_words

Stop = Callable[[], bool]
_EMBEDDING_MAX = 2_000_000
"""Bytes: a pickle of no known folder below this is no checkpoint."""
_PART_NAMES = (
    "diffusion_pytorch_model.safetensors",
    "model.safetensors",
    "diffusion_pytorch_model.fp16.safetensors",
    "model.fp16.safetensors",
)
_PLAIN_NAMES = frozenset({"model", "diffusion_pytorch_model", "pytorch_model", "adapter_model"})


class Assets:
    """Knows what lies in some folders. Safe to call from any thread.

    Attributes:
        watched: the folders with whose layout they have, as of the last `scan`.
        seen: what `stamp` said of the folders before the last `scan` and after; None where these
            differ, for nobody knows then which state was read.
    """

    def __init__(self, folders: Sequence[Path], cache: Path, memory: Memory, data: Path) -> None:
        """Args:
        folders: to look through, in the order in which they win; of any program's layout.
        cache: the folder for what may be lost: the index of files and the hashes.
        memory: what the artist said.
        data: our own folder, with models and vocabularies in it.
        """
        self._own_models, self._own_words = data / "models", data / "tokenizers"
        self._folders = tuple(folders)
        self._index = Index(cache / "models.json")
        self._hashes = Hashes(cache / "hashes.json")
        self._memory = memory
        self._lock = threading.RLock()
        self._assets: tuple[Asset, ...] | None = None
        self.watched: tuple[WatchedFolder, ...] = ()
        self.seen: str | None = None

    @property
    def hashes(self) -> Hashes:
        """Of diffusers folders."""
        return self._hashes

    def all(self) -> tuple[Asset, ...]:
        """What the last `scan` found; the first call looks."""
        with self._lock:
            return self.scan() if self._assets is None else self._assets

    def scan(self, stop: Stop | None = None) -> tuple[Asset, ...]:
        """Look through the folders. Headers are read where a file is new or changed; nothing is
        hashed.

        Raises:
            Cancelled: when `stop` said so.
        """
        before = stamp(self._folders)
        watched = tuple(recognise(folder) for folder in self._folders)
        found = {asset.path: asset for asset in self._found(watched, stop)}
        assets = [*found.values(), *self._missing(watched, found)]
        assets.sort(key=lambda one: (one.missing, one.name.casefold(), str(one.path)))
        self._index.save()
        after = stamp(self._folders)
        with self._lock:
            self.seen = after if after == before else None
            self.watched = watched
            self._assets = tuple(assets)
            self._assets = tuple(self._whole(one) for one in assets)
            return self._assets

    def completion(self, asset: Asset) -> Completion:
        """What completes a model whose file lacks something."""
        if not lacks(asset.identity):
            return Completion()
        others = self.all()
        return completed(asset, others, self._own_models, self.words, self._own_words)

    def words(self, kind: str) -> Path | None:
        """Where the vocabulary of a kind lies; None where there is none."""
        return find_words(kind, self._own_words, self.all(), self.watched)

    def _waits(self, asset: Asset) -> bool:
        """Whether its hash, or that of something that completes it, is still to be computed."""
        parts = self.completion(asset).assets
        return asset.sha256 is None or any(part.sha256 is None for part in parts)

    def _whole(self, asset: Asset) -> Asset:
        """The same with what it still lacks as the reason why it cannot be used."""
        if asset.missing or asset.unsupported:
            return asset
        why = self.completion(asset).missing
        return replace(asset, identity=replace(asset.identity, unsupported=why)) if why else asset

    def unhashed(self) -> tuple[Asset, ...]:
        """What has no hash yet and could be used: models first, then the small before the large.

        A network counts as long as something that completes it has none.
        """
        waiting = [
            one
            for one in self.all()
            if not one.missing and not one.unsupported and self._waits(one)
        ]
        return tuple(
            sorted(waiting, key=lambda one: (not one.identity.makes_pictures, one.identity.bytes))
        )

    def hash(
        self, asset: Asset, progress: Progress | None = None, stop: Stop | None = None
    ) -> Asset:
        """Compute both hashes of an asset, or take them from the cache; the asset with them.

        What completes a network is hashed as well, for a recipe names it too.
        What the artist said about it before its hash was known is kept under the hash from now on.

        Raises:
            AppError: `model-damaged`, `model-file` or another reason why it cannot be read.
            Cancelled: when `stop` said so.
        """
        for part in self.completion(asset).assets:
            if part.sha256 is None:
                self.hash(part, progress, stop)
        path = asset.path
        if asset.identity.format == "folder":
            sha256, whole = self._hashes.tensor_sha256(path, progress), None
            last = self._index.last(path)
            if last is not None:
                self._index.put(path, replace(last, sha256=sha256))
        else:
            before = path.stat()
            row = self._index.get(path, before.st_size, before.st_mtime_ns)
            if row is not None and row.file_sha256 is not None:
                sha256, whole = row.sha256, row.file_sha256
            else:
                sha256, whole = file_sha256(path, progress, stop)
                after = path.stat()
                same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
                if same:
                    self._index.put(
                        path,
                        Row(
                            size=after.st_size,
                            mtime_ns=after.st_mtime_ns,
                            identity=row.identity if row is not None else look_at(path),
                            sha256=sha256,
                            file_sha256=whole,
                        ),
                    )
        if sha256 is not None:
            self._memory.move(asset.key, sha256)
        hashed = replace(asset, sha256=sha256, file_sha256=whole)
        return self._replace(replace(hashed, facts=self._memory.get(hashed.key)))

    def save(self) -> None:
        """Write down the hashes that were computed."""
        self._index.save()

    def facts(self, key: str) -> Facts:
        """What the artist said of an asset, by its hash."""
        return self._memory.get(key)

    def say(self, asset: Asset, facts: Facts) -> Asset:
        """Keep what the artist says about an asset; the asset with it.

        Raises:
            AppError: when it cannot be written; nothing changes then.
        """
        self._memory.put(
            asset.key,
            Remembered(
                facts=facts,
                name=asset.name,
                path=asset.path,
                kind=asset.identity.kind,
                family=asset.identity.family,
            ),
        )
        words = facts.trigger_words or asset.maker_words
        return self._replace(replace(asset, facts=facts, trigger_words=words))

    def look(self, path: Path) -> Asset:
        """One file or folder, wherever it lies; it need not be watched."""
        path = path.expanduser().absolute()
        form = "folder" if path.is_dir() else "file"
        try:
            names = {each.name.lower(): each.name for each in path.parent.iterdir()}
            about = path.stat()
            size, mtime_ns = about.st_size, about.st_mtime_ns
        except OSError:
            names, size, mtime_ns = {}, 0, 0
        beside = names if form == "file" else {}
        entry = Entry(path=path, form=form, size=size, mtime_ns=mtime_ns, hint=None, beside=beside)
        home = WatchedFolder(path=path.parent, program="own", roots=())
        return self._whole(self._asset(entry, home, {}))

    def _found(self, watched: Sequence[WatchedFolder], stop: Stop | None) -> Iterator[Asset]:
        walk = Walk()
        for folder in watched:
            names = model_names(folder.path) if folder.program == "invokeai" else {}
            for root, kind in folder.roots:
                for entry in walk.entries(root, kind):
                    if stop is not None and stop():
                        raise Cancelled
                    yield self._asset(entry, folder, names)

    def _asset(self, entry: Entry, folder: WatchedFolder, names: dict[Path, str]) -> Asset:
        if entry.form == "folder":
            identity = identify_folder(entry.path)
            sha256, whole = self._hashes.known(entry.path), None
            path, written = entry.path, entry.mtime_ns
            self._remember_folder(path, entry.mtime_ns, identity, sha256)
        else:
            path, row = self._row(entry)
            identity = judged(_hinted(_configured(row.identity, entry), entry))
            sha256, whole, written = row.sha256, row.file_sha256, row.mtime_ns
        sidecar = read_sidecar(path if entry.form == "file" else entry.path, entry.beside)
        identity = based(identity, sidecar.family)
        name = names.get(entry.path) or names.get(entry.path.parent) or _name(path, sidecar)
        asset = Asset(
            path=path,
            identity=identity,
            name=name,
            sha256=sha256,
            file_sha256=whole,
            source=folder.title if folder.program != "own" else "",
            preview=sidecar.preview,
            maker_words=sidecar.trigger_words or identity.trigger_words,
            description=sidecar.description,
            base=sidecar.base or identity.base,
            weight=sidecar.weight,
            negative=sidecar.negative,
            modified=written / 1e9,
        )
        facts = self._memory.get(asset.key)
        words = facts.trigger_words or asset.maker_words
        return replace(asset, facts=facts, trigger_words=words)

    def _remember_folder(
        self, path: Path, mtime_ns: int, identity: Identity, sha256: str | None
    ) -> None:
        """A folder is looked at anew each time; the row is for when its drive is out."""
        row = Row(size=identity.bytes, mtime_ns=mtime_ns, identity=identity, sha256=sha256)
        self._index.put(path, row)

    def _row(self, entry: Entry) -> tuple[Path, Row]:
        """The file itself, and what is known of it."""
        path, size, mtime_ns = entry.path, entry.size, entry.mtime_ns
        if entry.form == "part":
            named = next((entry.beside[one] for one in _PART_NAMES if one in entry.beside), None)
            if named is None:
                why = "It is split over several files, which cannot be used here yet."
                identity = Identity(kind="unknown", format="folder", unsupported=why)
                return path, Row(size=size, mtime_ns=mtime_ns, identity=identity)
            path = path / named
            try:
                about = path.stat()
                size, mtime_ns = about.st_size, about.st_mtime_ns
            except OSError:
                size = mtime_ns = 0
            try:
                check_contents(entry.path)
            except AppError as refusal:
                why = f"{refusal.sentence} {refusal.hint}"
                identity = Identity(kind="unknown", format="folder", unsupported=why)
                return path, Row(size=size, mtime_ns=mtime_ns, identity=identity)
        row = self._index.get(path, size, mtime_ns)
        if row is None:
            row = Row(size=size, mtime_ns=mtime_ns, identity=look_at(path))
            self._index.put(path, row)
        return path, row

    def _is_out(self, root: Path) -> bool:
        """Not there, or the empty place where a drive is mounted otherwise; our own folder lies
        inside another one of ours, and may be empty.
        """
        try:
            with os.scandir(root) as listing:
                return next(listing, None) is None and root != self._own_models
        except OSError:
            return True

    def _missing(
        self, watched: Sequence[WatchedFolder], found: dict[Path, Asset]
    ) -> Iterator[Asset]:
        """What was there and is not: of folders that are out, and what the artist spoke of."""
        hashes = {asset.sha256 for asset in found.values()} - {None}
        roots = {root: (one, self._is_out(root)) for one in watched for root, _ in one.roots}
        told: set[str] = set()
        gone: list[Path] = []
        for path, row in self._index.all().items():
            home = next((roots[above] for above in path.parents if above in roots), None)
            if path in found or home is None:
                continue
            root, out = home
            if row.sha256 in hashes or not out:
                gone.append(path)
                continue
            key = row.sha256 or f"path:{path}"
            told.add(key)
            yield Asset(
                path=path,
                identity=judged(row.identity),
                name=_name(path, Sidecar()),
                sha256=row.sha256,
                file_sha256=row.file_sha256,
                source=root.title if root.program != "own" else "",
                trigger_words=self._memory.get(key).trigger_words or row.identity.trigger_words,
                maker_words=row.identity.trigger_words,
                facts=self._memory.get(key),
                missing=True,
                modified=row.mtime_ns / 1e9,
            )
        self._index.drop(gone)
        for key, seen in self._memory.all().items():
            if key in told or key in hashes or seen.path in found:
                continue
            yield Asset(
                path=seen.path,
                identity=Identity(kind=seen.kind, format="safetensors", family=seen.family),
                name=seen.name or seen.path.stem,
                sha256=key if len(key) == 64 else None,
                trigger_words=seen.facts.trigger_words,
                facts=seen.facts,
                missing=True,
            )

    def _replace(self, asset: Asset) -> Asset:
        with self._lock:
            rows = self._assets or ()
            self._assets = tuple(asset if one.path == asset.path else one for one in rows)
        return asset


def _configured(identity: Identity, entry: Entry) -> Identity:
    """A VAE with what the config in its folder tells of it."""
    if identity.kind != "vae" or entry.form != "part":
        return identity
    try:
        scale = read_json(entry.path / entry.beside["config.json"]).get("scaling_factor")
    except AppError:
        return identity
    told = (identity.latent_channels, scale)
    variant = next((name for name, *known in VAE_SCALES if told == tuple(known)), identity.variant)
    return replace(identity, variant=variant)


def _hinted(identity: Identity, entry: Entry) -> Identity:
    """A pickle is what its folder says, because it is not opened."""
    if identity.kind != "unknown" or identity.format != "pickle":
        return identity
    if entry.hint is not None:
        return replace(identity, kind=entry.hint)
    if entry.path.suffix.lower() == ".ckpt":
        return replace(identity, kind="checkpoint")
    small = entry.size <= _EMBEDDING_MAX
    return replace(identity, kind="embedding") if small else identity


def _name(path: Path, sidecar: Sidecar) -> str:
    """What people call it: never a hash of the Hugging Face cache, nor `model`."""
    for above in (path, *path.parents):
        if above.name.startswith("models--"):
            repository = above.name.split("--")[-1]
            inside = [part for part in path.relative_to(above).parts[2:] if part]
            last = Path(inside[-1]).stem if inside else ""
            plain = not last or last.split(".")[0] in _PLAIN_NAMES
            return text_of(repository if plain else f"{repository} {last}", 200)
    stem = path.stem if path.suffix.lower() in MODEL_FILES else path.name
    if stem.split(".")[0] in _PLAIN_NAMES:
        stem = path.parent.name
    return sidecar.name or text_of(stem, 200) or "model"
