"""What the archive answers to programs, the same by every way in: `--json`, the API, the tools for assistants.

    asked ─▶ Answers ─▶ building ─▶ documents
    (what may be asked)   (reads the store)   (the shapes, of which OpenAPI is made)

Knows no HTTP and no protocol. Reads the store; only a ruling of people is written.
"""
