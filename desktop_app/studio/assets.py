"""AssetsModel: the models on this machine as rows that can be searched, filtered and looked at."""

import enum
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QByteArray, QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QImage, QImageReader

from desktop_app.library.called import loras_of
from desktop_app.library.families import title_of
from desktop_app.library.identity import KIND_WORDS, KINDS, Asset, Defaults, Kind
from desktop_app.paths import RESOURCES
from desktop_app.recipe.recipe import ModelRef
from desktop_app.studio.asset_order import ModelsOrder, in_order
from desktop_app.studio.background import Background
from desktop_app.studio.items import FIRST_ROLE, NONE, Index, role_names

__all__ = [
    "BUILT_IN",
    "Asset",
    "AssetFilter",
    "AssetsModel",
    "Defaults",
    "Kind",
    "described",
    "kind_words",
    "short_title",
    "size_words",
    "source_words",
    "title_of",
]

BUILT_IN = "Built in"
PREVIEW_SIDE = 400
"""Pixels of the shorter side of a preview that is kept in memory."""
_PREVIEWS_MAX = 300
_SOURCE_PIXELS_MAX = 64_000_000
_BATCH = 8
_HINTS_MAX = 3000


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetFilter:
    """What of the assets is shown; empty values let everything through.

    Attributes:
        words: all of them must occur in what is known of an asset.
        family: a key of the table of families.
        folder: only what lies below it.
        usable: only what can be used now.
    """

    words: str = ""
    kind: Kind | None = None
    family: str = ""
    folder: Path | None = None
    favourites: bool = False
    usable: bool = False


