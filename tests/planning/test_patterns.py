import re

from planning import patterns


def test_names_are_matched_to_the_letter():
    pattern = patterns.match_any(["i3d.r50", "i3d"])
    assert re.fullmatch(pattern, "i3d.r50")
    assert not re.fullmatch(pattern, "i3dxr50")


def test_no_names_match_nothing():
    assert not re.fullmatch(patterns.match_any([]), "")


def test_a_scope_is_nothing_or_the_folder_of_a_dataset_that_stands_for_the_papers(project):
    pattern = patterns.match_scope(project)
    assert all(re.fullmatch(pattern, scope) for scope in ("", "demo/"))
    assert not any(re.fullmatch(pattern, scope) for scope in ("demo", "charades/"))


def test_files_and_folders_of_the_manifest_are_named_below_resources(project):
    files = patterns.match_files(project)
    assert re.fullmatch(
        files, str(next(iter(project.resources.resources.values())).path)[len("resources/") :]
    )
    assert re.fullmatch(patterns.match_archive_folders(project), "charades/videos")


def test_each_figure_is_made_by_one_rule(project):
    made = (patterns.match_curves, patterns.match_comparisons, patterns.match_timelines)
    for figure in (*project.papers["img"].recipes.figures, *project.papers["img"].recipes.timelines):
        assert [bool(re.fullmatch(pattern(project), figure)) for pattern in made].count(True) == 1
