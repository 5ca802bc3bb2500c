"""Where the API is reached by browsers: its origin, its cookie, and who may write with that."""

from dataclasses import dataclass
from typing import Final

from cronicorn_domain.model.sign_in import SIGN_IN_LASTS
from fastapi import Request, Response

from cronicorn_api.wire.errors import CrossSite

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_COOKIE: Final = "cronicorn_session"
_DEVICE: Final = "cronicorn_device"
_SECURE: Final = "__Host-"
_DEVICE_LASTS: Final = 365 * 86_400
"""So many seconds a browser is known to the accounts that signed in with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """
    Where browsers find the API.

    Attributes:
        public_url: Its origin, where something before it speaks TLS or under another name; None:
            as requests name it.
        friends: The origins whose pages may ask with a person's cookie, besides its own.
    """

    public_url: str | None = None
    friends: frozenset[str] = frozenset()

    @property
    def speaks_tls(self) -> bool:
        """Say whether TLS is spoken wherever it is reached from outside."""
        return self.public_url is not None and self.public_url.startswith("https:")

    def origin(self, request: Request) -> str:
        """Return the origin of the API."""
        return self.public_url or f"{request.url.scheme}://{request.url.netloc}"

    def is_secure(self, request: Request) -> bool:
        """Say whether browsers reach it over TLS."""
        return self.origin(request).startswith("https:")

    def token_of(self, request: Request) -> str | None:
        """Return the token that the request's cookie holds."""
        return request.cookies.get(self._name(request))

    def keep_token(
        self, request: Request, response: Response, token: str, *, remembered: bool = True
    ) -> None:
        """Give the browser a token to keep; not remembered, it forgets it when it is closed."""
        response.set_cookie(
            self._name(request),
            token,
            max_age=int(SIGN_IN_LASTS.total_seconds()) if remembered else None,
            httponly=True,
            samesite="lax",
            secure=self.is_secure(request),
        )

    def device_of(self, request: Request) -> str | None:
        """Return the proof that the browser kept of an earlier sign-in."""
        return request.cookies.get(self._name(request, _DEVICE))

    def keep_device(self, request: Request, response: Response, proof: str | None) -> None:
        """Give the browser the proof to keep; signing out leaves it."""
        if proof is not None:
            response.set_cookie(
                self._name(request, _DEVICE),
                proof,
                max_age=_DEVICE_LASTS,
                httponly=True,
                samesite="lax",
                secure=self.is_secure(request),
            )

    def drop_token(self, request: Request, response: Response) -> None:
        """Have the browser forget its token."""
        response.delete_cookie(
            self._name(request), httponly=True, samesite="lax", secure=self.is_secure(request)
        )

    def check_write(self, request: Request) -> None:
        """
        Refuse with ``CrossSite`` a write by cookie that another site's page may have sent.

        Browsers say where a write comes from; what does not say it is none that we know.
        """
        if request.method not in _SAFE and not self._is_ours(request):
            raise CrossSite

    def check_foreign(self, request: Request) -> None:
        """Refuse with ``CrossSite`` what says it comes from elsewhere; programs say nothing."""
        told = {"origin", "sec-fetch-site"}.intersection(request.headers.keys())
        if told and not self._is_ours(request):
            raise CrossSite

    def _is_ours(self, request: Request) -> bool:
        if request.headers.get("sec-fetch-site") == "same-origin":
            return True
        return request.headers.get("origin") in {self.origin(request), *self.friends}

    def _name(self, request: Request, cookie: str = _COOKIE) -> str:
        # Under its prefix no other host of the domain, and nobody on the way, can plant one.
        return f"{_SECURE}{cookie}" if self.is_secure(request) else cookie
