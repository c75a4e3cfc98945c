"""What a feed is: parsers by kind, the identity of articles, when a feed is polled, and places that many people watch.

Pure, apart from parsing: knows no network and no store.

    Body → kinds.parse_document → Reading → items.look_up → (the store's answer) → identity.identify
    FeedState → polling.make_request → (fetch) → polling.after_reading | after_failure … → FeedState → health
"""
