"""What is in an article's text and is not the article: cookie banners, bylines, captions, calls to share.

Each form is the furniture's own (an invitation to the reader, a credit in its place), never only its subject: an
article about cookies, newsletters or Twitter is news.
"""

from __future__ import annotations

import re

_CONSENT = (
    r"\b(?:we|(?:this|our) (?:web)?site|our partners) (?:and our partners |may )?uses? cookies",
    (
        r"\bby (?:continuing|browsing|using|clicking|signing|subscribing|submitting|registering|providing)\b"
        r".{0,80}\byou (?:agree|consent|accept|are agreeing)"
    ),
    r"\b(?:accept|manage|reject) (?:all )?(?:cookies|preferences)\b",
    r"\b(?:our|cookie) (?:privacy|cookie) (?:policy|settings|notice|preferences)\b",
    r"\b(?:enable|turn on|activate) (?:java ?script|cookies)\b",
    r"\bjavascript is (?:disabled|required|not)\b",
    r"\byour browser (?:does not|doesn't|is not)\b",
    r"\b(?:disable|turn off) your ad ?-?blocker\b",
    r"\bterms (?:(?:of (?:use|service)|and conditions) )?apply\b",
    (
        r"\bwir verwenden cookies\b|\bnous utilisons des cookies\b|\b(?:utilizamos|usamos|utilizziamo"
        r"|gebruiken) (?:i )?cookies"
    ),
)
_READ_ON = (
    (
        r"^\W*(?:please )?(?:read|see|learn|find out|discover|know|view|load|show) (?:more|also|next|the full"
        r"|the rest|full)\b"
    ),
    (
        r"^\W*(?:also|must|further|related|now) (?:read|see|watch|reading|stor(?:y|ies)|articles?|coverage"
        r"|content|topics?"
        r"|posts?|links?)\b *[:|–-]"
    ),
    (
        r"^\W*(?:related|recommended|more on this|read|watch|listen|see|video|gallery|in pictures|don't miss"
        r"|editor'?s'? (?:note|pick|choice)|source|via|tags?|topics?|filed under|poll|disclaimer|disclosure) *[:|»›]"
    ),
    r"\bcontinue reading\b",
    r"\b(?:article|story) continues (?:below|after)\b",
    r"\b(?:click|tap) (?:here|on the|the link|below|through|to (?:read|see|view|share|enlarge|watch))\b",
    r"\bthe post\b.{1,300}\bappeared first on\b",
    r"\b(?:first appeared|appeared first|originally (?:appeared|published|posted)) (?:on|in|at|by)\b",
    (
        r"\bfor (?:more|the latest|full|further)\b.{0,80}\b(?:visit|go to|click|check out|follow|see our"
        r"|subscribe|download"
        r"|contact|log on)\b"
    ),
    (
        r"^\W*(?:visit|check out|go to|head (?:over )?to|log on to) (?:our|the|us|www|https?)\b.{0,60}\b(?:www"
        r"|https?|\.com"
        r"|website|site|page|section|channel|here|store|shop)\b"
    ),
    (
        r"\b(?:weiterlesen|mehr dazu|lesen sie (?:auch|mehr|hier|dazu)|lire (?:la suite|aussi|plus)|lee (?:también|más)"
        r"|leer más|seguir leyendo|leggi (?:anche|tutto)|continua a leggere|lees (?:ook|meer|verder)"
        r"|leia (?:mais|também)|saiba mais|читайте также|اقرأ (?:أيضا|أيضاً|المزيد))"
    ),
    r"\b(?:watch|see) (?:the )?(?:full )?video (?:above|below|here)\b",
    r"\b(?:see|watch|scroll|pictured?|listen) (?:above|below|down)\b",
    r"\bmedia playback\b",
    (
        r"^\W*(?:follow|see|read)\b.{0,60}\b(?:blogs?|events|updates?|developments|coverage)\b"
        r".{0,30}\b(?:here|below|latest|unfolded)\b"
    ),
    # Advice that heads every page of a subject.
    (
        r"^\W*if you (?:or someone you know )?(?:suspect|have been affected|are affected|are in crisis"
        r"|need (?:help|support))\b.{0,200}\b(?:call|contact|phone|ring|visit)\b"
    ),
)
_JOIN_US = (
    (
        r"^\W*(?:please )?(?:subscribe|sign up|sign in|log in|register now|join (?:us|our|the (?:conversation"
        r"|discussion))"
        r"|become a (?:member|subscriber|supporter)|support (?:our|(?:local|independent) (?:journalism|news))"
        r"|donate (?:now|today|here|to us)|download (?:the|our)\b.{0,40}\bapp)\b"
    ),
    # What the reader is to do, and the price.
    (
        r"^\W*(?:donate\W*$|(?:exhibit|advertise|book|buy|shop|order|register|enter) (?:at|in|with|now|your|our|a"
        r"|the)\b.{1,80}\b(?:from|for|only|just) [£$€]\d)"
    ),
    r"^\W*we (?:are|'re) (?:\w+ )?(?:funded|supported|paid for) by\b.{0,40}\b(?:readers|listeners|members|donations)\b",
    r"^\W*get (?:the|our|all the|your)\b.{0,60}\b(?:newsletter|app|inbox|e-?mail|headlines|delivered|alerts)\b",
    (
        r"\b(?:subscribe|sign(?:ing)? up|register) (?:now|here|today|to|for|with)\b.{0,60}\b(?:newsletters?"
        r"|e-?mails?|updates"
        r"|alerts|channel|account|digest|briefing|free|podcast|our|offers)\b"
    ),
    (
        r"\b(?:our|this|daily|weekly|free) (?:\w+ ){0,2}newsletters?\b.{0,60}\b(?:here|inbox|subscribe|sign|today|below"
        r"|delivered)\b"
    ),
    r"\b(?:to|in|into) your inbox\b",
    (
        r"^\W*(?:please )?(?:share|like|tweet|print|e-?mail|pin|save|bookmark) (?:this|on|via|with us|it|your"
        r"|the (?:article|story|post))\b"
    ),
    (
        r"^\W*(?:you can (?:also )?)?(?:follow|find|like|contact|reach|tweet|e-?mail) (?:us|me|him|her|them"
        r"|the (?:author|writer|reporter)|our|@\w+|(?:\S+ ){1,5}on (?:twitter|facebook|instagram|google"
        r"|linkedin|x|telegram"
        r"|whatsapp|youtube|pinterest))\b"
    ),
    r"\bfollow (?:us|me|him|her|@\w+)\b",
    (
        r"\b(?:on|via) (?:twitter|facebook|instagram) *(?:,|and|or|@|at|:) *(?:(?:on|and|or) )?(?:twitter|facebook"
        r"|instagram|@\w+)"
    ),
    r"^\W*(?:let us know|tell us|have your say|leave a comment|share your (?:thoughts|views|stor(?:y|ies)))\b",
    r"\b(?:in the )?comments?\b.{0,20}\b(?:below|section|are (?:closed|moderated))\b",
    r"\b(?:do you|have you) (?:have|got) (?:a tip|a story|any)\b",
    r"\b(?:e-?mail|contact|write to|send)\b.{0,80}\S@[\w.-]{1,60}\.\w",
    (
        r"\balready a (?:subscriber|member)\b|\bsubscribers? only\b|\bthis (?:content"
        r"|article) is for (?:\w+ )?subscribers\b"
    ),
)
#: The same in other languages: subscribe, follow us, at the beginning of a line.
_JOIN_US_ABROAD = (
    (
        r"^\W*(?:abonnieren sie|jetzt abonnieren|folgen sie uns|abonnez[- ]vous|suivez[- ]nous|inscrivez[- ]vous"
        r"|suscr[ií]b(?:ete|ase|irse)|s[ií](?:guenos|ganos)|inscreva-se|assine (?:o|a|nossa?|j[aá])\b|siga-nos"
        r"|iscriviti|abbonati|seguici|abonneer|volg ons|abone ol|bizi takip|ikuti kami|berlangganan"
        r"|подпи(?:шитесь|сывайтесь)|читайте нас"
        r"|اشترك|تابعون?ا|(?:请|請)?(?:订阅|訂閱|关注我们|追蹤我們)|チャンネル登録|구독)"
    ),
    r"(?:सब्सक्राइब|फ़?ॉलो) करें|(?:سبسکرائب|فالو) کریں",
)
_CREDITS = (
    r"©|\(c\) *(?:19|20)\d\d|\bcopyright\b.{0,30}\b(?:19|20)\d\d|\ball rights reserved\b",
    r"\b(?:may|must) not be (?:published|reproduced|republished|redistributed|copied)\b",
    (
        r"^\W*(?:additional |further )?(?:reporting|writing|editing|edited|compiled|written|translated|produced|posted"
        r"|published|photography|words|story) by\b"
    ),
    (
        r"^\W*(?:photo|photograph|picture|image|pic|foto|caption|illustration|graphic|credit|file photo"
        r"|representative image|courtesy)s? *+(?:(?:credit|courtesy|source|by|caption) *+)?(?::|\||©|/|\bby\b)"
    ),
    (
        r"\((?:photo|image|picture|pic|foto|ap photo|getty|reuters ?/|file photo|file pic|representational"
        r"|source|credit)\b"
        r"[^)]*\)"
    ),
    r"\bgetty images?\b|\bshutterstock\b|\bap photo\b|\bistock(?:photo)?\b|\bpress association images\b",
    r"\bafp ?/|/ ?(?:afp|reuters|getty|epa|bloomberg)\b",
    (
        r"^\W*(?:last )?(?:updated|published|posted|modified|first published) *(?:on|at|:|\d|(?:mon|tue|wed|thu"
        r"|fri|sat|sun)"
        r"\w*)\b"
    ),
    r"\b\d+ *(?:min(?:ute)?s? read|comments?|shares|views|likes)\W*$",
    r"^\W*(?:advertisement|sponsored|promoted|anzeige|publicité|publicidad|pubblicità)\b",
    (
        r"\bthis (?:article|story|post|piece|content|report|copy) (?:was|is|has been|may|contains?|originally"
        r"|first)\b.{0,60}"
        r"\b(?:published|appeared|produced|updated|affiliate|generated|written|provided|syndicated|auto-?generated|edited"
        r"|corrected|amended|distributed)\b"
    ),
    r"\bwe may (?:earn|receive)\b|\baffiliate (?:links?|commission)\b",
    r"\b(?:opinions?|views?) expressed\b.{0,80}\b(?:author|writer|own|necessarily|column)\b",
    r"\b(?:all )?(?:opinions|views|thoughts) (?:are|expressed are) (?:mine|my own|entirely my own|those of)\b",
    r"^\W*(?:loading|please wait)\b",
)
_ALL = (*_CONSENT, *_READ_ON, *_JOIN_US, *_JOIN_US_ABROAD, *_CREDITS)
#: Forms that open a sentence, and those that may be anywhere in it; both over small letters.
_OPENING = re.compile("|".join(form for form in _ALL if form.startswith("^")))
_INSIDE = re.compile("|".join(form for form in _ALL if not form.startswith("^")))
#: Each form of ``_INSIDE`` has one of these. To try fifty forms at each letter was a tenth of what an article costs.
_SIGNS = tuple(
    "cookie|preferences|you agree|you consent|you accept|you are agreeing|privacy|javascript|java script|your browser"
    "|blocker|terms |continue reading|continues below|continues after|click |tap |appeared"
    "|originally p|for more|for the latest|for full|for further|weiterlesen|mehr dazu|lesen sie|lire |lee |leer más"
    "|seguir leyendo|leggi |continua a l|lees |leia |saiba mais|читайте также|اقرأ | above| below|video here| down"
    "|media playback|subscribe|sign up|signing up|register |newsletter|your inbox|follow |twitter|facebook|instagram"
    "|comment|do you|have you|@|करें|کریں|©|(c)|copyright|all rights|not be |(photo|(image|(picture|(pic|(foto"
    "|(ap photo|(getty|(reuters|(file p|(representational|(source|(credit|getty|shutterstock|ap photo|istock"
    "|press association im|/| read|shares|views|likes|this article|this story|this post|this piece|this content"
    "|this report|this copy|we may |affiliate|expressed|opinions |thoughts |already a ".split("|")
)
#: "By Ayesha Khan, Staff Reporter": capitals tell a byline from "By Monday the deadline had passed".
_BYLINE = re.compile(r"^\W*(?:By|Von|Par|Por|Di|Door) (?:[A-Z][\w.'-]+ ?){2,4}(?:,|\||$|and [A-Z])")
_BYLINE_ROLE = re.compile(
    r"(?i:\b(?:reporter|correspondent|editor|desk|staff|writer|bureau|news)\b)|\d{4}|^\W*+\S++(?: \S++){1,4}+$"
)

