"""Why a picture made again can differ: two fingerprints side by side, and the likeliest cause."""

from dataclasses import dataclass, fields
from typing import Literal

from desktop_app.recipe.provenance import FINGERPRINT_ORDER, Fingerprint, Provenance

Stage = Literal["noise", "latents", "pixels"]
Action = Literal["", "cpu", "copy", "again"]
HASH_SHOWN = 12

LABELS: dict[str, str] = {
    "device": "Device",
    "device_name": "Name of the device",
    "dtype": "Numbers",
    "threads": "Threads of the processor",
    "batch_size": "Pictures at once",
    "decode": "Way of the decode",
    "torch": "torch",
    "diffusers": "diffusers",
    "transformers": "transformers",
    "cpu_capability": "Instructions of the processor",
    "attention": "Attention",
    "deterministic": "Deterministic",
    "rng": "Noise drawn as",
    "scheduler_class": "Sampler",
    "scheduler_config_sha256": "Settings of the sampler",
    "timesteps_sha256": "Noise levels",
    "model_config_sha256": "Configuration of the model",
    "platform": "System",
    "python": "Python",
    "app": "Mezzotint",
}
assert set(LABELS) == {field.name for field in fields(Fingerprint)}

_OF_NOISE = ("rng", "torch", "app")
_OF_DECODE = ("decode", "device", "device_name", "dtype", "threads", "torch", "cpu_capability")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of two fingerprints side by side, as text; hashes are shortened."""

    name: str
    label: str
    then: str
    now: str

    @property
    def differs(self) -> bool:
        return self.then != self.now


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Something that may be why, and what can be done.

    Attributes:
        name: the field of the fingerprint; empty where it is none of them.
        action: what the program can do: `cpu` verifies on the processor, `copy` puts the versions
            that it was made with on the clipboard, `again` verifies once more.
    """

    name: str
    sentence: str
    remedy: str
    action: Action = ""


def rows(then: Fingerprint, now: Fingerprint) -> tuple[Row, ...]:
    """All fields of two fingerprints: those that differ first, the likeliest cause at the top."""
    found = [
        Row(
            name=name,
            label=LABELS[name],
            then=_shown(name, getattr(then, name)),
            now=_shown(name, getattr(now, name)),
        )
        for name in FINGERPRINT_ORDER
    ]
    return tuple(sorted(found, key=lambda row: not row.differs))


def first_stage(then: Provenance, now: Provenance) -> Stage | None:
    """Where two renders part for the first time; None when all their hashes are equal."""
    if then.noise_sha256 != now.noise_sha256:
        return "noise"
    if then.latents_sha256 != now.latents_sha256:
        return "latents"
    return "pixels" if then.pixels_sha256 != now.pixels_sha256 else None


def causes(then: Provenance, now: Provenance) -> tuple[Cause, ...]:
    """Why two renders of one recipe differ, the likeliest first; empty when they do not.

    What can act at the stage where they part stands before what can only act later or earlier.
    """
    stage = first_stage(then, now)
    if stage is None:
        return ()
    old, new = then.fingerprint, now.fingerprint
    early = {"noise": _OF_NOISE, "latents": FINGERPRINT_ORDER, "pixels": _OF_DECODE}[stage]
    order = (*early, *(name for name in FINGERPRINT_ORDER if name not in early))
    found = [_cause(name, old, new) for name in order if getattr(old, name) != getattr(new, name)]
    return tuple(found) or (_nothing_known(stage),)


def versions(fingerprint: Fingerprint) -> str:
    """What to install to compute as it was computed then, as lines for pip."""
    lines = [f"# Python {fingerprint.python}, {fingerprint.platform}, {fingerprint.device_name}"]
    lines += [f"{name}=={getattr(fingerprint, name)}" for name in _LIBRARIES]
    return "\n".join([f"# Mezzotint {fingerprint.app}", *lines])


_LIBRARIES = ("torch", "diffusers", "transformers")


def _cause(name: str, then: Fingerprint, now: Fingerprint) -> Cause:
    old, new = _shown(name, getattr(then, name)), _shown(name, getattr(now, name))
    sentence = f"{LABELS[name]}: {old} then, {new} now."
    action: Action = ""
    match name:
        case "device" | "device_name" if then.device == "cpu" and now.device != "cpu":
            remedy = "It was computed by the processor, and can be again."
            action = "cpu"
        case "device" | "device_name":
            remedy = f"Only {then.device_name or 'the same device'} rounds in exactly that way."
        case "dtype":
            remedy = "Devices choose their kind of numbers; the one of then gives those bits."
        case "threads":
            remedy = "A sum over other threads is rounded otherwise; the processor's count is set"
            remedy += " as it was when a picture of the processor is verified."
        case "decode":
            remedy = "Memory ran out once: close other programs, and verify again."
            action = "again"
        case "torch" | "diffusers" | "transformers" | "app" | "python":
            remedy = f"Install {old} beside this one to compute as it was computed then."
            action = "copy"
        case "cpu_capability":
            remedy = f"Another processor. If this one knows {old}, set ATEN_CPU_CAPABILITY to it"
            remedy += " before the program starts."
        case "model_config_sha256":
            remedy = "The model's folder was changed, though not its weights: copy it here anew."
        case "scheduler_class" | "scheduler_config_sha256" | "timesteps_sha256" | "rng":
            remedy = "Another version sets it up otherwise; the one of then does it as then."
            action = "copy"
        case _:
            remedy = "It can change the last bits of a sum."
    return Cause(name=name, sentence=sentence, remedy=remedy, action=action)


def _nothing_known(stage: Stage) -> Cause:
    where = {"noise": "the noise", "latents": "the steps", "pixels": "the decode"}[stage]
    return Cause(
        name="",
        sentence=f"Nothing that is recorded differs, and yet {where} came out otherwise.",
        remedy="A driver, faulty memory or an overclocked processor can do that: verify again, and"
        " see whether it comes out the same twice.",
        action="again",
    )


def _shown(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    text = str(value)
    return text[:HASH_SHOWN] + "…" if name.endswith("sha256") and len(text) > HASH_SHOWN else text
