"""Documents made to hurt, and the public commands over them.

Each is made when it is asked for, by a few lines; none is stored. Nothing here is anybody's real feed.
"""