_PLACE, _CAPITALS = r"[A-Z][\w .,/’'-]{1,60}?", r"(?:[A-Z]{3}|(?:ST|FT|EL|LA)[. ] ?[A-Z])[A-Z .,/’'-]{0,60}"
_DAY = r"(?:[A-Z][a-z]{2,8}\.?\s{1,4}\d{1,2}|\d{1,2}\s{1,4}[A-Z][a-z]{2,8}\.?)(?:,?\s{1,4}\d{4})?"
#: "London, Dec 2 (Reuters) -", "WATERLOO, Ontario —": where and whence, before the first sentence.
_DATELINE = re.compile(
    r"(?:"
    # Any agency behind a day, or behind a place in capitals: "LIMA, Jan 12 (Globe Agency) -", "LIMA--(GLOBE WIRE)--".
    rf"(?:{_PLACE}[,:]? )?{_DAY} ?(?:\([^()]{{2,40}}\)|/[^/()]{{2,30}}/)"
    rf"|{_CAPITALS}(?:,\s{{0,4}}[A-Z][\w. ]{{1,20}})? ?\([^()]{{2,40}}\)"
    # Behind a place in small letters, one that is known or named as one.
    rf"|(?:{_PLACE})?\((?:AP|AFP|Reuters|REUTERS|ANI|IANS|PTI|UPI|dpa|EFE|ANSA|Xinhua|CNN|TASS|Bloomberg|Kyodo|Yonhap"
    r"|[A-Z]{2,8}|[A-Z][^()]{0,25}\b(?:Wire|Newswire|News|Agency|Press|Presse|Agence|Service))\)(?: [A-Z]{3,20})?"
    rf"|{_CAPITALS}(?:,\s{{0,4}}[A-Z][\w. ]{{1,20}})?(?:,\s{{0,4}}{_DAY})?"
    r")\s{0,4}(?:(?:[-–—]{1,2}|:)\s+|--(?=[A-Z]))(?![a-z])"
)
#: "NRW — Natural Resources Wales — says": the second of a pair of dashes, which no place and date has behind it.
_SECOND_DASH = re.compile(r"[^.!?;:–—]{1,80}\s[-–—]{1,2}\s[a-z]")


def is_boilerplate(sentence: str) -> bool:
    """The sentence is the page's, not the article's."""
    plain = " ".join(sentence.replace("’", "'").split())
    low = plain.lower()
    if _OPENING.match(low) or (any(map(low.__contains__, _SIGNS)) and _INSIDE.search(low)):
        return True
    return bool(_BYLINE.match(plain)) and bool(_BYLINE_ROLE.search(plain)) and len(plain) < 160


def dateline_length(sentence: str) -> int:
    """Characters before the sentence proper: "LAHORE, Dec 2 (Reuters) - "; 0: none."""
    found = _DATELINE.match(sentence)
    if found is None or ("(" not in found[0] and _SECOND_DASH.match(sentence, found.end())):
        return 0
    return found.end()
