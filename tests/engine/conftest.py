"""Pipelines that are loaded once for all tests of the engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from diffusers import StableDiffusionPipeline

from desktop_app.engine.render import LocalBackend
from tests.engine.models import backend_for, plain_pipeline
from tests.tiny_model import save_tiny_model


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def v_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `tiny_model`, but predicting v."""
    folder = tmp_path_factory.mktemp("models") / "v"
    save_tiny_model(folder, seed=1, prediction_type="v_prediction")
    return folder


@pytest.fixture(scope="session")
def backend(
    tiny_model: Path, v_model: Path, starter_model: Path, cache: Path
) -> Iterator[LocalBackend]:
    """Knows the models `tiny`, `v` and `starter`."""
    backend = backend_for(cache, tiny=tiny_model, v=v_model, starter=starter_model)
    yield backend
    backend.close()


@pytest.fixture(scope="session")
def plain_tiny(tiny_model: Path) -> StableDiffusionPipeline:
    return plain_pipeline(tiny_model)


@pytest.fixture(scope="session")
def plain_starter(starter_model: Path) -> StableDiffusionPipeline:
    return plain_pipeline(starter_model)
