"""Whose turn it is."""

from uuid import UUID

from cronicorn_adapter_sql.turns import MOST, Turns

A, B, C = (UUID(int=number) for number in (1, 2, 3))


def test_tenants_are_served_in_the_order_of_their_waiting() -> None:
    """Who waits again goes behind the others; who waits already keeps its place."""
    turns = Turns()
    turns.wait([A, B, A, C])

    first = turns.next(2)
    turns.wait([*first, C])

    assert first == [A, B]
    assert turns.next(2) == [C, A]


def test_no_more_wait_than_can_be_remembered() -> None:
    """The list does not grow with the number of tenants."""
    turns = Turns()
    turns.wait(UUID(int=number) for number in range(MOST + 5))

    assert len(turns) == MOST


def test_looking_through_all_goes_on_behind_the_last() -> None:
    """And begins anew after the end, which may be the last tenant there can be."""
    turns = Turns()
    assert turns.onward == UUID(int=0)
    turns.go_on(B)
    assert turns.onward == C

    for end in (None, UUID(int=(1 << 128) - 1)):
        turns.go_on(end)
        assert turns.onward == UUID(int=0)
