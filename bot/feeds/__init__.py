"""Parse feeds, identify their articles, and decide when to poll them.

Uses no network and no store. Every module but the parsers is pure.

    Body → kinds.parse_document → items.prepare_items → (the store's answer) → identity.identify
    FeedState → polling.make_request → (fetch) → polling.after_reading | after_failure … → FeedState → health
"""
