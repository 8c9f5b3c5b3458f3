"""HubDesk: the server that models are fetched from, its access token, and what it is asked."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop_app.errors import AppError
from desktop_app.library.fetch_stop import Stop
from desktop_app.library.hub_address import check_endpoint, parse_address
from desktop_app.library.hub_token import keep_token, read_token
from desktop_app.studio.background import Background
from desktop_app.studio.download_job import Way, look_up
from desktop_app.studio.settings_holder import SettingsHolder

if TYPE_CHECKING:
    from desktop_app.library.fetch_net import Limits
    from desktop_app.library.hub import Offer

_END_MS = 4000


class HubDesk(QObject):
    """Nothing goes to the network before `look_up` is called.

    Signals:
        looked(Offer): what was looked up.
        look_failed(AppError)
    """

    looked = Signal(object)
    look_failed = Signal(object)

    def __init__(
        self,
        settings: SettingsHolder,
        token_file: Path,
        parent: QObject | None = None,
        *,
        limits: "Limits | None" = None,
    ) -> None:
        """Args:
        token_file: where the access token is kept.
        limits: how patient requests are; the usual ones if left out.
        """
        super().__init__(parent)
        self._settings, self._token_file, self._limits = settings, token_file, limits
        # One more than is needed: a look that was given up may take a moment to end.
        self._reads = Background(self, threads=2)
        self._looking: Stop | None = None

    @property
    def looking(self) -> bool:
        """Whether the hub is being asked about a repository."""
        return self._looking is not None

    @property
    def endpoint(self) -> str:
        """The server that models are fetched from.

        Raises:
            AppError: `mirror-address`.
        """
        return check_endpoint(self._settings.values.hub_mirror)

    @property
    def has_token(self) -> bool:
        """Whether an access token is kept for that server; reads a small file."""
        try:
            return bool(read_token(self._token_file, self.endpoint))
        except AppError:
            return False

    def way(self) -> Way:
        """How the server is reached now.

        Raises:
            AppError: `mirror-address`.
        """
        return Way(endpoint=self.endpoint, token_file=self._token_file, limits=self._limits)

    def set_mirror(self, address: str) -> None:
        """Fetch from another server; from the hub itself with an empty address.

        Raises:
            AppError: `mirror-address`.
        """
        check_endpoint(address)
        self._settings.set(hub_mirror=address.strip())

    def set_token(self, token: str) -> None:
        """Keep an access token for the server in use; an empty one forgets it.

        Raises:
            AppError: `token-form`, `token-save`, `mirror-address`.
        """
        keep_token(self._token_file, token, self.endpoint)

    def look_up(self, text: str) -> None:
        """Ask the hub what a repository, a folder or a file of it holds; `looked` tells.

        Raises:
            AppError: `download-address`, `mirror-address`; nothing was asked then.
        """
        address = parse_address(text)
        way = self.way()
        self.cancel_look()
        stop = self._looking = Stop()
        self._reads.run(
            lambda: look_up(way, address, stop),
            done=lambda offer: self._have_looked(stop, offer),
            failed=lambda error: self._have_not_looked(stop, error),
        )

    def cancel_look(self) -> None:
        """Ask no further."""
        if self._looking is not None:
            self._looking.set()
            self._looking = None

    def stop(self) -> None:
        """Break off what is asked before the program ends."""
        self.cancel_look()
        self._reads.close(_END_MS)

    def _have_looked(self, stop: Stop, offer: "Offer") -> None:
        if stop is self._looking:
            self._looking = None
            self.looked.emit(offer)

    def _have_not_looked(self, stop: Stop, error: AppError) -> None:
        if stop is self._looking:
            self._looking = None
            self.look_failed.emit(error)
