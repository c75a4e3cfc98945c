"""The values of the project, its errors, and the protocols that have more than one implementation.

Nothing here does I/O or reads a clock. Names are imported from their module: ``from bot.model.stories import Story``.

    stories                articles, and stories: groups of articles about one event
    rules, settings        watch rules, and settings of the bot
    alerts, messages       decisions about a story in a channel, and messages to post
    actions                actions of people: judge, silence, split, merge
    feeds, fetching        a feed, its state, and how a document is fetched and parsed
    access                 headers, logins and TLS files of requests; references to secrets
    archive                queries to the store, and their results
    channels               where messages are posted, and where people answer
    language_models        prompts, answers, and vectors of meaning
    errors                 the tree of expected failures
    visible                functions that make untrusted text safe to show
"""
