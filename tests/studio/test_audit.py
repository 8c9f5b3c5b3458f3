"""Verifying many pictures: after all else, with a report, cancelled at any time; and proofs."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from desktop_app.errors import AppError
from desktop_app.studio import proofs
from desktop_app.studio.values import Job
from tests.studio.conftest import Stage


def ids(stage: Stage) -> list[int]:
    gallery = stage.studio.gallery
    return [one for row in range(gallery.total) if (one := gallery.id_at(row)) is not None]


def results(stage: Stage) -> list[str]:
    return [row.result for row in stage.studio.audit.rows]


def over(stage: Stage) -> None:
    stage.until(lambda: stage.studio.audit.rows and not stage.studio.audit.busy)
    stage.idle()


def test_a_selection_is_verified_and_reported(stage: Stage, tmp_path: Path) -> None:
    stage.order(count=3)
    stage.made(3)
    stage.listener.notices.clear()
    audit = stage.studio.audit
    audit.pictures([*ids(stage), ids(stage)[0]])
    over(stage)
    assert results(stage) == ["identical"] * 3
    assert audit.summary() == "3 pictures: 3 identical."
    assert not stage.listener.notices
    first = stage.studio.gallery.record_of(ids(stage)[0])
    assert first is not None
    stage.until(lambda: _verified(stage) == "identical")
    audit.save(tmp_path / "report.txt", "here")
    stage.until((tmp_path / "report.txt").exists)


def _verified(stage: Stage) -> str:
    record = stage.studio.gallery.record_of(ids(stage)[0])
    return record.verified if record is not None else ""


def test_a_folder_is_verified_whatever_lies_in_it(stage: Stage, tmp_path: Path) -> None:
    stage.order(count=2)
    stage.made(2)
    folder = tmp_path / "folder" / "inside"
    folder.mkdir(parents=True)
    for number in ids(stage):
        path = stage.studio.gallery.path_of(number)
        assert path is not None
        shutil.copy(path, folder)
    copies = sorted(folder.glob("*.png"))
    Image.new("RGB", (8, 8)).save(folder / "plain.png")
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no", "utf-8")
    stage.studio.audit.folder(tmp_path / "folder")
    over(stage)
    told = {row.path.name: row for row in stage.studio.audit.rows}
    assert told["plain.png"].result == told["broken.png"].result == "unproved"
    assert told["plain.png"].cause
    assert [told[path.name].result for path in copies] == ["identical"] * 2
    assert stage.studio.gallery.total == 2


def test_an_empty_folder_is_said_so(stage: Stage, tmp_path: Path) -> None:
    stage.studio.audit.folder(tmp_path)
    stage.until(lambda: "no pictures" in stage.listener.texts())
    assert not stage.studio.audit.busy


def test_what_differs_has_its_largest_difference_and_a_cause(stage: Stage) -> None:
    stage.order()
    stage.made(1)
    stage.backend.shift = 9
    stage.studio.audit.pictures(ids(stage))
    over(stage)
    (row,) = stage.studio.audit.rows
    assert (row.result, row.largest) == ("different", 9)
    assert row.cause.startswith("Name of the device: script then, other now.")


def test_pictures_that_are_made_go_before_and_a_failure_is_a_row(stage: Stage) -> None:
    stage.order(count=3)
    stage.made(3)
    gate = stage.backend.gate("encoding")
    stage.studio.audit.pictures(ids(stage))
    stage.until(gate.reached.is_set)
    stage.order("a castle", count=1)
    stage.until(lambda: len(stage.studio.queue.jobs()) == 4)
    stage.backend.fail("decoding", AppError("not-finite", "It lost its numbers."))
    gate.open.set()
    over(stage)
    assert results(stage) == ["failed", "identical", "identical"]
    assert stage.studio.audit.rows[0].cause == "It lost its numbers."
    prompts = [one.prompt for one in stage.backend.rendered]
    assert prompts.index("a castle") < len(prompts) - 2
    assert not stage.studio.queue.jobs()
    assert stage.studio.gallery.total == 4


def test_cancel_leaves_what_is_done_and_drops_the_rest(stage: Stage) -> None:
    stage.order(count=3)
    stage.made(3)
    audit = stage.studio.audit
    gate = stage.backend.gate("step 1")
    audit.pictures(ids(stage))
    stage.until(gate.reached.is_set)
    stage.studio.cancel_audit()
    gate.open.set()
    stage.idle()
    assert results(stage) == ["cancelled"] * 3
    assert not stage.studio.queue.jobs()
    assert audit.report()[0].result == "cancelled"


def test_escape_while_a_picture_is_verified_ends_all_of_it(stage: Stage) -> None:
    stage.order(count=3)
    stage.made(3)
    gate = stage.backend.gate("step 1")
    stage.studio.audit.pictures(ids(stage))
    stage.until(gate.reached.is_set)
    stage.studio.cancel()
    gate.open.set()
    stage.until(lambda: not stage.studio.audit.busy)
    stage.idle()
    assert results(stage) == ["cancelled"] * 3


def test_the_evidence_of_a_verdict_is_kept_and_the_processor_can_be_asked(stage: Stage) -> None:
    stage.order()
    stage.made(1)
    stage.backend.shift = 1
    number = ids(stage)[0]
    stage.studio.again.reproduce(number, "cpu")
    stage.until(lambda: stage.studio.proofs.verdict(number))
    stage.idle()
    verdict = stage.studio.proofs.verdict(number)
    assert verdict is not None
    assert verdict.evidence is not None
    assert verdict.kind == "similar"
    assert verdict.evidence.now.latents_sha256
    assert stage.backend.devices[-1] == "cpu"


def test_evidence_is_dropped_before_it_fills_the_memory(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.order(count=2)
    stage.made(2)
    studio = stage.studio
    studio.audit.pictures(ids(stage))
    over(stage)
    first, second = ids(stage)
    stage.until(lambda: studio.proofs.verdict(second))
    verdict = studio.proofs.verdict(second)
    assert verdict is not None
    assert verdict.evidence is not None
    monkeypatch.setattr(proofs, "BYTES_MAX", 1)
    record = studio.gallery.record_of(first)
    assert record is not None
    assert record.recipe is not None
    job = Job(id=-99, run=1, kind="verify", recipe=record.recipe, picture=first)
    studio.proofs.add(job, replace(verdict))
    assert studio.proofs.verdict(second) is None
    assert studio.proofs.verdict(first) is not None


def test_a_missing_model_is_named_with_a_way_to_the_folder(stage: Stage) -> None:
    stage.order()
    stage.made(1)
    error = AppError("model-missing", "The model Ink is not here (sha256 abc).")
    stage.backend.fail("loading", error)
    stage.studio.again.reproduce(ids(stage)[0])
    stage.until(lambda: "model Ink" in stage.listener.texts())
    assert stage.listener.with_action("Show where models are looked for").seconds == 0
