"""``report.html``: renders the report's Markdown as one page that a browser shows and prints."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from estimation.errors import OpenPoseLabError
from estimation.files import read_input
from openpose_lab.lab.report.document import PROMPT

_PROMPT = PROMPT.removeprefix("> ")
_TYPES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp", ".svg": "svg+xml"}
_LARGEST_PICTURE = 32 << 20
"""The size limit in bytes of a picture in the page."""
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: file: https: http:; media-src file: https: http:"
)
"""The browser's permissions for the page. Scripts in the text must not run when the instructor opens the page."""
_STYLE = """
@page { size: A4; margin: 18mm 16mm; }
:root { color-scheme: light; font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
body { max-width: 54rem; margin: 2rem auto; padding: 0 1rem; color: #1c1d1f; background: #fff;
  overflow-wrap: break-word; }
h1, h2, h3, h4 { line-height: 1.25; break-after: avoid; }
h1 { font-size: 1.7rem; }
h2 { font-size: 1.3rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .5rem; border-bottom: 1px solid #d6d8dc; text-align: left; }
th { border-bottom-color: #5b5f66; vertical-align: bottom; }
img { display: block; max-width: 100%; max-height: 40rem; }
p:has(> img) { break-inside: avoid; break-after: avoid; }
pre { padding: .6rem .8rem; background: #f4f5f6; font-size: .85rem; white-space: pre-wrap; }
code { font-family: ui-monospace, "Cascadia Mono", Consolas, "DejaVu Sans Mono", monospace; font-size: .9em; }
blockquote { margin: 1rem 0; padding: .1rem .9rem; border-left: .25rem solid #d6d8dc; color: #44474d; }
.to-write { border-color: #c9a227; background: #fdf8e7; }
p:has(+ table) { break-after: avoid; }
@media screen { table { display: block; overflow-x: auto; } }
@media print {
  body { max-width: none; margin: 0; padding: 0; font-size: 10.5pt; }
  table { font-size: 8pt; }
  th, td { padding: .12rem .3rem; }
  table, pre, blockquote { break-inside: avoid; }
  img { max-height: 105mm; }
}
"""


def render_page(
    text: str, folder: Path, pictures: Mapping[str, bytes], on_missing: Callable[[str], object] = lambda _: None
) -> str:
    """Render a report as one HTML page without further files.

    Args:
        text: The Markdown, with tables as on GitHub, and HTML.
        folder: The folder that paths of pictures are relative to.
        pictures: The contents of pictures by path in the folder. They replace the files there.
        on_missing: A function that is called with a sentence for each picture that cannot be embedded.

    Returns:
        The HTML text.
    """
    from markdown_it import MarkdownIt

    def embed(source: str) -> str:
        if re.match(r"[a-zA-Z][\w+.-]+:|//", source):
            return source
        path = unquote(source)
        kind = _TYPES.get(Path(path).suffix.lower())
        try:
            if kind is None:
                raise OpenPoseLabError(f"the picture {path} must end in one of {' '.join(_TYPES)}")
            data = pictures[path] if path in pictures else read_input(folder / path, "picture", _LARGEST_PICTURE)
        except OpenPoseLabError as error:
            on_missing(str(error))
            return source
        return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"

    def image(tokens: Sequence[Any], index: int, options: Any, environment: Any) -> str:
        token = tokens[index]
        token.attrSet("src", embed(str(token.attrGet("src"))))
        return markdown.renderer.image(tokens, index, options, environment)  # type: ignore[attr-defined, no-any-return]

    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    markdown.renderer.rules["image"] = image  # type: ignore[attr-defined]
    text = text.lstrip("\ufeff")
    content = markdown.render(text).replace(
        f"<blockquote>\n<p>{_PROMPT}", f'<blockquote class="to-write">\n<p>{_PROMPT}'
    )
    heading = re.search(r"^#\s+(.+?)\s*#*\s*$", text, re.MULTILINE)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(heading[1] if heading else 'Report')}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{content}</body></html>\n"
    )
