"""An outline as HTML that every mail program and chat shows: escaped, a handful of tags, no script, picture or form."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from bot.channels.kit.styled import Line, Run, Style

_TAGS = {Style.HEAD: "h3", Style.LINE: "p", Style.QUOTE: "blockquote", Style.SMALL: "p"}


def render(
    lines: Sequence[Line],
    *,
    styles: Mapping[Style, str] | None = None,
    words: Callable[[str], str] = str,
    may_link: Callable[[str], bool] = lambda link: True,
) -> str:
    """Return escaped HTML with a handful of tags, without scripts, pictures or forms.

    ``styles`` is CSS for each element, since mail programs drop style sheets. ``words`` is applied to text before it is
    escaped, to remove what the service reads in plain text. Links for which ``may_link`` is False become their label.

    >>> render([Line(style=Style.LINE, runs=(Run(text="a<b ", is_bold=True), Run(text="c", link="https://x.example/?a&b")))])
    '<p><strong>a&lt;b </strong><a href="https://x.example/?a&amp;b">c</a></p>'
    """
    css = styles or {}

    def element(tag: str, style: Style, inner: str) -> str:
        return f'<{tag} style="{css[style]}">{inner}</{tag}>' if css.get(style) else f"<{tag}>{inner}</{tag}>"

    def runs(line: Line) -> str:
        return "".join(_run(run, words, may_link) for run in line.runs)

    elements: list[str] = []
    for style, group in groupby(lines, key=lambda line: line.style):
        if style is Style.ITEM:
            elements.append(element("ul", style, "".join(f"<li>{runs(line)}</li>" for line in group)))
        elif style is Style.SMALL:
            elements.append(element(_TAGS[style], style, "<br>".join(runs(line) for line in group)))
        else:
            elements += [element(_TAGS[style], style, runs(line)) for line in group]
    return "\n".join(elements)


def escaped(words: str) -> str:
    """Escape text, also for attributes in double quotes."""
    return html.escape(words)


def _run(run: Run, words: Callable[[str], str], may_link: Callable[[str], bool]) -> str:
    element = html.escape(words(run.text))
    for tag, is_on in (("em", run.is_italic), ("del", run.is_struck), ("strong", run.is_bold)):
        element = f"<{tag}>{element}</{tag}>" if is_on else element
    return f'<a href="{html.escape(run.link)}">{element}</a>' if run.link and may_link(run.link) else element
