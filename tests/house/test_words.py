"""What no committed file may say: a machine's paths, a package host, unfinished work, words of another trade."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.files import ROOT, texts

# Each pattern is written so that it does not find itself. Docker Hub has no line: a short image name means it.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.])/(?:work/(?:main|shared)|root/|home/[a-z]|Users/[A-Z])"
    r"|/tmp/(?:brief|uvenv|shared-)",
    "a host of packages or images": r"\b(?:ghcr\.i[o]|quay\.i[o]|gcr\.i[o]|registry\.k8s\.i[o]|pypi\.or[g]"
    r"|pythonhosted\.or[g]|npmjs\.(?:or[g]|com)|proxy\.golang\.or[g])",
    "unfinished work": r"\b(?:TOD[O]|FIXM[E]|XX[X]:|HAC[K])\b|NotImplemente[d](?!Error)",
    "the design papers": r"\b(?:contract|architecture|engine|kubernetes-facts|stack|product|ux)"
    r"\.m[d]\b",
    "a layer called service": r"\bservice[s]?\.py\b|\bclass \w+Servic[e]\b",
    "an assistant": r"(?i)\b(?:chatgp[t]|claud[e]|copilo[t]|anthropi[c]|opena[i]|as an a[i]|languag[e] model)\b",
}
# Kubernetes' own words, in documents that are Kubernetes' own.
ALLOWED_FOLDERS = (Path("deploy/local/recipes"), Path("tests/golden"))


def findings(path: Path, text: str) -> list[str]:
    """Every forbidden thing a text says, with its line."""
    return [
        f"{path}:{text.count(chr(10), 0, hit.start()) + 1}: {what}: {hit[0]}"
        for what, pattern in FORBIDDEN.items()
        for hit in re.finditer(pattern, text)
    ]


def test_no_file_says_what_none_may() -> None:
    told = []
    for path, text in texts().items():
        if any(path.is_relative_to(folder) for folder in ALLOWED_FOLDERS):
            continue
        told += findings(path, text)
    assert told == []


@pytest.mark.parametrize(
    "words", ["see /work/" + "main/x", "from ghcr" + ".io/a/b", "# TO" + "DO later", "contract" + ".md §2"]
)
def test_the_words_are_found(words: str) -> None:
    assert len(findings(Path("some.py"), words)) == 1


def test_the_locks_name_no_host_and_hash_everything() -> None:
    locks = sorted((ROOT / "requirements").glob("*.lock"))
    assert [lock.name for lock in locks] == ["core.lock", "dev.lock"]
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index-url" not in text
        assert "--find-links" not in text
        pins = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,]+\])?==[^\s\\]+.*\\$", text, re.MULTILINE)
        unpinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#")) and line not in pins]
        assert unpinned == []


OWN_NAME = "\u4e2d\u6587"  # a language is offered in its own writing


def test_no_han_character_stands_outside_catalogues_and_tests() -> None:
    allowed = ("tests", "locale", "docs", "deploy", "bench")
    told = [
        f"{path}: {hit[0]}"
        for path, text in texts(".py", ".html", ".js", ".css").items()
        if path.parts[0] not in allowed and (hit := re.search(r"[\u4e00-\u9fff]+", text.replace(OWN_NAME, "")))
    ]
    assert told == []
