"""Documents of every kind with a hole, which a hostile text fills."""

from __future__ import annotations

RSS = (
    '<?xml version="1.0"?>{0}<rss version="2.0"><channel><title>A{1}</title>{2}<item><title>B{3}</title>'
    "<guid>1</guid><link>{4}</link><description>{5}</description></item>{6}</channel></rss>{7}"
)
ATOM = (
    '{0}<feed xmlns="http://www.w3.org/2005/Atom" {1}><title>A</title>{2}<entry><id>1</id><title type="html">{3}'
    '</title><link href="http://a.example/{4}"/><content type="html">{5}</content></entry>{6}'
)
RDF = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel>'
    "<title>A{0}</title></channel>{1}<item><title>{2}</title><description><![CDATA[{3}]]></description></item></rdf:RDF>"
)
JSON = (
    '{{"version": "https://jsonfeed.org/version/1.1", "title": "A{0}",'
    ' "items": [{1}{{"id": "1", "title": "{2}", "content_html": "{3}"}}{4}]}}'
)
SITEMAP = (
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    ' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">'
    "{0}<url><loc>http://a.example/{1}</loc><news:news><news:title>{2}</news:title></news:news></url>{3}"
)
PAGE = "<!DOCTYPE html><html><head><title>{0}</title>{1}</head><body>{2}</body></html>"
OPML = '<opml version="2.0"><body>{0}<outline text="A{1}" xmlUrl="http://a.example/" {2}/>{3}'
SHELLS = {"rss": RSS, "atom": ATOM, "rdf": RDF, "json": JSON, "sitemap": SITEMAP, "page": PAGE, "opml": OPML}

PIECES = (
    "<!--", "<!DOCTYPE a", "<!DOCTYPE a [", "<!ENTITY a 'b'>", "<!ENTITY a ", "<![CDATA[", "<?", "]]>", "&", "&a;",
    "&lt;!--", "&lt;a href=", "<", "</", "<a ", "<item>", "</item>", "<entry><title>", "<b>", "<skipHours>",
    "<outline text='", "<x:y a='", "</channel>", " ", "\n", "a", "a='b' ", '"', "\\", "[", "{", '{"a":', "1", ",",
    "<a href= ", "\x00", "\u2028", "中",
)  # fmt: skip


def holes(shell: str) -> int:
    return shell.replace("{{", "").replace("}}", "").count("{")


def filled(shell: str, hole: int, text: str) -> bytes:
    return shell.format(*(text if number == hole else "" for number in range(holes(shell)))).encode("utf-8", "replace")
