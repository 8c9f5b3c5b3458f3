"""SettingsEffects: what another setting changes at once, and what it changes at the next start."""

from pathlib import Path

from PySide6.QtCore import QObject, Slot

from desktop_app.paths import RESOURCES, Paths
from desktop_app.settings import Settings
from desktop_app.studio.conductor import Conductor
from desktop_app.studio.herald import Herald
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.settings_holder import SettingsHolder

_RENEWS = ("threads", "snapshot_megabytes", "device")


class SettingsEffects(QObject):
    """Makes the engine and the list of models follow the settings."""

    def __init__(
        self,
        settings: SettingsHolder,
        paths: Paths,
        library: LibraryModel,
        conductor: Conductor,
        herald: Herald,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._paths = paths
        self._library = library
        self._conductor = conductor
        self._herald = herald
        conductor.set_previews(settings.values.previews)
        settings.changed.connect(self._changed)

    @Slot(object, object)
    def _changed(self, new: Settings, before: Settings) -> None:
        self._conductor.set_previews(new.previews)
        if new.model_folders != before.model_folders:
            self._library.set_folders(folders_of_models(self._paths, new))
        if any(getattr(new, one) != getattr(before, one) for one in _RENEWS):
            self._conductor.renew_engine()
        if new.pictures != before.pictures:
            self._herald.say(
                "New pictures go there, and the gallery shows that folder, from the next "
                "start on. To keep the earlier ones in view, move their folders there."
            )


def folders_of_models(paths: Paths, values: Settings) -> tuple[Path, ...]:
    """Where models lie: the built-in ones first, the artist's own last."""
    further = (Path(one) for one in values.model_folders)
    return (RESOURCES / "models", *further, paths.models)
