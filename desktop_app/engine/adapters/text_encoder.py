"""Another text encoder in place of one of a model's own."""

from collections.abc import Container
from pathlib import Path
from typing import Any

from desktop_app.engine import assembly
from desktop_app.engine.adapters.reading import broken
from desktop_app.engine.model import Model
from desktop_app.engine.reading import TROUBLES, no_reader
from desktop_app.engine.residency import is_out_of_memory


def load_text_encoder(
    path: Path, name: str, model: Model, taken: Container[str] = ()
) -> tuple[str, Any]:
    """Read a text encoder from one file, built like the one of the model that reads by its words.

    Args:
        taken: components that another file stands in for already.

    Returns:
        the component's name, and what stands in for it.

    Raises:
        AppError: `encoder-kind` for one that the model does not read with, `adapter-kind` or
            `adapter-broken`.
    """
    what = f"text encoder {name}"
    try:
        source = assembly.open_weights(path, what, code="adapter-kind")
        for inside in assembly.encoders_in(source):
            for part in model.family.parts:
                own = getattr(model.pipe, part.name, None)
                free = part.name.startswith("text_encoder") and part.name not in taken
                if free and own is not None and assembly.reads(inside, own.config.to_dict()):
                    return part.name, _built_like(own, inside, model.pipe)
    except TROUBLES as error:
        if is_out_of_memory(error):
            raise
        raise broken(what, error) from error
    raise no_reader(what, model.name, model.family)


def _built_like(own: Any, source: assembly.Source, pipe: Any) -> Any:
    projection = getattr(own, "text_projection", None)
    keeps = projection is not None and "text_projection.weight" not in source.tensors
    # Where the model's own travels to the device for each call, this one stays there.
    return assembly.text_encoder(
        source,
        type(own).__name__,
        own.config.to_dict(),
        device=pipe._execution_device,
        dtype=own.dtype,
        projection=projection.weight.detach() if keeps and projection is not None else None,
    )
