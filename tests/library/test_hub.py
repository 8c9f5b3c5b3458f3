"""What a repository is asked for, what of it is offered, and on which terms."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.errors import AppError
from desktop_app.library.fetch_stop import Stop
from desktop_app.library.hub import Offer, look
from desktop_app.library.hub_address import HUB, Address, check_endpoint, parse_address
from desktop_app.library.hub_files import Pick, RemoteFile, is_plain_path, picks_of
from desktop_app.library.hub_licence import licence_file, licence_of
from tests.library import hub_server as server
from tests.library.hub_server import COMMIT, Hub, serve

pytestmark = pytest.mark.core


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve() as running:
        yield running


def ask(hub: Hub, text: str = "") -> Offer:
    return look(hub.net(), parse_address(text or hub.repo), Stop())


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("maker/model", Address(repo="maker/model")),
        ("  maker/model \n", Address(repo="maker/model")),
        ("maker/model@v1.0", Address(repo="maker/model", revision="v1.0")),
        ("hf://maker/model", Address(repo="maker/model")),
        ("https://huggingface.co/maker/model", Address(repo="maker/model")),
        ("https://huggingface.co/maker/model/", Address(repo="maker/model")),
        ("http://hf.co/maker/model?tab=x#y", Address(repo="maker/model")),
        ("huggingface.co/maker/model", Address(repo="maker/model")),
        ("https://hf-mirror.com/maker/model", Address(repo="maker/model")),
        (
            "https://huggingface.co/maker/model/tree/fp16",
            Address(repo="maker/model", revision="fp16"),
        ),
        (
            "https://huggingface.co/maker/model/tree/main/vae",
            Address(repo="maker/model", path="vae"),
        ),
        (
            "https://huggingface.co/maker/model/blob/main/a/b%20c.safetensors",
            Address(repo="maker/model", path="a/b c.safetensors"),
        ),
        (
            f"https://huggingface.co/maker/model/resolve/{COMMIT}/x.safetensors?download=true",
            Address(repo="maker/model", revision=COMMIT, path="x.safetensors"),
        ),
        ("maker/model/x.safetensors", Address(repo="maker/model", path="x.safetensors")),
    ],
)
def test_an_address_is_understood(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert address.page == f"{HUB}/maker/model"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fox",
        "../etc/passwd",
        "a/..",
        "a/b@..",
        "maker/model@main/../x",
        "maker/mo del",
        "https://example.com/maker/model",
        "https://huggingface.co.example.com/maker/model",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://huggingface.co/datasets/maker/data",
        "https://huggingface.co/spaces/maker/app",
        "https://huggingface.co/maker",
        "https://huggingface.co/maker/model/blob/main/../../x.safetensors",
        "https://huggingface.co/maker/model/blob/main/%2e%2e/x.safetensors",
        "maker/model\r\nHost: x",
        "a" * 5000,
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AppError) as caught:
        parse_address(text)
    assert caught.value.code == "download-address"


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except AppError:
        return
    assert address.repo.count("/") == 1
    assert not address.path or is_plain_path(address.path)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("", HUB),
        (" https://hf-mirror.com/ ", "https://hf-mirror.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://cache.example/hub", "https://cache.example/hub"),
    ],
)
def test_a_mirror_is_taken(text: str, endpoint: str) -> None:
    assert check_endpoint(text) == endpoint


@pytest.mark.parametrize(
    "text",
    ["hf-mirror.com", "http://hf-mirror.com", "https://a:b@c.de", "https://a?b", "https://[", "x"],
)
def test_a_mirror_that_would_tell_secrets_is_refused(text: str) -> None:
    with pytest.raises(AppError) as caught:
        check_endpoint(text)
    assert caught.value.code == "mirror-address"


def remote(*paths: str) -> list[RemoteFile]:
    return [RemoteFile(path=path, size=10, sha256="0" * 64) for path in paths]


def names(pick: Pick) -> list[str]:
    return [path for _, path in pick.files]


PIPELINE = (
    "model_index.json",
    "scheduler/scheduler_config.json",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
)


def test_a_pipeline_is_one_pick() -> None:
    picks, left_out = picks_of(remote(*PIPELINE, "README.md", "images/a.png", "notes.txt"))
    assert [(pick.title, pick.folder, pick.pickle) for pick in picks] == [("Pipeline", True, False)]
    assert names(picks[0]) == sorted(PIPELINE)
    assert left_out == ()


def test_half_precision_is_a_pick_of_its_own_with_plain_names() -> None:
    half = (
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/diffusion_pytorch_model.fp16.safetensors",
    )
    ema = "unet/diffusion_pytorch_model.non_ema.safetensors"
    picks, _ = picks_of(remote(*PIPELINE, *half, ema))
    assert [pick.variant for pick in picks] == ["fp16", ""]
    assert names(picks[0]) == names(picks[1]) == sorted(PIPELINE)
    assert {file.path for file, _ in picks[0].files} >= set(half)


def test_a_part_without_half_precision_comes_plain() -> None:
    picks, _ = picks_of(remote(*PIPELINE, "unet/diffusion_pytorch_model.fp16.safetensors"))
    sources = {file.path for file, _ in picks[0].files}
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in sources
    assert "vae/diffusion_pytorch_model.safetensors" in sources
    assert "unet/diffusion_pytorch_model.safetensors" not in sources


def test_pieces_keep_the_names_that_their_list_has() -> None:
    pieces = (
        "transformer/diffusion_pytorch_model.fp16-00001-of-00002.safetensors",
        "transformer/diffusion_pytorch_model.fp16-00002-of-00002.safetensors",
        "transformer/diffusion_pytorch_model.safetensors.index.fp16.json",
    )
    picks, _ = picks_of(remote("model_index.json", "transformer/config.json", *pieces))
    assert [pick.variant for pick in picks] == ["fp16"]
    assert "transformer/diffusion_pytorch_model.safetensors.index.json" in names(picks[0])
    assert pieces[0] in names(picks[0])


def test_pickles_are_not_offered_beside_safetensors() -> None:
    pickles = [path.replace(".safetensors", ".bin") for path in PIPELINE if "safetensors" in path]
    picks, left_out = picks_of(remote(*PIPELINE, *pickles, "old.ckpt"))
    assert not any(pick.pickle for pick in picks)
    assert not any(name.endswith((".bin", ".ckpt")) for name in names(picks[0]))
    assert left_out == ("3 files in the old format that can run code: not offered.",)


def test_pickles_alone_are_offered_as_what_they_are() -> None:
    picks, _ = picks_of(remote("RealESRGAN_x4.pth", "README.md"))
    assert [(pick.title, pick.pickle) for pick in picks] == [("RealESRGAN_x4.pth", True)]


def test_code_is_never_offered() -> None:
    picks, left_out = picks_of(
        remote(*PIPELINE, "pipeline.py", "unet/model.py", "unet/x.so", "vae/flax_model.msgpack")
    )
    assert not any(name.endswith((".py", ".so", ".msgpack")) for name in names(picks[0]))
    assert left_out == (
        "3 files with program code: never fetched.",
        "1 file for other programs (ONNX, Flax, OpenVINO).",
    )


def test_single_files_beside_a_pipeline() -> None:
    picks, _ = picks_of(
        remote(*PIPELINE, "sd_xl_base.safetensors", "extras/offset_lora.safetensors")
    )
    assert [pick.title for pick in picks] == [
        "Pipeline",
        "sd_xl_base.safetensors",
        "offset_lora.safetensors",
    ]
    assert not picks[1].folder


def test_a_network_alone_is_a_folder() -> None:
    picks, _ = picks_of(
        remote(
            "config.json",
            "diffusion_pytorch_model.safetensors",
            "diffusion_pytorch_model.fp16.safetensors",
            "diffusion_pytorch_model.bin",
        )
    )
    assert [(pick.variant, names(pick)) for pick in picks] == [
        ("fp16", ["config.json", "diffusion_pytorch_model.safetensors"]),
        ("", ["config.json", "diffusion_pytorch_model.safetensors"]),
    ]


def test_one_file_or_folder_of_a_repository() -> None:
    files = remote(*PIPELINE, "a/x.safetensors", "a/y.gguf")
    assert [pick.title for pick in picks_of(files, "a/x.safetensors")[0]] == ["x.safetensors"]
    assert [pick.title for pick in picks_of(files, "a")[0]] == ["x.safetensors", "y.gguf"]
    vae, _ = picks_of(files, "vae")
    assert names(vae[0]) == ["config.json", "diffusion_pytorch_model.safetensors"]
    assert picks_of(files, "model_index.json")[0] == ()


def test_the_safety_checkers_weights_stay_there() -> None:
    picks, _ = picks_of(remote(*PIPELINE, "safety_checker/model.safetensors"))
    assert len(picks) == 1
    assert "safety_checker/model.safetensors" not in names(picks[0])


@pytest.mark.parametrize(
    "path",
    [
        "",
        "..",
        "../a",
        "a/../b",
        "/a",
        "a//b",
        "a/.",
        "a\\b",
        "C:/a",
        "a:b",
        "a\0b",
        "a\nb",
        "con",
        "NUL.json",
        "a/com1.txt",
        "a.",
        "a ",
        " a",
        "\u202egnp.exe",
        "x" * 231,
        "é" * 120,
        "a/" * 8 + "a",
        "\ud800",
        'a"b',
    ],
)
def test_a_path_that_no_disk_should_have_is_refused(path: str) -> None:
    assert not is_plain_path(path)


@pytest.mark.parametrize(
    "path", ["a", ".gitattributes", "a/b c.safetensors", "é/ü.json", "a-b_c.d"]
)
def test_a_usual_path_is_taken(path: str) -> None:
    assert is_plain_path(path)


def test_a_look_without_a_network_speaks_of_no_download() -> None:
    with serve() as gone:
        net = gone.net()
    with pytest.raises(AppError) as caught:
        look(net, parse_address(gone.repo), Stop())
    assert caught.value.code == "download-network"
    assert str(caught.value.sentence).startswith("Nothing could be looked up: ")
    assert "kept" not in caught.value.hint


def test_a_repository_is_looked_up_once_and_its_files_are_pinned(hub: Hub) -> None:
    for path in PIPELINE:
        hub.put(path, path.encode(), lfs=path.endswith(".safetensors"))
    offer = ask(hub)
    assert len(hub.requests) == 1
    assert hub.requests[0].path == "/api/models/maker/model/revision/main?blobs=true"
    assert offer.commit == COMMIT
    assert offer.picks[0].size == sum(len(path) for path in PIPELINE)
    assert f"/resolve/{COMMIT}/" in offer.url(offer.picks[0].files[0][0])
    assert (offer.title, offer.gated, offer.licence.name) == ("model", False, "None stated")


def test_the_licence_is_read_before_a_download(hub: Hub) -> None:
    hub.put("x.safetensors", b"x")
    hub.put("LICENSE.md", b"Do as you like.", lfs=False)
    hub.card = {"license": "other", "license_name": "flux-1-dev-non-commercial-license"}
    licence = ask(hub).licence
    assert licence.name == "FLUX.1 [dev] Non-Commercial"
    assert licence.text == "Do as you like."
    assert licence.link == f"{HUB}/maker/model"


def test_a_gated_repository_is_offered_although_its_licence_file_is_not_shown(hub: Hub) -> None:
    hub.put("x.safetensors", b"x")
    hub.put("LICENSE", b"terms", lfs=False)
    hub.gated = "auto"
    hub.faults["LICENSE"] = [server.status(401, X_Error_Code="GatedRepo")]
    offer = ask(hub)
    assert offer.gated
    assert offer.licence.text == ""


def test_names_that_leave_the_folder_are_not_offered(hub: Hub) -> None:
    for path in ("../../evil.safetensors", "/evil.safetensors", "x.safetensors", "X.safetensors"):
        hub.put(path, b"x")
    offer = ask(hub)
    assert [pick.title for pick in offer.picks] == ["x.safetensors"]
    assert offer.left_out == ("3 files with names that no disk should have.",)


def test_a_repository_with_nothing_usable_says_so(hub: Hub) -> None:
    hub.put("pipeline.py", b"x", lfs=False)
    with pytest.raises(AppError) as caught:
        ask(hub)
    assert caught.value.code == "download-empty"
    assert "program code" in caught.value.hint


ANSWERS: dict[str, tuple[server.Fault, str]] = {
    "page": (server.page, "download-answer"),
    "no such": (server.status(404, X_Error_Code="RepoNotFound"), "download-not-found"),
    "private": (server.status(401), "download-not-found"),
    "gated": (server.status(403, X_Error_Code="GatedRepo"), "download-gated"),
    "no list": (lambda h, _: (h.say(200, b'{"sha": 5}', {}), True)[1], "download-answer"),
    "no json": (lambda h, _: (h.say(200, b"{" * 9000, {}), True)[1], "download-answer"),
    "a list": (lambda h, _: (h.say(200, b"[]", {}), True)[1], "download-answer"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_bad_answer_is_told(hub: Hub, name: str) -> None:
    hub.put("x.safetensors", b"x")
    fault, code = ANSWERS[name]
    hub.api_faults = [fault]
    with pytest.raises(AppError) as caught:
        ask(hub)
    assert caught.value.code == code


def test_rows_without_a_hash_are_not_offered(hub: Hub) -> None:
    hub.put("x.safetensors", b"x")
    row = {"rfilename": "y.safetensors", "size": 5}
    body = f'{{"sha": "{COMMIT}", "siblings": [{{}}, 5, {str(row).replace(chr(39), chr(34))}]}}'
    hub.api_faults = [lambda h, _: (h.say(200, body.encode(), {}), True)[1]]
    with pytest.raises(AppError) as caught:
        ask(hub)
    assert caught.value.code == "download-empty"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("LICENSE", True),
        ("LICENSE.md", True),
        ("license.txt", True),
        ("LICENCE-CC-BY-4.0", True),
        ("LICENSE_weights.txt", True),
        ("COPYING", True),
        ("docs/LICENSE", False),
        ("licensed.png", False),
        ("LICENSE.png", False),
    ],
)
def test_the_licence_file_is_found(path: str, found: bool) -> None:
    assert (licence_file(remote(path)) is not None) == found


@pytest.mark.parametrize(
    ("card", "name"),
    [
        ({"license": "mit"}, "MIT"),
        ({"license": ["creativeml-openrail-m"]}, "CreativeML OpenRAIL-M"),
        ({"license": "other", "license_name": "my-terms"}, "my-terms"),
        ({"license": "other"}, "The makers' own terms"),
        ({"license": 5}, "None stated"),
        ({}, "None stated"),
        ({"license": "<b>x</b>"}, "None stated"),
    ],
)
def test_a_licence_has_a_name(card: dict[str, object], name: str) -> None:
    assert licence_of(card, "", "https://huggingface.co/a/b").name == name


@pytest.mark.parametrize(
    "link", ["javascript:x", "http://a.b", "file:///x", "https://", 5, "x" * 999]
)
def test_an_odd_link_becomes_the_page(link: object) -> None:
    card = {"license": "mit", "license_link": link}
    assert licence_of(card, "", "https://page").link == "https://page"
