"""The contracts of channels and sources as functions, for the tests of whoever writes one; ours run the same.

Each check takes what it is about and raises AssertionError. Needs no test framework:

    @pytest.mark.parametrize("check", channels.CHECKS)
    def test_the_board_keeps_the_contract(check):
        check(BOARD)
"""
