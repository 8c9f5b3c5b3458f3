"""The samplers by the names artists know, and the diffusers scheduler that each one is."""

from dataclasses import dataclass
from typing import Literal, get_args

from desktop_app.errors import AppError

Sigmas = Literal["default", "karras", "exponential", "beta", "ays"]

SIGMAS_LABELS: dict[Sigmas, str] = {
    "default": "",
    "karras": "Karras",
    "exponential": "Exponential",
    "beta": "Beta",
    "ays": "AYS",
}
ALL_SIGMAS: tuple[Sigmas, ...] = get_args(Sigmas)
_KEB: tuple[Sigmas, ...] = ("default", "karras", "exponential", "beta")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampler:
    """One row of the table.

    Attributes:
        key: what a recipe stores.
        label: what the artist reads, the word other programs use too.
        scheduler: the class in `diffusers`.
        config: what is set on top of the model's own scheduler config.
        sigmas: the spacings of the noise levels that this class can use; AYS is "Align Your Steps"
            (Sabour et al. 2024, arXiv 2404.14507), given as explicit timesteps.
        order: network evaluations a step (Heun and DPM2 look twice).
        stochastic: whether each step draws fresh noise.
    """

    key: str
    label: str
    scheduler: str
    config: tuple[tuple[str, object], ...] = ()
    sigmas: tuple[Sigmas, ...] = ("default",)
    order: int = 1
    stochastic: bool = False


_ROWS = (
    Sampler(key="ddim", label="DDIM", scheduler="DDIMScheduler"),
    Sampler(key="ddpm", label="DDPM", scheduler="DDPMScheduler", stochastic=True),
    Sampler(
        key="pndm",
        label="PNDM",
        scheduler="PNDMScheduler",
        config=(("skip_prk_steps", True),),
    ),
    Sampler(
        key="euler",
        label="Euler",
        scheduler="EulerDiscreteScheduler",
        sigmas=(*_KEB, "ays"),
    ),
    Sampler(
        key="euler_a",
        label="Euler a",
        scheduler="EulerAncestralDiscreteScheduler",
        stochastic=True,
    ),
    Sampler(
        key="heun",
        label="Heun",
        scheduler="HeunDiscreteScheduler",
        sigmas=(*_KEB, "ays"),
        order=2,
    ),
    Sampler(key="dpm2", label="DPM2", scheduler="KDPM2DiscreteScheduler", sigmas=_KEB, order=2),
    Sampler(
        key="dpm2_a",
        label="DPM2 a",
        scheduler="KDPM2AncestralDiscreteScheduler",
        sigmas=_KEB,
        order=2,
        stochastic=True,
    ),
    Sampler(key="lms", label="LMS", scheduler="LMSDiscreteScheduler", sigmas=_KEB),
    Sampler(
        key="dpmpp_2m",
        label="DPM++ 2M",
        scheduler="DPMSolverMultistepScheduler",
        config=(("algorithm_type", "dpmsolver++"),),
        sigmas=(*_KEB, "ays"),
    ),
    Sampler(
        key="dpmpp_2m_sde",
        label="DPM++ 2M SDE",
        scheduler="DPMSolverMultistepScheduler",
        config=(("algorithm_type", "sde-dpmsolver++"),),
        sigmas=(*_KEB, "ays"),
        stochastic=True,
    ),
    Sampler(
        key="dpmpp_2s",
        label="DPM++ 2S",
        scheduler="DPMSolverSinglestepScheduler",
        # Otherwise the class sets it by itself, with a warning at each odd number of steps.
        config=(("lower_order_final", True),),
        sigmas=(*_KEB, "ays"),
    ),
    Sampler(key="unipc", label="UniPC", scheduler="UniPCMultistepScheduler", sigmas=_KEB),
    Sampler(key="deis", label="DEIS", scheduler="DEISMultistepScheduler", sigmas=_KEB),
    Sampler(key="lcm", label="LCM", scheduler="LCMScheduler", stochastic=True),
)
SAMPLERS: dict[str, Sampler] = {row.key: row for row in _ROWS}


def label_of(scheduler: str, sigmas: Sigmas = "default") -> str:
    """The name to show, such as `DPM++ 2M Karras`."""
    return f"{SAMPLERS[scheduler].label} {SIGMAS_LABELS[sigmas]}".strip()


def all_labels() -> dict[str, tuple[str, Sigmas]]:
    """Every sampler with every spacing it can use, by shown name, in the table's order."""
    return {label_of(row.key, sigmas): (row.key, sigmas) for row in _ROWS for sigmas in row.sigmas}


def find_sampler(name: str) -> tuple[str, Sigmas]:
    """Key and sigma spacing for a name typed by a person or found in a file.

    Upper and lower case, spaces, `-` and `_` make no difference; `DPM++ 2M Karras`,
    `dpmpp_2m_karras` and `k_euler_a` style names are understood.

    Raises:
        AppError: `unknown-sampler` when no sampler has that name.
    """
    wanted = _plain(name)
    for label, pair in all_labels().items():
        if wanted in (_plain(label), _plain("_".join(pair)), _plain("k_" + label)):
            return pair
    for row in _ROWS:
        if wanted in (_plain(row.key), _plain(row.scheduler), _plain("k_" + row.key)):
            return row.key, "default"
    raise AppError(
        "unknown-sampler",
        f"There is no sampler called “{name[:60]}”.",
        hint="The samplers are: " + ", ".join(row.label for row in _ROWS) + ".",
        name=name[:60],
    )


def _plain(name: str) -> str:
    return "".join(c for c in name.lower().replace("++", "pp") if c.isalnum())
