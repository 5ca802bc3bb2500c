"""Asks a language model."""

from typing import Protocol

from cronicorn_domain.model.conversation import Answer, Ask, Unanswered


class ModelClient(Protocol):
    """
    A model behind an address, of whichever vendor.

    Promises:

    - One ask is one request, which nobody repeats: whoever asks again decides so, and pays for it.
    - It ends within the ask's ``timeout``, whatever the vendor does; being cancelled it ends at
      once, and so does the request.
    - What a vendor does wrong is an answer of a kind, and no exception.
    - Usage is what the vendor has told. What it cannot have been (below nothing, more than
      ``AMOUNT_MOST``, no number) counts as not told.
    - No message holds the key to the vendor.
    """

    async def ask(self, ask: Ask) -> Answer | Unanswered:
        """Put one question, and return what came of it."""
        ...
