"""Documents made to hurt, and the public commands over them.

A few lines generate each document when it is needed; none is stored. No document is a real feed.
"""
