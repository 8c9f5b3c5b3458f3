"""Where data, models, cache, settings, logs and pictures live: the one place that asks appdirs."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import appdirs

APP = "Mezzotint"
PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent
_INSTALLED = PACKAGE / "resources"
RESOURCES = _INSTALLED if _INSTALLED.is_dir() else ROOT / "resources"
"""What the program ships: inside the package when installed, beside it in the source tree."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Paths:
    """The folders of one installation; none of them need exist yet."""

    data: Path
    config: Path
    cache: Path
    logs: Path
    pictures: Path

    @property
    def models(self) -> Path:
        """Where the artist's own diffusers folders are put."""
        return self.data / "models"

    @property
    def model_facts(self) -> Path:
        """What the artist said about models: favourites, notes, settings to start with."""
        return self.data / "model_facts.json"

    @property
    def model_uses(self) -> Path:
        """Which models were used last."""
        return self.data / "model_uses.json"

    @property
    def database(self) -> Path:
        return self.data / "library.sqlite"

    @property
    def journal(self) -> Path:
        """Latents that were finished but not yet saved as a picture."""
        return self.data / "journal"

    @property
    def sheets(self) -> Path:
        """What the grids are that were made, one JSON file each."""
        return self.data / "sheets"

    @property
    def trash(self) -> Path:
        return self.data / "trash"

    @property
    def settings_file(self) -> Path:
        return self.config / "settings.json"

    @property
    def hub_token(self) -> Path:
        """The access token for the model hub, readable by its owner alone."""
        return self.config / "hub_token"

    @property
    def draft_file(self) -> Path:
        return self.data / "draft.json"

    @property
    def wildcards(self) -> Path:
        """Text files whose lines a prompt chooses from."""
        return self.data / "wildcards"

    @property
    def presets(self) -> Path:
        """Where earlier versions kept presets; and a note of where the shelf lies now."""
        return self.data / "presets"


def resolve(environment: dict[str, str] | None = None) -> Paths:
    """The folders to use: all below `MEZZOTINT_HOME` if it is set, else where the system puts them.

    Pictures go to the system's pictures folder, `Pictures/Mezzotint`.
    """
    env = dict(os.environ) if environment is None else environment
    home = env.get("MEZZOTINT_HOME", "")
    if home:
        root = Path(home).expanduser().absolute()
        return Paths(
            data=root / "data",
            config=root / "config",
            cache=root / "cache",
            logs=root / "logs",
            pictures=root / "pictures",
        )
    return Paths(
        data=Path(appdirs.user_data_dir(APP, appauthor=False)),
        config=Path(appdirs.user_config_dir(APP, appauthor=False)),
        cache=Path(appdirs.user_cache_dir(APP, appauthor=False)),
        logs=Path(appdirs.user_log_dir(APP, appauthor=False)),
        pictures=_system_pictures(env) / APP,
    )


def _system_pictures(env: dict[str, str]) -> Path:
    """The artist's pictures folder: XDG user-dirs on Linux, `~/Pictures` elsewhere.

    Windows redirects (OneDrive) are kept in the registry under the same `My Pictures` value that
    Explorer shows.
    """
    if sys.platform == "win32":
        import winreg

        key = r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as folders:
            value, _ = winreg.QueryValueEx(folders, "My Pictures")
        return Path(os.path.expandvars(value))
    home = Path(env.get("HOME") or Path.home())
    if sys.platform.startswith("linux"):
        config = Path(env.get("XDG_CONFIG_HOME") or home / ".config")
        try:
            lines = (config / "user-dirs.dirs").read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        for line in lines:
            name, _, value = line.partition("=")
            if name.strip() == "XDG_PICTURES_DIR":
                named = Path(value.strip().strip('"').replace("$HOME", str(home)))
                if named.is_absolute() and named != home:
                    return named
    return home / "Pictures"
