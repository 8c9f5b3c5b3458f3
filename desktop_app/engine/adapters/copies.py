"""Changed copies of weights, kept from one picture to the next with the same adapters."""

from collections.abc import Hashable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from typing import Any
from weakref import ref as weak

import torch

from desktop_app.engine import residency
from desktop_app.engine.adapters.layers import Layer, Lora
from desktop_app.engine.adapters.merged import Aside, settle


class Copies:
    """What `merged` made last.

    Only copies that rest in the computer's memory, and no more of it than models may take there
    that wait for their next use.
    """

    def __init__(self) -> None:
        self._key: Hashable = None
        self._loras: frozenset[Lora] = frozenset()
        self._copies: dict[tuple[Layer, str], torch.nn.Parameter] = {}

    def clear(self) -> None:
        """Free what is kept."""
        self._key, self._loras, self._copies = None, frozenset(), {}

    def of(self, pipe: Any, loras: Sequence[Lora]) -> Set[Lora]:
        """Those of the adapters that `attached` brings; others than last time free what is kept."""
        key = _key(pipe, loras)
        if self._key != key or not self._fit(pipe):
            self.clear()
        self._key = key
        return self._loras

    @contextmanager
    def attached(self, pipe: Any) -> Iterator[None]:
        """Let a pipeline work with the copies that are kept; its own weights wait meanwhile."""
        aside: list[Aside] = []
        layers = [layer for layer, _ in self._copies]
        try:
            for (layer, name), copy in self._copies.items():
                module = layer.module(pipe)
                aside.append(Aside(layer=layer, name=name, value=getattr(module, name, None)))
                setattr(module, name, copy)
            settle(pipe, layers)
            yield
        finally:
            if any(copy.device.type != "cpu" for copy in self._copies.values()):
                # An interrupted picture leaves them where their component took its turn.
                self.clear()
            for own in aside:
                own.back(pipe)
            settle(pipe, layers)

    def keep(self, pipe: Any, loras: Iterable[Lora], aside: Iterable[Aside]) -> None:
        """Keep the copies that stand in for what was put aside, for the adapters of the last `of`.

        Args:
            loras: those of them that the copies were changed by.
        """
        places = dict.fromkeys((own.layer, own.name) for own in aside)
        copies = {(layer, name): getattr(layer.module(pipe), name) for layer, name in places}
        size = sum(one.numel() * one.element_size() for one in copies.values())
        room = residency.describe(torch.device("cpu")).memory_total * residency.KEEP_SHARE
        if size <= room and all(one.device.type == "cpu" for one in copies.values()):
            self._loras, self._copies = frozenset(loras), copies

    def _fit(self, pipe: Any) -> bool:
        """Whether the pipeline keeps its weights where and as it did."""
        weights = ((layer.module(pipe).weight, copy) for (layer, _), copy in self._copies.items())
        return all(own.dtype == copy.dtype and own.device == copy.device for own, copy in weights)


def _key(pipe: Any, loras: Sequence[Lora]) -> Hashable:
    """What copies depend on; where a file is gone, what equals nothing."""
    if not loras:
        return ()
    try:
        files = [(lora, lora.path.stat()) for lora in loras]
    except OSError:
        return object()
    stamps = tuple((lora, found.st_size, found.st_mtime_ns) for lora, found in files)
    parts = [weak(one) for one in pipe.components.values() if isinstance(one, torch.nn.Module)]
    # How many threads there are orders the sums.
    return stamps, tuple(parts), torch.get_num_threads()
