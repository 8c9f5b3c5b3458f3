"""Adapters of every method of LyCORIS for a small pipeline, and what each makes of a weight."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

Dense = Callable[[torch.Tensor], torch.Tensor]
"""The weight that a layer has with the adapter on, by a computation of the test's own."""
RANK, ALPHA = 2, 1.0
TEXT = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


class Maker:
    """Draws the parts of one layer and says what they make of its weight."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def draw(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=self._generator) / 3

    def loha(self, weight: torch.Tensor) -> tuple[dict[str, torch.Tensor], Dense]:
        rows, columns = len(weight), weight[0].numel()
        parts = {"alpha": torch.tensor(ALPHA)}
        for number in (1, 2):
            parts[f"hada_w{number}_a"] = self.draw(rows, RANK)
            parts[f"hada_w{number}_b"] = self.draw(RANK, columns)

        def dense(own: torch.Tensor) -> torch.Tensor:
            grown = torch.zeros(rows, columns)
            for i in range(RANK):
                for j in range(RANK):
                    left = parts["hada_w1_a"][:, i] * parts["hada_w2_a"][:, j]
                    right = parts["hada_w1_b"][i] * parts["hada_w2_b"][j]
                    grown += left[:, None] * right[None]
            return own + (ALPHA / RANK) * grown.reshape(own.shape)

        return parts, dense

    def lokr(self, weight: torch.Tensor) -> tuple[dict[str, torch.Tensor], Dense]:
        first = self.draw(4, 4)
        rows, columns = len(weight) // 4, weight.shape[1] // 4
        inner = weight[0, 0].numel()
        parts = {
            "lokr_w1": first,
            "lokr_w2_a": self.draw(rows, RANK),
            "lokr_w2_b": self.draw(RANK, columns * inner),
            "alpha": torch.tensor(ALPHA),
        }

        def dense(own: torch.Tensor) -> torch.Tensor:
            second = sum(
                parts["lokr_w2_a"][:, k, None] * parts["lokr_w2_b"][k, None] for k in range(RANK)
            )
            assert isinstance(second, torch.Tensor)
            second = second.reshape(rows, columns, *own.shape[2:])
            grown = torch.cat(
                [torch.cat([first[i, j] * second for j in range(4)], dim=1) for i in range(4)]
            )
            return own + (ALPHA / RANK) * grown

        return parts, dense

    def full(self, weight: torch.Tensor) -> tuple[dict[str, torch.Tensor], Dense]:
        diff = self.draw(*weight.shape)
        return {"diff": diff}, lambda own: own + diff

    def ia3(self, weight: torch.Tensor) -> tuple[dict[str, torch.Tensor], Dense]:
        scale = self.draw(len(weight))
        parts = {"weight": scale, "on_input": torch.tensor(0)}

        def dense(own: torch.Tensor) -> torch.Tensor:
            return torch.stack([row * (1 + by) for row, by in zip(own, scale, strict=True)])

        return parts, dense

    def glora(self, weight: torch.Tensor) -> tuple[dict[str, torch.Tensor], Dense]:
        rows, columns = len(weight), weight.shape[1]
        parts = {
            "a1.weight": self.draw(columns, RANK),
            "a2.weight": self.draw(RANK, columns),
            "b1.weight": self.draw(rows, RANK),
            "b2.weight": self.draw(RANK, *weight.shape[1:]),
            "alpha": torch.tensor(ALPHA),
        }

        def dense(own: torch.Tensor) -> torch.Tensor:
            mix = parts["a1.weight"] @ parts["a2.weight"]
            mixed = torch.tensordot(own.movedim(1, -1), mix, dims=1).movedim(-1, 1)
            added = parts["b1.weight"] @ parts["b2.weight"].flatten(1)
            return own + (ALPHA / RANK) * (mixed + added.reshape(own.shape))

        return parts, dense

    def oft(self, weight: torch.Tensor) -> tuple[dict[str, torch.Tensor], Dense]:
        blocks = self.draw(len(weight) // 8, 8, 8)

        def dense(own: torch.Tensor) -> torch.Tensor:
            turned: list[torch.Tensor] = []
            for number, block in enumerate(blocks):
                skew, one = block - block.T, torch.eye(8)
                turn = torch.linalg.solve(one - skew, one + skew)
                rows = own[8 * number : 8 * number + 8].flatten(1)
                turned.append(turn.T @ rows)
            return torch.cat(turned).reshape(own.shape)

        return {"oft_blocks": blocks}, dense

    def dora(self, weight: torch.Tensor) -> tuple[dict[str, torch.Tensor], Dense]:
        columns = weight.shape[1]
        parts = {
            "lora_down.weight": self.draw(RANK, *weight.shape[1:]),
            "lora_up.weight": self.draw(len(weight), RANK, *[1] * (weight.ndim - 2)),
            "alpha": torch.tensor(ALPHA),
            "dora_scale": 1 + self.draw(columns).abs().reshape(1, -1, *[1] * (weight.ndim - 2)),
        }

        def dense(own: torch.Tensor) -> torch.Tensor:
            up, down = parts["lora_up.weight"].flatten(1), parts["lora_down.weight"].flatten(1)
            grown = own + (ALPHA / RANK) * (up @ down).reshape(own.shape)
            out = torch.empty_like(grown)
            for column in range(columns):
                length = torch.linalg.vector_norm(grown[:, column])
                magnitude = parts["dora_scale"].flatten()[column]
                out[:, column] = magnitude * grown[:, column] / length
            return out

        return parts, dense


METHODS = ("loha", "lokr", "full", "ia3", "glora", "oft", "dora")


def layers_of(pipe: Any) -> Iterator[tuple[str, str, str, torch.nn.Module]]:
    """The layers that trainers change: kohya's name, component, path and module."""
    for path, module in pipe.unet.named_modules():
        linear = isinstance(module, torch.nn.Linear) and ".to_" in path
        if linear or (isinstance(module, torch.nn.Conv2d) and ".conv1" in path):
            yield "lora_unet_" + path.replace(".", "_"), "unet", path, module
    for number, part in enumerate(("text_encoder", "text_encoder_2"), 1):
        encoder = getattr(pipe, part, None)
        start = f"lora_te{number}_" if hasattr(pipe, "text_encoder_2") else "lora_te_"
        for path, module in encoder.named_modules() if encoder is not None else ():
            if isinstance(module, torch.nn.Linear) and path.endswith(TEXT):
                plain = path.removeprefix("text_model.").replace(".", "_")
                yield f"{start}text_model_{plain}", part, path, module


def made(pipe: Any, method: str, seed: int = 0) -> tuple[dict[str, torch.Tensor], dict[str, Dense]]:
    """A file of that method for a pipeline, and each layer's weight by `component.path`."""
    maker = Maker(seed)
    file: dict[str, torch.Tensor] = {}
    dense: dict[str, Dense] = {}
    for name, part, path, module in layers_of(pipe):
        weight: Any = module.weight
        parts, after = getattr(maker, method)(weight)
        file |= {f"{name}.{key}": one for key, one in parts.items()}
        dense[f"{part}.{path}"] = after
    return file, dense


def weigh_by_hand(pipe: Any, dense: dict[str, Dense], weight: float) -> None:
    """Write the weights that an adapter gives into a pipeline of its own."""
    for place, after in dense.items():
        part, _, path = place.partition(".")
        module = getattr(pipe, part).get_submodule(path)
        own = module.weight.data
        module.weight.data = own + weight * (after(own) - own)
