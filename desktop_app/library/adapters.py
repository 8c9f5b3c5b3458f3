"""Adapters told by the names and shapes of their tensors: LoRA, ControlNet, and the others."""

from dataclasses import dataclass

from desktop_app.library import adapter_keys as keys
from desktop_app.library.identity import Kind
from desktop_app.weights.headers import Header

_EMBEDDING_TENSORS_MAX = 8
_EMBEDDING_WIDTHS = {768: "sd1", 1024: "sd2"}
_EMBEDDING_ROWS_MAX = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What the names say; empty texts where they say nothing."""

    kind: Kind
    family: str = ""
    variant: str = ""
    naming: str = ""
    rank: int = 0
    targets: tuple[str, ...] = ()


class Names:
    """All names of a file in one text, where a part of a name is found at the speed of C."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self.text = "\n" + "\n".join(header.tensors) + "\n"
        self.plain = self.text.replace(".", "_")
        """With underscores for dots: kohya's names and diffusers' are the same then."""

    def inputs_of(self, module: str) -> int:
        """The inputs of the first LoRA module with this in its name; 0 when there is none."""
        place = self.plain.find(module)
        while place >= 0:
            start = self.plain.rfind("\n", 0, place) + 1
            end = self.plain.find("\n", place)
            inputs = self._inputs(self.text[start:end])
            if inputs:
                return inputs
            place = self.plain.find(module, end)
        return 0

    def _inputs(self, name: str) -> int:
        """What a tensor tells of the inputs of its module; 0 for nothing."""
        shape = self.header.tensors[name].shape
        if len(shape) < 2:
            return 0
        if (name + "\n").endswith((*keys.DOWN_MARKS, ".diff\n")):
            return shape[1]
        if name.endswith(".a2.weight"):
            # Its two sides have changed places once, but the rank is always the smaller.
            return max(shape[:2])
        module, mark, end = name.partition(".lokr_w1")
        if not mark or end not in ("", "_b"):
            return 0
        others = (self.header.tensors.get(f"{module}.lokr_w2{one}") for one in ("", "_b"))
        other = next((row.shape for row in others if row is not None), ())
        return shape[1] * other[1] if len(other) >= 2 else 0


def find_adapter(header: Header, told: str) -> Found | None:
    """What adapter this is; None if it is none.

    Args:
        told: the family that the metadata name, for LoRAs whose names do not tell it.
    """
    names = Names(header)
    method = next((method for mark, method in keys.LORA_MARKS if mark in names.text), "")
    if method == "glora" and ".b1.weight" not in names.text:
        method = ""
    if method and "lora_controlnet" not in header.tensors:
        return _lora(names, method, told)
    return _embedding(header, told) or _control(header, names) or _other(header)


def _lora(names: Names, method: str, told: str) -> Found:
    text = names.text
    if method == "lora" and (".dora_scale\n" in text or ".lora_magnitude_vector" in text):
        method = "dora"
    targets = [target for mark, target in keys.LORA_TARGETS if mark in text]
    naming = next((naming for mark, naming in keys.LORA_NAMINGS if mark in text), "original")
    family = _lora_family(names, told)
    unet = family in ("sd1", "sd2", "sd2-v", "sdxl", "sdxl-refiner", "")
    if not text.startswith(("\nlora_te", "\ntext_encoder")) or "unet" in text:
        targets.insert(0, "unet" if unet else "transformer")
    return Found(
        kind="lora",
        family=family,
        variant=method,
        naming=naming,
        rank=_rank(names.header),
        targets=tuple(dict.fromkeys(targets)),
    )


def _lora_family(names: Names, told: str) -> str:
    plain = names.plain
    for family, has, lacks in keys.LORA_FAMILIES:
        if all(mark in plain for mark in has) and not any(mark in plain for mark in lacks):
            return _finer(family, told)
    for module, family, width in keys.LORA_WIDTHS:
        if names.inputs_of(module) == width:
            return _finer(family, told)
    return told or next((family for mark, family in keys.UNET_MARKS if mark in plain), "")


def _finer(found: str, told: str) -> str:
    """The metadata's word where it names a sister of the family that was found."""
    sisters = ({"flux-dev", "flux-schnell", "chroma"}, {"sd3", "sd35"}, {"sd2", "sd2-v"})
    return told if any({found, told} <= group for group in sisters) else found


def _rank(header: Header) -> int:
    ends = tuple(mark.rstrip("\n") for mark in keys.DOWN_MARKS)
    return max(
        (row.shape[0] for name, row in header.tensors.items() if row.shape and name.endswith(ends)),
        default=0,
    )


def _embedding(header: Header, told: str) -> Found | None:
    tensors = header.tensors
    if not tensors or len(tensors) > _EMBEDDING_TENSORS_MAX:
        return None
    widths: set[int] = set()
    for row in tensors.values():
        if len(row.shape) not in (1, 2) or (len(row.shape) == 2 and row.shape[0] > 1000):
            return None
        widths.add(row.shape[-1])
    names = set(tensors)
    if names == {"clip_l", "clip_g"}:
        family = "sdxl"
    elif names & {"t5xxl", "t5"} and names <= {"clip_l", "clip_g", "t5xxl", "t5"}:
        family = "sd3" if "clip_g" in names else "flux-dev"
    elif names == {"emb_params"} or (len(names) == 1 and "." not in next(iter(names))):
        family = _EMBEDDING_WIDTHS.get(widths.pop(), told)
        if not family:
            return None
    else:
        return None
    return Found(kind="embedding", family=family)


def _control(header: Header, names: Names) -> Found | None:
    if "\nlllite_" in names.text:
        return Found(
            kind="controlnet",
            family="sdxl",
            variant="lllite",
        )
    for prefix in keys.CONTROL_PREFIXES:
        for rule in keys.CONTROLNETS:
            if rule.holds(header, prefix):
                return Found(
                    kind="controlnet",
                    family=rule.result,
                    variant=rule.variant,
                    naming=rule.naming,
                )
    return None


def _other(header: Header) -> Found | None:
    for kind, rule in keys.OTHERS:
        if rule.holds(header):
            return Found(
                kind="ip-adapter" if kind == "ip-adapter" else "t2i-adapter",
                family=rule.result,
                variant=rule.variant,
                naming=rule.naming,
            )
    return None
