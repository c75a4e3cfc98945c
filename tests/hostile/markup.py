"""XML: what is not closed, not bounded, nested, or points outside."""

from __future__ import annotations

from tests.feeds.documents import atom, entry, item, rss
from tests.hostile.making import Documents, name_documents, with_body, with_extra, with_title, xml

_HEAD = '<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>'
#: Each is opened and never closed.
_OPEN = {
    "an item": "<item><title>a</title>",
    "a section": "<item><title><![CDATA[",
    "a comment": "<!-- ",
    "a document type": "<!DOCTYPE rss [",
    "an entity": '<!ENTITY a "',
    "an instruction": "<?xml ",
    "a quote": '<item a="',
    "a start tag": "<item ",
    "an end tag": "</item ",
    "a title": "<title>",
    "a reference": "&amp",
    "an angle": "<",
    "a section's end": "]]>",
    "a comment's end": "-->",
    "a bracket": "]",
    "a slash": "/>",
    "an element of the web": '<a href="',
    "a namespace": '<x:item xmlns:x="',
}
_LAUGHS = '<!ENTITY a "ha ha ha ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
_BOMB = (
    f'<?xml version="1.0"?>{{}}<!DOCTYPE rss [{_LAUGHS}]><rss><channel><item><title>&i;</title></item></channel></rss>'
)
_ITEM = "<rss><channel><item><title>{}</title></item></channel></rss>"
_BLOWUP = f'<!DOCTYPE rss [<!ENTITY a "{"x" * 50_000}">]>' + _ITEM.format("&a;" * 5_000)


def _bomb(before: str = "") -> str:
    return _BOMB.format(before)


def _declares(text: str, use: str = "&x;") -> str:
    return f'<?xml version="1.0"?><!DOCTYPE rss [{text}]>' + rss(item(1, title=f"T {use}"), declaration="")


_NESTED = {
    "elements": "<a>",
    "divisions": "<div>",
    "bold": "<b>",
    "tables": "<table><tr><td>",
    "lists": "<ul><li>",
    "quotes": "<blockquote>",
    "fonts": "<font color=red>",
    "forms": "<form>",
    "scripts": "<script>",
    "objects": "<object>",
    "comments": "<!-- <b>",
    "selects": "<select><option>",
    "svg": "<svg><desc>",
    "math": "<math><mi>",
    "templates": "<template>",
    "links of spaces": "<a href=" + " " * 300 + ">x",
    "links of quotes": "<a href='",
    "formatting that is carried on": "<b><i><u><p>",
}

