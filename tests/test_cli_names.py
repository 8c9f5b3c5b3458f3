"""What a prompt on the command line calls, directly and through its wildcards."""

from pathlib import Path

from desktop_app.cli.asked import recipes_of
from desktop_app.library.catalog import Catalog
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.names import Names, read_wildcard
from desktop_app.recipe.recipe import LoraUse, ModelRef
from tests.studio.test_asset_desk import ink

MODEL = ModelRef(sha256="0" * 64, name="model")


def test_loras_are_called_by_the_prompt_and_by_its_wildcards(tmp_path: Path) -> None:
    for rank, name in ((4, "ink"), (8, "oil"), (16, "not called")):
        ink(tmp_path / "loras" / f"{name}.safetensors", rank=rank)
    catalog = Catalog([tmp_path / "loras"], tmp_path / "cache")
    names = Names(wildcards={"paint": read_wildcard("paint", "<lora:oil:0.5>")})
    draft = Draft(prompt="a fox <lora:ink:0.8>__paint__<lora:nobody:1>", model=MODEL)
    (recipe,) = recipes_of(draft, names, catalog)
    uses = [use for use in recipe.adapters if isinstance(use, LoraUse)]
    assert [(use.lora.name, use.weight) for use in uses] == [("ink", 0.8), ("oil", 0.5)]
    assert recipe.prompt == "a fox <lora:nobody:1>"
    hashed = {one.name for one in catalog.assets() if one.sha256 is not None}
    assert hashed == {"ink", "oil"}
