"""The page of a report: Markdown as HTML, with the pictures in it."""

import base64

import pytest

from openpose_lab.lab.report.page import render_page
from openpose_lab.paths import sample_photo
from tests.support.browser import OpenPage, needs_browser

PICTURE = base64.b64encode(b"picture").decode()


def body(text, folder, pictures=None, on_missing=lambda _: None):
    return render_page(text, folder, pictures or {}, on_missing).split("<body>\n")[1].split("</body>")[0]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# One\n\ntwo *three* `a<b`\n", "<h1>One</h1>\n<p>two <em>three</em> <code>a&lt;b</code></p>\n"),
        (
            "| a | b |\n| --- | --: |\n| 1 | r_eye |\n",
            "<table>\n<thead>\n<tr>\n<th>a</th>\n"
            '<th style="text-align:right">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n'
            '<td style="text-align:right">r_eye</td>\n</tr>\n</tbody>\n</table>\n',
        ),
        ("1. a\n   - b\n2. c\n", "<ol>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n<li>c</li>\n</ol>\n"),
        ("```python\nx < 1\n```\n", '<pre><code class="language-python">x &lt; 1\n</code></pre>\n'),
        ("> mine\n", "<blockquote>\n<p>mine</p>\n</blockquote>\n"),
        ("> To write: `a`\n", '<blockquote class="to-write">\n<p>To write: <code>a</code></p>\n</blockquote>\n'),
        ("x<sub>1</sub>\n", "<p>x<sub>1</sub></p>\n"),
    ],
)
def test_markdown_as_html(text, html, tmp_path):
    assert body(text, tmp_path) == html


def test_comments_of_the_program_do_not_show(tmp_path):
    assert body("<!-- a -->\n\ntext\n\n<!-- b -->\n", tmp_path) == "<!-- a -->\n<p>text</p>\n<!-- b -->\n"


def test_pictures_are_in_the_page(tmp_path):
    (tmp_path / "my picture.PNG").write_bytes(b"picture")
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated" / "人.jpg").write_bytes(b"an older one")
    text = "![a](<my picture.PNG>) ![b](generated/人.jpg)"
    html = body(text, tmp_path, {"generated/人.jpg": b"picture"})
    assert html == (
        f'<p><img src="data:image/png;base64,{PICTURE}" alt="a" /> '
        f'<img src="data:image/jpeg;base64,{PICTURE}" alt="b" /></p>\n'
    )


def test_pictures_elsewhere_stay_links(tmp_path):
    text = "![a](https://example.com/a.png) ![b](data:image/png;base64,AAAA)"
    assert 'src="https://example.com/a.png"' in body(text, tmp_path, on_missing=pytest.fail)
    assert 'src="data:image/png;base64,AAAA"' in body(text, tmp_path, on_missing=pytest.fail)


def test_pictures_that_are_missing_are_told(tmp_path):
    told = []
    html = body("![a](none.png) ![b](report.md)", tmp_path, on_missing=told.append)
    assert html == '<p><img src="none.png" alt="a" /> <img src="report.md" alt="b" /></p>\n'
    assert told == [
        f"there is no picture {tmp_path / 'none.png'}; check the path",
        "the picture report.md must end in one of .png .jpg .jpeg .gif .webp .svg",
    ]


@pytest.mark.parametrize(
    ("text", "title"), [("\ufeff# A & <b>\n", "A &amp; &lt;b&gt;"), ("text", "Report"), ("text\n\n#  B  #\n", "B")]
)
def test_the_title_is_the_first_heading(text, title, tmp_path):
    assert f"<title>{title}</title>" in render_page(text, tmp_path, {})


SCRIPTS = """
<script>document.title = "script"</script>
<img src="none.png" onerror="document.title = 'image'">
<svg onload="document.title = 'picture'"></svg>
<iframe srcdoc="<script>parent.document.title = 'frame'</script>"></iframe>
<a id="link" href="javascript:document.title = 'link'">a</a>

![b](b.png)
"""


@needs_browser
def test_a_browser_runs_no_script_of_the_text(tmp_path):
    (tmp_path / "b.png").write_bytes(sample_photo().read_bytes())
    page = tmp_path / "report.html"
    page.write_text(render_page(f"# Mine\n{SCRIPTS}", tmp_path, {}), encoding="utf-8")
    with OpenPage(page.as_uri(), tmp_path / "profile") as opened:
        opened.until("document.readyState", "complete")
        opened.evaluate("document.querySelector('#link').click()")
        opened.until("document.querySelector('[alt=b]').naturalWidth > 0", True)
        assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert opened.evaluate("document.title") == "Mine"
