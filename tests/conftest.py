"""The ground every test stands on: own folders, no network, no screen, and a real tiny model."""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Read by Qt, by the Hugging Face libraries and by torch's threads when they are first imported.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["DIFFUSERS_DISABLE_REMOTE_CODE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import hypothesis
import pytest

# A busy machine is no fault of the code, and a change is judged by the same examples each time.
hypothesis.settings.register_profile("here", deadline=None, print_blob=True)
hypothesis.settings.register_profile(
    "ci", parent=hypothesis.settings.get_profile("here"), derandomize=True
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Let sockets reach this machine only, so that a test proves that nothing else is called."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _local_only(getattr(socket.socket, name)))
    yield
    patch.undo()


def _local_only(
    connect: Callable[[socket.socket, Any], Any],
) -> Callable[[socket.socket, Any], Any]:
    def guarded(sock: socket.socket, address: Any) -> Any:
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            if not host.startswith(LOOPBACK):
                raise OSError(f"a test tried to reach {host}")
        return connect(sock, address)

    return guarded


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test folders of its own; returns the one that holds all that the program writes."""
    folder = tmp_path / "mezzotint-home"
    monkeypatch.setenv("MEZZOTINT_HOME", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "user" / name.lower()))
    for name in ("HF_HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "user" / name.lower()))
    return folder


@pytest.fixture(autouse=True)
def one_torch_thread() -> None:
    """Keep torch to one thread where a test uses it: equal bits, and room for other tests."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def starter_model() -> Path:
    """The folder of the built-in model, in diffusers format."""
    return ROOT / "resources" / "models" / "starter"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real Stable Diffusion pipeline at toy size, with random weights.

    Pictures of 64 x 64 pixels take some 10 ms a step. The weights are the same in every run.
    """
    from tests.tiny_model import save_tiny_model

    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_tiny_model(folder)
    return folder
