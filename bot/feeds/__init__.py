"""Parse feeds, identify their articles, and decide when to poll them.

Uses neither the network nor the store.

    Body → kinds.parse_document → items.prepare_items → (the store's answer) → identity.identify
    FeedState → polling.make_request → (fetch) → polling.FinishedPoll → FeedState → health
"""
