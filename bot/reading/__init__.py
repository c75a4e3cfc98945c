"""Documents are parsed off the loop, in reader processes (``fetch.readers``) or in threads of this process.

body → sources.parse_document → Reading → articles.look_up → cleaned items, and what to ask the store of them
"""
