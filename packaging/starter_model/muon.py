"""Muon for the matrices of a network and AdamW for the rest, as one resumable optimizer."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

# The quintic of Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024).
QUINTIC = (3.4445, -4.7750, 2.0315)
SMALLEST_MATRIX = 8


def orthogonalise(matrix: Tensor, iterations: int = 5) -> Tensor:
    """Return the nearest semi-orthogonal matrix to a 2-D `matrix`, by Newton-Schulz steps.

    Singular values end between about 0.7 and 1.2, which is all that Muon asks for.
    """
    # Half precision halves the time on a GPU; on processors without it, it is emulated and slow.
    x = matrix.to(torch.bfloat16) if matrix.is_cuda else matrix
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    x = iterate_small(x, iterations) if worth_factoring(x) else iterate(x, iterations)
    return (x.T if tall else x).to(matrix.dtype)


def worth_factoring(x: Tensor) -> bool:
    """Tell whether `x` is wide enough, and exact enough, for `iterate_small`."""
    return x.dtype == torch.float32 and x.shape[1] >= 3 * x.shape[0]


def iterate(x: Tensor, iterations: int) -> Tensor:
    """Return x after the quintic steps x <- (a + b G + c G^2) x with G = x x^T."""
    a, b, c = QUINTIC
    for _ in range(iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x


def iterate_small(x: Tensor, iterations: int) -> Tensor:
    """Return the same as `iterate`, working on x x^T alone: all factors are polynomials in it.

    Two products with the wide matrix instead of two for each step.
    """
    a, b, c = QUINTIC
    gram = x @ x.T
    identity = torch.eye(len(x), dtype=x.dtype, device=x.device)
    product = identity
    for _ in range(iterations):
        factor = a * identity + b * gram + c * (gram @ gram)
        product = factor @ product
        gram = factor @ gram @ factor
    return product @ x


def split_parameters(
    modules: Iterable[nn.Module], adamw_names: Sequence[str]
) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Return (matrices for Muon, everything else); names holding one of `adamw_names` go to AdamW.

    The first and last layers, embeddings, norms and biases train better under AdamW.
    """
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for module in modules:
        for name, parameter in module.named_parameters():
            if not parameter.requires_grad:
                continue
            inner = parameter.ndim >= 2 and not any(part in name for part in adamw_names)
            if inner and min(parameter.shape[0], parameter[0].numel()) >= SMALLEST_MATRIX:
                matrices.append(parameter)
            else:
                rest.append(parameter)
    return matrices, rest


class MuonAdamW(torch.optim.Optimizer):
    """Muon (momentum 0.95, Nesterov) on `matrices`, AdamW on `rest`; `scale` multiplies both rates.

    A step whose gradients are not finite is skipped, so that one bad batch cannot end a long run.
    """

    def __init__(
        self,
        matrices: Sequence[nn.Parameter],
        rest: Sequence[nn.Parameter],
        *,
        muon_rate: float = 0.02,
        adamw_rate: float = 1e-3,
        weight_decay: float = 0.01,
        clip: float = 1.0,
    ) -> None:
        groups: list[dict[str, Any]] = []
        if matrices:
            groups.append({"params": list(matrices), "kind": "muon", "rate": muon_rate})
        if rest:
            groups.append({"params": list(rest), "kind": "adamw", "rate": adamw_rate})
        super().__init__(groups, {"weight_decay": weight_decay, "clip": clip, "kind": "adamw"})
        self.scale = 1.0

    def gradient_norm(self) -> float:
        """Return the Euclidean norm of all gradients together."""
        total = 0.0
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    total += float(parameter.grad.float().square().sum())
        return total**0.5

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Apply one update from the gradients at hand, then drop them."""
        norm = self.gradient_norm()
        if norm == norm and norm != float("inf"):
            for group in self.param_groups:
                update = self._muon if group["kind"] == "muon" else self._adamw
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        update(parameter, group, min(1.0, group["clip"] / (norm + 1e-6)))
        self.zero_grad(set_to_none=True)

    def _muon(self, parameter: nn.Parameter, group: dict[str, Any], clip: float) -> None:
        del clip  # the direction is normalised: clipping would change nothing but the momentum
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        rate = group["rate"] * self.scale
        momentum = state["momentum"].mul_(0.95).add_(parameter.grad)
        flat = (parameter.grad + 0.95 * momentum).reshape(parameter.shape[0], -1)
        direction = orthogonalise(flat).reshape(parameter.shape)
        parameter.mul_(1 - group["weight_decay"] * rate)
        parameter.add_(direction, alpha=-rate * max(1.0, flat.shape[0] / flat.shape[1]) ** 0.5)

    def _adamw(self, parameter: nn.Parameter, group: dict[str, Any], clip: float) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
        state["step"] += 1
        step = float(state["step"])
        gradient = parameter.grad * clip
        state["mean"].lerp_(gradient, 0.1)
        state["square"].mul_(0.98).addcmul_(gradient, gradient, value=0.02)
        spread = (state["square"] / (1 - 0.98**step)).sqrt_().add_(1e-8)
        rate = group["rate"] * self.scale
        parameter.addcdiv_(state["mean"] / (1 - 0.9**step), spread, value=-rate)


def optimizer_for(
    modules: Iterable[nn.Module],
    *,
    adamw_names: Sequence[str],
    muon_rate: float = 0.02,
    adamw_rate: float = 1e-3,
    weight_decay: float = 0.01,
) -> MuonAdamW:
    """Return the optimizer for all trainable parameters of `modules`."""
    matrices, rest = split_parameters(modules, adamw_names)
    return MuonAdamW(
        matrices,
        rest,
        muon_rate=muon_rate,
        adamw_rate=adamw_rate,
        weight_decay=weight_decay,
    )


class Average:
    """A moving average of a network's parameters (float32), for sampling and export."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {n: p.detach().clone() for n, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move towards the parameters of `module`; early steps count more, so it starts warm."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        for name, parameter in module.named_parameters():
            self.values[name].lerp_(parameter, weight)

    @torch.no_grad()
    def copy_to(self, module: nn.Module) -> None:
        """Overwrite the parameters of `module` with the averages."""
        for name, parameter in module.named_parameters():
            parameter.copy_(self.values[name])