class AssetsModel(QAbstractListModel):
    """The assets that the filter lets through, in the order that is wanted.

    Signals:
        read(): the assets are new.
        filtered(): other rows are shown.
    """

    class Role(enum.IntEnum):
        ASSET = FIRST_ROLE
        TITLE = enum.auto()
        PREVIEW = enum.auto()
        IN_USE = enum.auto()
        FAVOURITE = enum.auto()

    read = Signal()
    filtered = Signal()

    def __init__(self, reads: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reads = reads
        self._all: tuple[Asset, ...] = ()
        self._texts: dict[Path, str] = {}
        self._rows: list[Asset] = []
        self._filter = AssetFilter()
        self._order: ModelsOrder = "kind"
        self._used: Mapping[str, float] = {}
        self._in_use: frozenset[str] = frozenset()
        self._loras: Mapping[str, ModelRef] | None = None
        self._previews: OrderedDict[Path, QImage] = OrderedDict()
        self._wanted: OrderedDict[Path, None] = OrderedDict()
        self._loading = False

    @property
    def all(self) -> tuple[Asset, ...]:
        """Every asset, whatever the filter says."""
        return self._all

    @property
    def loras(self) -> Mapping[str, ModelRef]:
        """What a prompt may call by name; of two with one name always the same, however they are
        sorted. Found when it is asked for.
        """
        if self._loras is None:
            by_name = sorted(self._all, key=lambda one: (one.name.casefold(), str(one.path)))
            self._loras = loras_of(by_name)
        return self._loras

    @property
    def shown(self) -> tuple[Asset, ...]:
        return tuple(self._rows)

    @property
    def filter(self) -> AssetFilter:
        return self._filter

    @property
    def kinds(self) -> tuple[tuple[Kind, int], ...]:
        """The kinds that there are, and how many of each."""
        counts = Counter(asset.identity.kind for asset in self._all)
        return tuple((kind, counts[kind]) for kind in KINDS if counts[kind])

    @property
    def families(self) -> tuple[tuple[str, int], ...]:
        """The keys of the families that there are, by title, and how many of each."""
        counts = Counter(asset.identity.family for asset in self._all if asset.identity.family)
        return tuple(sorted(counts.items(), key=lambda pair: title_of(pair[0]).casefold()))

    def set_assets(self, assets: Iterable[Asset]) -> None:
        """Show these from now on; where the rows are the same ones, only what changed is told."""
        self._all = in_order(assets, self._order, self._used)
        self._texts = {asset.path: _text(asset) for asset in self._all}
        self._loras = None
        self._show(self._chosen())
        self.read.emit()

    def replace(self, asset: Asset) -> None:
        """One asset has other facts, or its hash is known now.

        What the artist says is about the model, so a copy of it elsewhere has the same facts.
        """
        before, self._all = self._all, tuple(_twin(one, asset) for one in self._all)
        changed = {
            new.path: new for one, new in zip(before, self._all, strict=True) if new is not one
        }
        self._texts |= {path: _text(new) for path, new in changed.items()}
        self._loras = None
        for row, one in enumerate(self._rows):
            if one.path in changed:
                self._rows[row] = changed[one.path]
                self.dataChanged.emit(self.index(row), self.index(row))

    def set_filter(self, wanted: AssetFilter) -> None:
        """Show what `wanted` lets through."""
        if wanted != self._filter:
            self._filter = wanted
            self._show(self._chosen())
            self.filtered.emit()

    @property
    def order(self) -> ModelsOrder:
        return self._order

    def set_order(self, order: ModelsOrder, used: Mapping[str, float]) -> None:
        """Sort the assets.

        Args:
            used: when a model was used last, by the hash of its tensors, in seconds since 1970.
        """
        same = order == self._order and order != "used"
        self._order, self._used = order, used
        if same:
            return
        self._all = in_order(self._all, order, used)
        self._show(self._chosen())

    def set_in_use(self, hashes: frozenset[str]) -> None:
        """Mark the assets with these hashes of tensors."""
        changed, self._in_use = hashes ^ self._in_use, hashes
        for row, asset in enumerate(self._rows):
            if asset.sha256 in changed:
                self.dataChanged.emit(self.index(row), self.index(row), [self.Role.IN_USE])

    def is_in_use(self, asset: Asset) -> bool:
        return asset.sha256 is not None and asset.sha256 in self._in_use

    def asset_at(self, row: int) -> Asset | None:
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def count_below(self, folder: Path) -> int:
        """How many of all the assets lie in a folder."""
        # As texts: asking a thousand paths what they are relative to takes 30 ms.
        start = str(folder / "x")[:-1]
        return sum(str(asset.path).startswith(start) for asset in self._all)

    def row_of(self, path: Path) -> int:
        """The row of the asset at a place; -1 when it is not shown."""
        return next((row for row, asset in enumerate(self._rows) if asset.path == path), -1)

    def preview(self, asset: Asset) -> QImage | None:
        """The picture beside a model; None where there is none, or while it is read."""
        if asset.preview is None:
            return None
        image = self._previews.get(asset.preview)
        if image is None:
            self._want(asset.preview)
            return None
        self._previews.move_to_end(asset.preview)
        return None if image.isNull() else image

    def _chosen(self) -> list[Asset]:
        wanted = self._filter
        words = wanted.words.casefold().split()
        folder = wanted.folder
        return [
            asset
            for asset in self._all
            if (wanted.kind is None or asset.identity.kind == wanted.kind)
            and (not wanted.family or asset.identity.family == wanted.family)
            and (not wanted.favourites or asset.favourite)
            and (not wanted.usable or not (asset.unsupported or asset.missing))
            and (folder is None or asset.path.is_relative_to(folder))
            and (not words or _has_all(self._texts[asset.path], words))
        ]

    def _show(self, rows: list[Asset]) -> None:
        if [one.path for one in rows] == [one.path for one in self._rows]:
            changed = [row for row, one in enumerate(rows) if one != self._rows[row]]
            self._rows = rows
            for row in changed:
                self.dataChanged.emit(self.index(row), self.index(row))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def _want(self, path: Path) -> None:
        # The last ones asked for are those on the screen now.
        self._wanted[path] = None
        self._wanted.move_to_end(path)
        while len(self._wanted) > _PREVIEWS_MAX:
            self._wanted.popitem(last=False)
        self._load()

    def _load(self) -> None:
        if self._loading or not self._wanted:
            return
        self._loading = True
        paths = [self._wanted.popitem()[0] for _ in range(min(_BATCH, len(self._wanted)))]
        self._reads.run(_read_previews, paths, done=self._loaded)

    @Slot(object)
    def _loaded(self, images: dict[Path, QImage]) -> None:
        self._loading = False
        self._previews |= images
        while len(self._previews) > _PREVIEWS_MAX:
            self._previews.popitem(last=False)
        for row, asset in enumerate(self._rows):
            if asset.preview in images:
                self.dataChanged.emit(self.index(row), self.index(row), [self.Role.PREVIEW])
        self._load()

    def rowCount(self, parent: Index = NONE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        asset = self._rows[index.row()]
        match role:
            case self.Role.ASSET:
                return asset
            case self.Role.TITLE | Qt.ItemDataRole.DisplayRole:
                return asset.name
            case Qt.ItemDataRole.AccessibleTextRole:
                return described(asset, in_use=self.is_in_use(asset))
            case self.Role.PREVIEW:
                return self.preview(asset)
            case self.Role.IN_USE:
                return self.is_in_use(asset)
            case self.Role.FAVOURITE:
                return asset.favourite
            case _:
                return None

    def roleNames(self) -> dict[int, QByteArray]:
        return super().roleNames() | role_names(self.Role)


def described(asset: Asset, *, in_use: bool = False) -> str:
    """An asset in one line, for those who hear it."""
    identity = asset.identity
    parts = [
        asset.name,
        title_of(identity.family),
        KIND_WORDS[identity.kind],
        size_words(identity.bytes),
        "in use" if in_use else "",
        "favourite" if asset.favourite else "",
        "not there now" if asset.missing else "",
        f"cannot be used: {asset.unsupported}" if asset.unsupported else "",
    ]
    return ", ".join(part for part in parts if part)


def short_title(family: str) -> str:
    """A family in as few letters as people use for it: SD 1, SDXL."""
    title = title_of(family).replace("Stable Diffusion XL", "SDXL")
    return title.replace("Stable Diffusion", "SD")


def source_words(asset: Asset) -> str:
    """Whose folder an asset lies in."""
    return BUILT_IN if asset.path.is_relative_to(RESOURCES) else asset.source


def kind_words(kind: Kind) -> str:
    """A kind of asset for people."""
    return KIND_WORDS[kind]


def size_words(count: int) -> str:
    """Bytes for people, as disks count them: 6.9 GB, 144 MB, 12 kB."""
    if count >= 999_500_000:
        return f"{count / 1e9:.1f} GB"
    if count >= 999_500:
        return f"{count / 1e6:.0f} MB"
    return f"{max(1, round(count / 1e3))} kB" if count else "0 kB"


def _twin(one: Asset, changed: Asset) -> Asset:
    """`changed` in the place of the same file; a copy of it with the same facts."""
    if one.path == changed.path:
        return changed
    same = one.sha256 is not None and one.sha256 == changed.sha256
    if not same or one.facts == changed.facts:
        return one
    words = changed.facts.trigger_words or one.maker_words
    return replace(one, facts=changed.facts, trigger_words=words)


def _text(asset: Asset) -> str:
    """All that a search looks through, in small letters."""
    identity = asset.identity
    parts: Sequence[str] = (
        asset.name,
        asset.path.name,
        title_of(identity.family),
        identity.family,
        KIND_WORDS[identity.kind],
        identity.variant,
        identity.dtype,
        identity.quantisation,
        identity.base,
        asset.source,
        asset.notes,
        *asset.trigger_words,
        asset.description[:_HINTS_MAX],
        asset.sha256 or "",
        asset.file_sha256 or "",
    )
    return "\n".join(parts).casefold()


def _has_all(text: str, words: Sequence[str]) -> bool:
    return all(word in text for word in words)


def _read_previews(paths: Sequence[Path]) -> dict[Path, QImage]:
    """The pictures at their small size; an empty one for what is none, or too large to be one."""
    return {path: _read_preview(path) for path in paths}


def _read_preview(path: Path) -> QImage:
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    size = reader.size()
    if not size.isValid() or size.width() * size.height() > _SOURCE_PIXELS_MAX:
        return QImage()
    fitted = size.scaled(
        QSize(PREVIEW_SIDE, PREVIEW_SIDE), Qt.AspectRatioMode.KeepAspectRatioByExpanding
    )
    # A picture of one pixel by ten thousand would become an enormous one.
    if fitted.width() < size.width() and max(fitted.width(), fitted.height()) < 8 * PREVIEW_SIDE:
        reader.setScaledSize(fitted)
    return reader.read()
