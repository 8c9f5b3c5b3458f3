"""Pictures of every family go on from a step of another, whatever form its pipeline works on."""

from pathlib import Path
from typing import Any

import pytest

from desktop_app.errors import AppError
from desktop_app.recipe.families import FAMILIES
from tests.engine.branches import bits, branch, keeping_backend
from tests.engine.models import recipe_for, render, steps_of
from tests.engine.tiny_families import MAKERS, save_tiny_family

pytestmark = [
    pytest.mark.slow,
    # Chroma's own code makes what diffusers calls deprecated.
    pytest.mark.filterwarnings("ignore:`FluxPosEmbed` is deprecated:FutureWarning"),
]
SIZES: dict[str, dict[str, Any]] = {
    "sana": {"width": 64, "height": 96},
    "kandinsky22": {"width": 128, "height": 64},
    "kandinsky3": {"width": 128, "height": 64},
    "cascade": {"width": 128, "height": 128},
}


TOO_LARGE = ("hidream",)
"""Makes no small pictures; what its pipeline works on has the form of Stable Diffusion 3's."""


@pytest.fixture(params=[key for key in MAKERS if FAMILIES[key].branches and key not in TOO_LARGE])
def key(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_branch_goes_on_where_its_parent_was(key: str, tmp_path: Path) -> None:
    save_tiny_family(key, tmp_path / key)
    folders: dict[str, Any] = {key: tmp_path / key}
    kept = keeping_backend(tmp_path / "cache", **folders)
    without = keeping_backend(tmp_path / "none", memory=0, **folders)
    row = FAMILIES[key]
    parent = recipe_for(
        key,
        scheduler=row.scheduler,
        sigmas=row.sigmas,
        guidance_scale=2.0,
        negative_prompt="fog" if "negative_prompt" in row.controls else "",
        **SIZES.get(key, {}),
    )
    whole = bits(kept, parent)
    assert bits(kept, branch(parent, 1)) == whole
    other = branch(parent, 2, prompt="a red fox")
    changed = bits(kept, other)
    assert changed != whole
    assert changed == bits(without, other)
    looks = steps_of(render(kept, other)[1])
    assert [look.index for look in looks] == [1, 2, 3]
    assert all(look.preview is not None for look in looks)
    kept.close()
    without.close()


def test_a_family_that_imagines_first_refuses_branches(tmp_path: Path) -> None:
    save_tiny_family("unclip", tmp_path / "unclip")
    backend = keeping_backend(tmp_path / "cache", unclip=tmp_path / "unclip")
    parent = recipe_for("unclip", scheduler="ddim")
    with pytest.raises(AppError) as refusal:
        render(backend, branch(parent, 1))
    assert refusal.value.code == "family-branch"
    backend.close()
