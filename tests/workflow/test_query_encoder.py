"""On the real DAG: queries read as the features that a text encoder makes of them."""

import pytest

from extractors.storage.files import read_json, sha256_of_path

pytestmark = pytest.mark.workflow

pytest.importorskip("transformers")


def test_a_text_encoder_takes_the_place_of_words(project):
    from tiny_text import save_tiny_bert

    folder = save_tiny_bert(project.path("models/bert"))
    encoder = {"kind": "minilm", "weights": "models/bert", "output": "tokens"}
    project.edit({"queries": {"encoder": encoder}, "training": {"epochs": 1}})
    outcome = project.make()
    assert outcome.jobs["encode_queries"] == 1
    assert "extract_features" not in outcome.jobs
    options = read_json(project.path("results/small/runs/img/seed0/options.json"))
    assert options["query_encoder"]["weights"] == f"sha256:{sha256_of_path(folder)}"
    assert project.snakemake("--", "results/small/metrics.json").did_nothing

    # Another encoder in the same folder is noticed.
    (folder / "note.txt").write_text("other")
    outcome = project.make()
    assert outcome.jobs["encode_queries"] == 1


def test_an_encoder_that_is_absent_is_refused_before_any_job(project):
    project.edit({"queries": {"encoder": {"kind": "clip_text", "weights": "models/absent"}}})
    outcome = project.snakemake("--", "results/small/metrics.json")
    assert outcome.status != 0
    assert not outcome.jobs
    assert (
        "queries.encoder.weights: expected a file or folder, found nothing at models/absent" in outcome.output
    )
