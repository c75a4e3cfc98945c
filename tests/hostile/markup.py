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
    "a start tag": "<item ",
    "a reference": "&amp",
    "an angle": "<",
    "an element of the web": '<a href="',
}
_LAUGHS = '<!ENTITY a "ha ha ha ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
_BOMB = (
    f'<?xml version="1.0"?>{{}}<!DOCTYPE rss [{_LAUGHS}]><rss><channel><item><title>&i;</title></item></channel></rss>'
)
#: Each before the declaration looks as if the document had begun.
_HIDING = {
    "after a comment with a root": "<!-- <rss > -->",
    "after an instruction with a root": "<? <rss > ?>",
    "after a declaration in a comment": "<!-- <?xml version='1.0'?><rss > -->",
    "after a type with a comment": "<!DOCTYPE rss [ <!-- <rss > --> ]>",
    "after a type with an entity": "<!DOCTYPE rss [ <!ENTITY a '<rss >'> ]>",
}
_ITEM = "<rss><channel><item><title>{}</title></item></channel></rss>"
_BLOWUP = f'<!DOCTYPE rss [<!ENTITY a "{"x" * 50_000}">]>' + _ITEM.format("&a;" * 5_000)


def _bomb(before: str = "") -> str:
    return _BOMB.format(before)


def _declares(text: str, use: str = "&x;") -> str:
    return f'<?xml version="1.0"?><!DOCTYPE rss [{text}]>' + rss(item(1, title=f"T {use}"), declaration="")


_NESTED = {
    "elements": "<a>",
    "divisions": "<div>",
    "tables": "<table><tr><td>",
    "quotes": "<blockquote>",
    "scripts": "<script>",
    "comments": "<!-- <b>",
    "selects": "<select><option>",
    "svg": "<svg><desc>",
    "links of spaces": "<a href=" + " " * 300 + ">x",
    "links of quotes": "<a href='",
    "formatting that is carried on": "<b><i><u><p>",
}

DOCUMENTS: Documents = {
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
    **name_documents("entities", _HIDING, lambda before: xml(_bomb(before))),
    "entities: after a sign": lambda targets: xml(_bomb().replace("rss [", "rss [<!ENTITY x '>'>")),
    "entities: of a small type": lambda targets: xml(_bomb().replace("<!DOCTYPE", "<!doctype")),
    "entities: laughs in UTF-16": lambda targets: xml(_bomb().encode("utf-16")),
    "entities: laughs in an attribute": lambda targets: xml(_bomb().replace("<title>&i;", '<title a="&i;">x')),
    "entities: quadratic": lambda targets: xml(_BLOWUP),
    "entities: one of itself": lambda targets: xml(_declares('<!ENTITY x "&x;&x;">')),
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
    "outside: inclusion of a file": lambda targets: with_extra(
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{targets.secret}" parse="text"/>'
    ),
    "outside: a stylesheet": lambda targets: xml(
        rss(item(1), declaration=f'<?xml version="1.0"?><?xml-stylesheet href="{targets.canary}" type="text/xsl"?>')
    ),
    "outside: pictures and frames in a body": lambda targets: with_body(
        f'<img src="{targets.canary}"><iframe src="{targets.canary}"></iframe>'
        f'<link rel=stylesheet href="{targets.canary}">'
    ),
    "links: a base of brackets": lambda targets: xml(rss(item(1), attributes='xml:base="http://["')),
    "links: a long base": lambda targets: xml(
        rss(
            *(item(1, body="&lt;a href='x'>y&lt;/a>" * 60) for _ in range(80)),
            attributes=f'xml:base="https://a.example/{"b" * 7_000}/"',
        )
    ),
    "large: an attribute": lambda targets: with_extra(f'<x a="{"y" * 3_000_000}"/>'),
    "large: 50,000 attributes": lambda targets: with_extra("<x " + " ".join(f"a{n}='1'" for n in range(50_000)) + "/>"),
    "large: 20,000 namespaces": lambda targets: xml(
        rss(item(1), attributes=" ".join(f'xmlns:n{n}="http://n/{n}"' for n in range(20_000)))
    ),
    "large: a name of 1 MB": lambda targets: with_extra(f"<{'x' * 1_000_000}/>"),
    "large: 100,000 sections": lambda targets: with_title("<![CDATA[x]]>" * 100_000),
    "large: 5 MB of spaces": lambda targets: xml(rss(item(1), " " * 5_000_000)),
}
