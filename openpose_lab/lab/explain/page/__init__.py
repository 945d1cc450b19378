"""Makes the page of openpose_lab.commands.explain from its files and its data."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
_SCRIPTS = ("data.js", "maps.js", "panel.js", "stages.js", "cards.js", "watch.js", "page.js")


def make_page(data: dict[str, Any]) -> str:
    """Make the page as HTML from the data of ``openpose_lab.lab.explain.data``. All texts in it are escaped."""
    fillings = {
        "title": html.escape(data["photo"]["name"].encode(errors="replace").decode()),
        "css": (_FOLDER / "page.css").read_text(encoding="utf-8"),
        "js": "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS),
        "scripts": " file: 'self'" if data.get("watch") else "",
        "data": _for_script(data),
    }
    page = (_FOLDER / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda place: fillings[place[1]], page)


def _for_script(data: dict[str, Any]) -> str:
    """Return JSON in ASCII that cannot end the script element around it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
