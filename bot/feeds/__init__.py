"""Parse feeds, identify their articles, and decide when to poll them.

This package does not use the network or the store.

    Body → kinds.parse_document → items.prepare_items → (the store's answer) → identity.identify
    FeedState → polling.make_request → (fetch) → polling.FinishedPoll → FeedState → health
"""
