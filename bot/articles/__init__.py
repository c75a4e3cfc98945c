"""Raw entry → Article: clean text, canonical link, fingerprint; is it new, edited, or churn?

Pure: knows no store, no network and no clock. How one reading becomes articles:

    reading → prepare (clean, links) → look_up ──asks──▸ the store's Articles.known
                                          │                    │
                                          └──────▸ identify ◂──┘ → Identified: new, old, seen, same link, edited, churn
"""

from bot.articles import boilerplate
from bot.articles.authority import speaks_for
from bot.articles.clean import Clean, clean
from bot.articles.fingerprints import fingerprint_of, fold_title
from bot.articles.fresh import Fresh
from bot.articles.identity import Identification, Identified, Novelty, identify
from bot.articles.links import canonical_link, link_key
from bot.articles.lookup import Item, Lookup, look_up, question
from bot.articles.outlets import (
    belongs_to,
    feed_name,
    is_known_aggregator,
    outlet_of,
    owner_of,
    registrable_domain,
    site_of,
)
from bot.articles.teasers import is_cut

__all__ = [
    "Clean",
    "Fresh",
    "Identification",
    "Identified",
    "Item",
    "Lookup",
    "Novelty",
    "belongs_to",
    "boilerplate",
    "canonical_link",
    "clean",
    "feed_name",
    "fingerprint_of",
    "fold_title",
    "identify",
    "is_cut",
    "is_known_aggregator",
    "link_key",
    "look_up",
    "outlet_of",
    "owner_of",
    "question",
    "registrable_domain",
    "site_of",
    "speaks_for",
]
