"""With which commit continuous integration compares, tried in small repositories of their own."""

import os
import re
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "compare-with"
HOUR_S = 3600
START_S = 1_795_000_000


class Repository:
    """A repository whose commits have the times we give them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str, at_s: int = START_S) -> str:
        who = {f"GIT_{role}_{part}": "a@b.invalid" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
        times = {f"GIT_{role}_DATE": f"{at_s} +0000" for role in ("AUTHOR", "COMMITTER")}
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        return run(["git", *words], self.folder, os.environ | who | times | alone)

    def commit(self, *, hours: float) -> str:
        """Make an empty commit so many hours after the start and return its name."""
        self.git("commit", "--quiet", "--allow-empty", "--message=x", at_s=START_S + int(hours * HOUR_S))
        return self.git("rev-parse", "HEAD")

    def clone(self, folder: Path) -> "Repository":
        self.git("clone", "--quiet", str(self.folder), str(folder))
        cloned = Repository.__new__(Repository)
        cloned.folder = folder
        return cloned

    def compared_with(self) -> str:
        return run([str(SCRIPT)], self.folder, dict(os.environ))


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, check=True, cwd=folder, env=environment, capture_output=True, text=True)
    return done.stdout.strip()


def make(folder: Path, *hours: float) -> tuple[Repository, list[str]]:
    folder.mkdir()
    repository = Repository(folder)
    return repository, [repository.commit(hours=each) for each in hours]


def test_a_branch_is_compared_with_where_it_left_main(tmp_path):
    main, commits = make(tmp_path / "main", 0, 48)
    branch = main.clone(tmp_path / "branch")
    branch.git("checkout", "--quiet", "-b", "change")
    branch.commit(hours=49)
    assert branch.compared_with() == commits[-1]


def test_a_fresh_clone_of_main_is_compared_with_the_last_commit_more_than_a_day_older(tmp_path):
    main, commits = make(tmp_path / "main", 0, 10, 30, 34, 40)
    assert main.clone(tmp_path / "clone").compared_with() == commits[1]


def test_without_a_remote_it_is_the_same(tmp_path):
    main, commits = make(tmp_path / "main", 0, 10, 30, 34, 40)
    assert main.compared_with() == commits[1]


def test_a_history_of_one_day_has_nothing_to_compare_with(tmp_path):
    main, _ = make(tmp_path / "main", 0, 10, 23)
    assert main.clone(tmp_path / "clone").compared_with() == ""


def test_a_change_to_a_slow_test_brings_the_slow_tests_in():
    """Every file that has one is matched by the pattern of .ci/run."""
    text = (SCRIPT.parent / "run").read_text(encoding="utf-8")
    slow = re.compile(re.search(r"^slow='(.*)'$", text, re.M)[1])
    files = [path for path in sorted((SCRIPT.parents[1] / "tests").rglob("test_*.py")) if path.parent.name != "house"]
    marked = [path for path in files if "mark.long" in path.read_text(encoding="utf-8")]
    assert len(marked) > 3
    assert not [path for path in marked if not slow.search(str(path.relative_to(SCRIPT.parents[1])))]
