"""Simulate a world of feeds around the real application. Only the network and the time are fake.

rhythms ─▶ world: hosts and feeds ─▶ origin: the answer of a feed now ─▶ network: answers the real HTTP client
clockwork: a loop whose time jumps to the next timer                    └▶ witness: counts requests and broken rules
                                                    running: the real application over all of it
"""
