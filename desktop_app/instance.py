"""One running program for one set of folders: a second start hands its picture to the first."""

import hashlib
import json
import os
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, QThread, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from desktop_app.errors import AppError

MESSAGE_MAX = 64 * 1024
WAIT_MS = 500
ATTEMPTS = 10


class Instance(QObject):
    """Whether this process is the one that owns the folders; if so, it listens to later starts.

    Signals:
        called(str): another start asks for the window, with the path of a picture or nothing.
    """

    called = Signal(str)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        """Args:
        folder: of the program's data; made if need be.
        """
        super().__init__(parent)
        self._folder = folder
        # The folder of sockets may be shared by all users. Some systems allow a hundred characters
        # for the whole path of a socket, so the name is a short hash.
        user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
        who = f"{user}\0{folder.absolute()}".encode()
        self._name = f"mezzotint-{hashlib.sha256(who).hexdigest()[:16]}"
        self._lock = QLockFile(str(folder / "running.lock"))
        # Only a process that is gone loses its lock; one that runs for days keeps it.
        self._lock.setStaleLockTime(0)
        self._server: QLocalServer | None = None

    def claim(self) -> bool:
        """Become the one that runs; False when another process is.

        Raises:
            AppError: `data-folder` when nothing can be written there.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise _unusable(self._folder, fault.strerror or str(fault)) from fault
        if self._lock.tryLock(0):
            return True
        if self._lock.error() == QLockFile.LockError.LockFailedError:
            return False
        raise _unusable(self._folder, "it cannot be written to")

    def listen(self) -> None:
        """Take calls of later starts; only after `claim` said yes."""
        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        # A killed process leaves its socket behind. The lock is ours, so no one listens there.
        QLocalServer.removeServer(self._name)
        server.newConnection.connect(self._take)
        server.listen(self._name)
        self._server = server

    def hand_over(self, picture: str) -> bool:
        """Ask the running program for its window, with the path of a picture or nothing.

        It may be just starting, so a few attempts are made.
        """
        data = json.dumps({"picture": picture}).encode()
        for _ in range(ATTEMPTS):
            socket = QLocalSocket()
            socket.connectToServer(self._name)
            if not socket.waitForConnected(WAIT_MS):
                QThread.msleep(WAIT_MS // 5)
                continue
            socket.write(data)
            socket.waitForBytesWritten(WAIT_MS)
            socket.disconnectFromServer()
            if socket.state() != QLocalSocket.LocalSocketState.UnconnectedState:
                socket.waitForDisconnected(WAIT_MS)
            return True
        return False

    def release(self) -> None:
        """Let the next start be the one that runs."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._lock.unlock()

    @Slot()
    def _take(self) -> None:
        server = self._server
        while server is not None and server.hasPendingConnections():
            socket = server.nextPendingConnection()
            socket.setParent(self)
            socket.setReadBufferSize(MESSAGE_MAX)
            socket.disconnected.connect(self._read)
            if socket.state() == QLocalSocket.LocalSocketState.UnconnectedState:
                self._hear(socket)

    @Slot()
    def _read(self) -> None:
        socket = self.sender()
        if isinstance(socket, QLocalSocket):
            self._hear(socket)

    def _hear(self, socket: QLocalSocket) -> None:
        data = bytes(socket.read(MESSAGE_MAX).data())
        socket.deleteLater()
        try:
            message = json.loads(data)
        except (ValueError, RecursionError):
            return
        picture = message.get("picture") if isinstance(message, dict) else None
        if isinstance(picture, str) and "\0" not in picture:
            self.called.emit(picture)


def _unusable(folder: Path, why: str) -> AppError:
    return AppError(
        "data-folder",
        f"Mezzotint cannot keep its data in {folder}: {why}.",
        hint="Make the folder writable, or set MEZZOTINT_HOME to another one.",
        folder=str(folder),
    )