DOCUMENTS: Documents = {
    **name_documents("never closed", _OPEN, lambda text: xml(_HEAD + text + "x" * 1000)),
    **name_documents("never closed, again and again", _OPEN, lambda text: xml(_HEAD + text * (400_000 // len(text)))),
    **name_documents(
        "never closed, after items", _OPEN, lambda text: xml(rss(item(1)).partition("</channel>")[0] + text * 20_000)
    ),
    **name_documents("nested in a body", _NESTED, lambda text: with_body(text * (500_000 // len(text)))),
    **name_documents(
        "nested in the document", {"a": "<a>", "items": "<item>"}, lambda text: xml(_HEAD + text * 100_000)
    ),
    "nested xhtml": lambda targets: xml(
        atom(entry(1, extra=f'<content type="xhtml">{"<div>" * 50_000}x{"</div>" * 50_000}</content>'))
    ),
    "entities: laughs": lambda targets: xml(_bomb()),
    "entities: laughs after a comment with a root": lambda targets: xml(_bomb("<!-- <rss > -->")),
    "entities: laughs in UTF-16": lambda targets: xml(_bomb().encode("utf-16")),
    "entities: laughs in an attribute": lambda targets: xml(_bomb().replace("<title>&i;", '<title a="&i;">x')),
    "entities: laughs with parameters": lambda targets: xml(
        _declares("".join(f'<!ENTITY % p{n} "{f"&#37;p{n - 1};" * 10}">' for n in range(1, 9)) + "%p8;", "")
    ),
    "entities: quadratic": lambda targets: xml(_BLOWUP),
    "entities: 20,000": lambda targets: xml(_declares("".join(f'<!ENTITY e{n} "x">' for n in range(20_000)))),
    "entities: templates of expressions": lambda targets: xml(_declares(r'<!ENTITY x "\1\g&lt;0>\q\\">', "&x;" * 100)),
    "entities: 200,000 characters by number": lambda targets: with_title("&#x41;" * 200_000),
    "entities: numbers out of range": lambda targets: with_title("&#x110000; &#0; &#xD800; &#99999999999999999999;"),
    "outside: an entity from a file": lambda targets: xml(_declares(f'<!ENTITY x SYSTEM "file://{targets.secret}">')),
    "outside: an entity from the network": lambda targets: xml(_declares(f'<!ENTITY x SYSTEM "{targets.canary}">')),
    "outside: a parameter from the network": lambda targets: xml(
        _declares(f'<!ENTITY % p SYSTEM "{targets.canary}"> %p;', "")
    ),
    "outside: a parameter from a file": lambda targets: xml(
        _declares(f'<!ENTITY % p SYSTEM "file://{targets.secret}"> %p;')
    ),
    "outside: a document type": lambda targets: xml(
        f'<!DOCTYPE rss SYSTEM "{targets.canary}">' + rss(item(1), declaration="")
    ),
    "outside: a public document type": lambda targets: xml(
        f'<!DOCTYPE rss PUBLIC "-//W3C//DTD XHTML 1.0//EN" "{targets.canary}">' + rss(item(1), declaration="")
    ),
    "outside: inclusion of a file": lambda targets: with_extra(
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{targets.secret}" parse="text"/>'
    ),
    "outside: inclusion from the network": lambda targets: with_extra(
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{targets.canary}"/>'
    ),
    "outside: a stylesheet": lambda targets: xml(
        rss(item(1), declaration=f'<?xml version="1.0"?><?xml-stylesheet href="{targets.canary}" type="text/xsl"?>')
    ),
    "outside: a schema": lambda targets: xml(
        rss(
            item(1),
            attributes='xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:schemaLocation="x {targets.canary}" xsi:noNamespaceSchemaLocation="{targets.canary}"',
        )
    ),
    "outside: pictures and frames in a body": lambda targets: with_body(
        f'<img src="{targets.canary}"><iframe src="{targets.canary}"></iframe>'
        f'<link rel=stylesheet href="{targets.canary}">'
    ),
    "large: an attribute": lambda targets: with_extra(f'<x a="{"y" * 3_000_000}"/>'),
    "large: 50,000 attributes": lambda targets: with_extra("<x " + " ".join(f"a{n}='1'" for n in range(50_000)) + "/>"),
    "large: 50,000 attributes, never closed": lambda targets: xml(
        rss(item(1), "<x " + " ".join(f"a{n}='1'" for n in range(50_000)))
    ),
    "large: 20,000 namespaces": lambda targets: xml(
        rss(item(1), attributes=" ".join(f'xmlns:n{n}="http://n/{n}"' for n in range(20_000)))
    ),
    "large: a name of 1 MB": lambda targets: with_extra(f"<{'x' * 1_000_000}/>"),
    "large: a prefix of 100 KB": lambda targets: with_extra(f'<{"p" * 100_000}:x xmlns:{"p" * 100_000}="u"/>'),
    "large: the same attribute twice": lambda targets: with_extra('<x a="1" a="2"/>' * 1_000),
    "large: 100,000 comments": lambda targets: xml(rss(item(1), "<!-- x -->" * 100_000)),
    "large: 100,000 instructions": lambda targets: xml(rss(item(1), "<?x y?>" * 100_000)),
    "large: 100,000 sections": lambda targets: with_title("<![CDATA[x]]>" * 100_000),
    "large: 5 MB of spaces": lambda targets: xml(rss(item(1), " " * 5_000_000)),
}
