"""The files for a public forge: workflows and templates can be read, and a release is checked before it is published."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = '[project]\nversion = "1.2.3"\n'


def problem(tag: str, changelog: str) -> str | None:
    spec = spec_from_file_location("check_release", ROOT / ".ci" / "check_release.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: str | None = module.problem(tag, PYPROJECT, changelog)
    return found


def test_a_release_whose_tag_version_and_changelog_agree_passes() -> None:
    assert problem("v1.2.3", "# Changelog\n\n## 1.2.3 (2026-12-24)\n") is None


@pytest.mark.parametrize(
    ("tag", "changelog", "message"),
    [
        ("v1.2.4", "## 1.2.3 (2026-12-24)\n", "the tag is v1.2.4"),
        ("v1.2.3", "## 1.2.2 (2026-12-24)\n", "no section for 1.2.3"),
        ("v1.2.3", "## 1.2.3 (unreleased)\n", "expected the date"),
    ],
)
def test_a_release_that_disagrees_is_refused(tag: str, changelog: str, message: str) -> None:
    assert message in (problem(tag, changelog) or "")


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_workflows_and_templates_are_yaml(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    for job in content.get("jobs", {}).values():
        for step in job["steps"]:
            words = step.get("run", "").split()
            assert all((ROOT / word).is_file() for word in words if word.startswith(".ci/"))
