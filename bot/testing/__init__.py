"""The contracts of channels and sources as functions, for the tests of plug-ins; our own tests run them too.

Each check takes its subject and raises AssertionError. A check works with any test framework:

    @pytest.mark.parametrize("check", channels.CHECKS)
    def test_the_board_keeps_the_contract(check):
        check(BOARD)
"""
