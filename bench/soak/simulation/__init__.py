"""A world of feeds in fake time around the real application. Only the network and the time are fake.

rhythms ─▶ world: hosts and feeds ─▶ origin: what a feed answers now ─▶ network: answers the real HTTP client
clockwork: a loop whose time jumps to the next thing to do              └▶ witness: counts, and holds us to the rules
                                                    running: the real application over all of it
"""
