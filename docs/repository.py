"""The site shows the repository's own layout: its pages, and the files that they link to, at their own paths.

This is a hook of mkdocs, which itself knows only the files of docs/.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md", "results/*.md")
LINK = re.compile(r"""(?:\]\(|src="|srcset=")([^)"#:\s]+)(?:#[^)\s]*)?[)"]""")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Return all pages, and every file that they link to; broken links stay for mkdocs to report."""
    pages = [path for pattern in PAGES for path in sorted(ROOT.glob(pattern))]
    linked = {path for page in pages for path in _links(page)}
    here = [*pages, *sorted(linked - {*pages})]
    kept = [file for file in files if not file.src_uri.endswith((".md", ".png", ".py"))]
    return Files([*kept, *(_file(path, config) for path in here)])


def _links(page: Path) -> list[Path]:
    found = (page.parent / target for target in LINK.findall(page.read_text("utf-8")))
    return [path.resolve() for path in found if path.is_file() and path.resolve().is_relative_to(ROOT)]


def _file(path: Path, config: MkDocsConfig) -> File:
    name = path.relative_to(ROOT).as_posix()
    return File.generated(config, name, abs_src_path=str(path))
