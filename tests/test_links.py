"""Every relative link and every anchor in the documents leads somewhere, on GitHub too. No internet is needed."""

import json
import re
import subprocess
from functools import cache
from itertools import pairwise
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt

from tests.conftest import ROOT

DOCUMENTS = [
    *(path for pattern in ("*.md", "docs/*.md", "images/*.md", "model_weights/*.md") for path in ROOT.glob(pattern)),
    ROOT / "docs" / "lab.ipynb",
]
PARSER = MarkdownIt("commonmark").enable("table")


def wrong_links(document, text):
    """Say of each link and image of a document that leads nowhere why it does not.

    Args:
        document: The path of the document.
        text: Its Markdown.
    """
    links, rest = links_of(text)
    wrong = [f"{link}: {reason}" for link in links if (reason := why_wrong(document, text, link))]
    return [*wrong, *(f"{part}: Markdown makes no link of this" for part in re.findall(r"\S*\](?:\(|\[)\S*", rest))]


def links_of(text):
    """The targets of links and images in Markdown, and the text that stands outside of links and code."""
    links, rest = [], []
    for block in PARSER.parse(text):
        for token in [block, *(block.children or [])]:
            links += [value for key in ("href", "src") if (value := token.attrs.get(key))]
            if token.type in ("html_block", "html_inline"):
                links += re.findall(r"""(?:href|src)=["']([^"']*)""", token.content)
            elif token.type == "text":
                rest.append(token.content)
    return links, "\n".join(rest)


def why_wrong(document, text, link):
    """The reason why a link of a document leads nowhere, or None."""
    url = urlsplit(unquote(link))
    if url.scheme:
        right = (url.scheme in ("http", "https") and url.netloc) or url.scheme == "mailto"
        return None if right else "no address of the web"
    if url.path.startswith("/"):
        return "write the path from the document's folder"
    target = (document.parent / url.path).resolve() if url.path else document
    if url.path and target not in project_files():
        return "no such file in the project"
    if not url.fragment:
        return None
    if lines := re.fullmatch(r"L(\d+)(?:-L(\d+))?", url.fragment):
        count = len(target.read_text(encoding="utf-8").splitlines()) if target.is_file() else 0
        return None if 1 <= int(lines[1]) <= int(lines[2] or lines[1]) <= count else f"the file has {count} lines"
    if target.suffix != ".md":
        return "only pages in Markdown have headings on GitHub"
    content = text if target == document else target.read_text(encoding="utf-8")
    return None if url.fragment in anchors_of(content) else "no heading has this anchor"


@cache
def project_files():
    """The files and folders that GitHub shows: what git tracks, and what it would add. All files without git."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(listing, cwd=ROOT, capture_output=True)
    except FileNotFoundError:
        files = []
    else:
        files = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    files = [path for path in files or ROOT.rglob("*") if path.exists()]
    return {folder for path in files for folder in (path, *path.parents) if folder.is_relative_to(ROOT)}


def anchors_of(text):
    """The anchors of a page as GitHub makes them of headings; an anchor in HTML counts, too."""
    found = set()
    blocks = PARSER.parse(text)
    for opening, heading in pairwise(blocks):
        if opening.type != "heading_open":
            continue
        shown = "".join(part.content for part in heading.children if part.type in ("text", "code_inline"))
        anchor = base = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number = 0
        while anchor in found:  # GitHub counts headings of one name
            number += 1
            anchor = f"{base}-{number}"
        found.add(anchor)
    return found | set(re.findall(r"""<\w+ (?:id|name)=["']([^"']+)""", text))


def text_of(document):
    """The Markdown of a document: of a notebook, that of its cells."""
    text = document.read_text(encoding="utf-8")
    if document.suffix != ".ipynb":
        return text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
    return "\n\n".join("".join(cell["source"]) for cell in cells)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document):
    assert not wrong_links(document, text_of(document))


def test_paths_in_the_notice_exist():
    text = re.sub(r"https?://\S+", "", (ROOT / "NOTICE").read_text(encoding="utf-8"))
    folders = "|".join(sorted(path.name for path in project_files() if path.parent == ROOT and path.is_dir()))
    paths = re.findall(rf"(?<![\w/])(?:{folders})/[\w./-]*", text)
    assert paths
    assert not [path for path in paths if ROOT / path.rstrip("/.") not in project_files()]


def test_pages_that_code_names_exist():
    sources = [path for path in project_files() if path.suffix == ".py" and "tests" not in path.parts]
    for source in [*sources, ROOT / "Makefile", ROOT / "pyproject.toml"]:
        for page, anchor in re.findall(r"\b(docs/\w+\.(?:md|ipynb))(?:#([\w-]+))?", source.read_text(encoding="utf-8")):
            assert ROOT / page in project_files(), f"{source.relative_to(ROOT)} names {page}"
            found = not anchor or anchor in anchors_of((ROOT / page).read_text(encoding="utf-8"))
            assert found, f"{source.relative_to(ROOT)} names {page}#{anchor}"


# The check itself

PAGE = """# The page

## Words, `code` & more: (a) first_name

## Twice

## Twice

<a name="here"></a>
"""


@pytest.mark.parametrize(
    "link",
    [
        "#the-page",
        "#words-code--more-a-first_name",
        "#twice",
        "#twice-1",
        "#here",
        "../README.md",
        "video.md#sources",
        "../estimation/merge.py#L1",
        "../estimation/merge.py#L1-L2",
        "pictures",
        "../estimation",
        "https://cocodataset.org/#home",
    ],
)
def test_a_link_that_leads_somewhere_is_right(link):
    assert not wrong_links(ROOT / "docs" / "page.md", f"{PAGE}\n[words]({link}) and `[code](none.md)`\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[words](none.md)", "no such file in the project"),
        ("![words](none.png)", "no such file in the project"),
        ("[words][ref]\n\n[ref]: none.md", "no such file in the project"),
        ('<img src="none.png">', "no such file in the project"),
        ("[words](readme.md)", "no such file in the project"),
        ("[words](../../outside.md)", "no such file in the project"),
        ("[words](../.cache)", "no such file in the project"),
        ("[words](/docs/page.md)", "write the path from the document's folder"),
        ("[words](#twice-2)", "no heading has this anchor"),
        ("[words](#Twice)", "no heading has this anchor"),
        ("[words](video.md#none)", "no heading has this anchor"),
        ("[words](lab.ipynb#none)", "only pages in Markdown have headings on GitHub"),
        ("[words](../LICENSE#L9999)", "the file has"),
        ("[words](../LICENSE#L3-L2)", "the file has"),
        ("[words](htp://cocodataset.org)", "no address of the web"),
        ("[words](https:cocodataset.org)", "no address of the web"),
        ("[words][none]", "Markdown makes no link of this"),
        ("[words](two words.md)", "Markdown makes no link of this"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(text, reason):
    (wrong,) = wrong_links(ROOT / "docs" / "page.md", f"{PAGE}\n{text}\n")
    assert reason in wrong
