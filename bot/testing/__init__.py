"""The contracts of channels and sources, as checks for the tests of plug-ins. Wirewatch's own tests run them too.

Each check is a function that takes a subject and raises AssertionError if the subject breaks the contract. This works
with any test framework:

    @pytest.mark.parametrize("check", channels.CHECKS)
    def test_the_board_keeps_the_contract(check):
        check(BOARD)
"""
