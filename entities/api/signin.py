"""Signing in and out: sessions by `login` and `logout`, access tokens under `/auth/1.0/`.

Whoever may not sign in is told the same in every case: which part was wrong is nobody's business.
"""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from entities.api import envelope
from entities.api.bodies import body_of
from entities.api.callers import session_id_of
from entities.api.errors import JSON, STATUS, MethodNotAllowed, answer_to
from entities.api.limits import admit_address, told
from entities.api.organisations import require_our_own
from entities.catalogue import help_for
from entities.errors import Code, RequestError
from metabrm.identity import services, tokens
from metabrm.identity.models import User
from metabrm.web.middleware import request_id_of

_REFUSED = "The username or the password is wrong, or the user may not sign in."
_CREDENTIALS = 'Send {"username": "...", "password": "..."}.'
# Nobody's password is longer, and hashing megabytes would be a cheap way to keep us busy.
_LONGEST = 1_000


def login(request: HttpRequest) -> HttpResponse:
    """POST /login; a stale session header does not matter."""
    admit_address(request)
    user = _signing_in(request)
    if user is None:
        element: dict[str, Any] = {
            "SessionID": "",
            "ErrorCode": Code.INVALID_CREDENTIALS,
            "ErrorText": [_REFUSED],
            "help": help_for(Code.INVALID_CREDENTIALS),
        }
        status = STATUS[Code.INVALID_CREDENTIALS]
    else:
        element = {"SessionID": services.open_session(user), "ErrorCode": "0", "ErrorText": []}
        status = 200
    return _json({"loginResponse": [element]}, status)


def logout(request: HttpRequest) -> HttpResponse:
    """POST /logout; closing a session that has ended already succeeds, since it is closed."""
    admit_address(request)
    session_id = session_id_of(request)
    if not session_id:
        raise RequestError(
            Code.NOT_AUTHENTICATED, "Send the session to end in the header sessionid."
        )
    services.close_session(session_id)
    return _json({"logoutResponse": [{"ErrorCode": "0", "ErrorText": " ", "Success": "true"}]})


@csrf_exempt
def auth(request: HttpRequest, path: str = "", org: str = "") -> HttpResponse:
    """POST /auth/1.0/token, /token/refresh and /token/verify."""
    try:
        require_our_own(org)
        name = path.strip("/").casefold()
        action = _TOKEN_ACTIONS.get(name)
        if action is None:
            raise RequestError(
                Code.UNKNOWN_ADDRESS,
                f"There is nothing at .../auth/1.0/{name}. Sign in with username and password at "
                ".../rest/2.0/login or .../auth/1.0/token; OAuth clients are not offered here.",
            )
        if request.method != "POST":
            raise MethodNotAllowed(request.method or "", ["POST"])
        admit_address(request)
        return told(request, action(request))
    except Exception as error:
        # Whatever happened, the client gets an answer in JSON.
        return told(request, answer_to(error, request_id_of(request)))


def _token(request: HttpRequest) -> HttpResponse:
    user = _signing_in(request)
    if user is None:
        raise RequestError(Code.INVALID_CREDENTIALS, _REFUSED)
    return _json(tokens.issue(user))


def _refresh(request: HttpRequest) -> HttpResponse:
    token = _text(_body(request, 'Send {"refresh_token": "..."}.'), "refresh_token", "refresh")
    try:
        return _json(tokens.renew(token))
    except tokens.BadToken as bad:
        raise RequestError(
            Code.INVALID_CREDENTIALS, f"The refresh token is not accepted: {bad}."
        ) from bad


def _verify(request: HttpRequest) -> HttpResponse:
    token = _text(_body(request, 'Send {"token": "..."}.'), "token")
    try:
        context, _ = tokens.context_of_token(token)
    except tokens.BadToken as bad:
        raise RequestError(Code.INVALID_CREDENTIALS, f"The token is not accepted: {bad}.") from bad
    return _json({"username": context.username})


_TOKEN_ACTIONS = {"token": _token, "token/refresh": _refresh, "token/verify": _verify}


def _signing_in(request: HttpRequest) -> User | None:
    sent = _body(request, _CREDENTIALS)
    username, password = _text(sent, "username"), _text(sent, "password")
    if max(len(username), len(password)) > _LONGEST:
        return None
    return services.authenticate(username, password)


def _body(request: HttpRequest, right: str) -> dict[str, Any]:
    return envelope.read_object(body_of(request), right)


def _text(sent: dict[str, Any], *names: str) -> str:
    """The first of `names` that was sent, which must be a string that is not empty."""
    value = next((sent[name] for name in names if name in sent), None)
    if not isinstance(value, str) or not value:
        raise RequestError(
            Code.MALFORMED_REQUEST, f'Send "{names[0]}" as a string.', field=names[0]
        )
    return value


def _json(body: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), content_type=JSON, status=status)
