"""Signing in and out: sessions by `login` and `logout`, tokens under `/auth/1.0/`, and those that
open a hosted payment page under `/hostedPayments/1.0/`.

Whoever may not sign in is told the same in every case: which part was wrong is nobody's business.
"""

from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.csrf import csrf_exempt

from entities import credentials
from entities.api import envelope
from entities.api.bodies import body_of
from entities.api.callers import bearer_of, caller, is_id, session_id_of
from entities.api.errors import JSON, STATUS, MethodNotAllowed, answer_to, rendered
from entities.api.limits import admit_address, told
from entities.api.organisations import require_our_own
from entities.catalogue import help_for
from entities.errors import Code, RequestError
from metabrm.identity import lockout, secret, services, sessions, tokens
from metabrm.identity.models import User
from metabrm.identity.services import LockedOut
from metabrm.identity.sessions import Origin, SignInOvertakenError
from metabrm.observability.facts import facts
from metabrm.web.middleware import request_id_of

_REFUSED = "The username or the password is wrong, or the user may not sign in."
_CLIENT_REFUSED = "The client id or the secret is wrong, or the client may not sign in."
_LOCKED_OUT = "Too many sign-ins have failed. Try again later, or ask an administrator to unlock."
_CREDENTIALS = 'Send {"username": "...", "password": "..."}.'
_CLIENT_CREDENTIALS = (
    "Send the client id and its secret in the header Authorization: Basic, or as client_id and "
    "client_secret in the body or the query string."
)
_GRANTS = ("client_credentials", "refresh_token", "password")
# Nobody's password is longer, and hashing megabytes would be a cheap way to keep us busy.
_LONGEST = 1_000


def login(request: HttpRequest) -> HttpResponse:
    """POST /login; a stale session header does not matter."""
    admit_address(request)
    try:
        user = _user(request, _json_body(request, _CREDENTIALS))
    except LockedOut:
        return _later(_login_refused(Code.SIGN_IN_LOCKED, _LOCKED_OUT))
    except _NewPasswordNeededError as needed:
        return _login_refused(needed.code, needed.message)
    try:
        session_id = services.open_session(user, Origin.of(request)) if user else ""
    except SignInOvertakenError:
        session_id = ""
    if not session_id:
        return _login_refused(Code.INVALID_CREDENTIALS, _REFUSED)
    return _json({"loginResponse": [{"SessionID": session_id, "ErrorCode": "0", "ErrorText": []}]})


def logout(request: HttpRequest) -> HttpResponse:
    """POST /logout; closing a session that has ended already succeeds, since it is closed."""
    admit_address(request)
    session_id, token = session_id_of(request), bearer_of(request)
    if session_id:
        services.close_session(session_id)
    elif token:
        try:
            tokens.close(token)
        except tokens.BadToken as bad:
            raise RequestError(
                Code.NOT_AUTHENTICATED, f"The bearer token is not accepted: {bad}."
            ) from bad
    else:
        raise RequestError(
            Code.NOT_AUTHENTICATED,
            "Send the session to end in the header sessionid, or its token as the bearer.",
        )
    return _json({"logoutResponse": [{"ErrorCode": "0", "ErrorText": " ", "Success": "true"}]})


@csrf_exempt
def auth(request: HttpRequest, path: str = "", org: str = "") -> HttpResponse:
    """POST /auth/1.0/…: tokens by any grant, and what is done about credentials."""
    return _answer(request, org, "auth/1.0", path, _auth_action)


@csrf_exempt
def hosted_payments(request: HttpRequest, path: str = "", org: str = "") -> HttpResponse:
    """POST /hostedPayments/1.0/authenticate and /authenticate-session."""
    return _answer(request, org, "hostedPayments/1.0", path, _HOSTED_ACTIONS.get)


_Action = Callable[[HttpRequest], HttpResponse]


def _answer(
    request: HttpRequest, org: str, base: str, path: str, find: Callable[[str], _Action | None]
) -> HttpResponse:
    try:
        require_our_own(org)
        name = path.strip("/").casefold()
        facts().org = org
        action = find(name)
        if action is None:
            raise RequestError(
                Code.UNKNOWN_ADDRESS,
                f"There is nothing at .../{base}/{name}. Sign in with username and password at "
                ".../rest/2.0/login or .../auth/1.0/token, as a client at "
                ".../auth/1.0/authenticate.",
            )
        if request.method != "POST":
            raise MethodNotAllowed(request.method or "", ["POST"])
        facts().verb = "secret" if name.endswith("/secret") else action.__name__.strip("_")
        admit_address(request)
        response = action(request)
    except LockedOut:
        response = _later(rendered(RequestError(Code.SIGN_IN_LOCKED, _LOCKED_OUT)))
    except SignInOvertakenError:
        response = rendered(RequestError(Code.INVALID_CREDENTIALS, _REFUSED))
    except Exception as error:
        # Whatever happened, the client gets an answer in JSON.
        response = answer_to(error, request_id_of(request))
    # RFC 6749, 5.1: nobody on the way keeps an answer with a secret in it.
    response.headers["Cache-Control"] = "no-store"
    return told(request, response)


def _auth_action(name: str) -> _Action | None:
    match name.split("/"):
        case ["api_keys", key_id, "secret"] if is_id(key_id):
            return lambda request: _new_secret(request, "API_KEY", int(key_id))
        case ["oauth_clients", client_id, "secret"] if is_id(client_id):
            return lambda request: _new_secret(request, "OAUTH_CLIENT", int(client_id))
    return _AUTH_ACTIONS.get(name)


def _token(request: HttpRequest) -> HttpResponse:
    return _grant(request, "password")


def _authenticate(request: HttpRequest) -> HttpResponse:
    return _grant(request, "client_credentials")


def _grant(request: HttpRequest, otherwise: str) -> HttpResponse:
    """Tokens by the grant_type that is sent, in the query string or the body."""
    sent = _sent(request)
    grant = (
        _optional(sent, "grant_type") or _optional(_folded(request.GET), "grant_type") or otherwise
    )
    if grant == "refresh_token":
        return _renewed(sent)
    if grant == "client_credentials":
        user, secret_id = _client(request, sent)
        return _json(tokens.issue(user, Origin.of(request), secret_id=secret_id))
    if grant == "password":
        found = _user(request, sent)
        if found is None:
            raise RequestError(Code.INVALID_CREDENTIALS, _REFUSED)
        return _json(tokens.issue(found, Origin.of(request)))
    raise RequestError(
        Code.MALFORMED_REQUEST,
        f'"grant_type" is one of {", ".join(_GRANTS)}, not {grant!r}.',
        field="grant_type",
    )


def _refresh(request: HttpRequest) -> HttpResponse:
    return _renewed(_sent(request))


def _renewed(sent: dict[str, Any]) -> HttpResponse:
    token = _text(sent, "refresh_token", "refresh")
    try:
        return _json(tokens.renew(token))
    except tokens.BadToken as bad:
        raise RequestError(
            Code.INVALID_CREDENTIALS, f"The refresh token is not accepted: {bad}."
        ) from bad


def _verify(request: HttpRequest) -> HttpResponse:
    token = _text(_sent(request), "token")
    try:
        context, kind = tokens.holder_of(token)
        facts().username = context.username
    except tokens.BadToken as bad:
        raise RequestError(Code.INVALID_CREDENTIALS, f"The token is not accepted: {bad}.") from bad
    return _json({"username": context.username, "token_type": kind})


def _revoke(request: HttpRequest) -> HttpResponse:
    """End all that the caller, or the user he names, is signed in by."""
    context, snapshot = caller(request)
    wanted = str(_sent(request).get("userid") or context.user_id)
    if not is_id(wanted):
        raise RequestError(Code.MALFORMED_REQUEST, '"UserId" is the Id of a USER.', field="UserId")
    ended = credentials.sign_out_everywhere(snapshot, context, int(wanted))
    return _json({"UserId": wanted, "ended": ended})


def _new_secret(request: HttpRequest, entity: str, record_id: int) -> HttpResponse:
    """A new secret of an API key or an OAuth client, shown once."""
    context, snapshot = caller(request)
    return _json(credentials.issue_secret(snapshot, context, entity, record_id))


_AUTH_ACTIONS: dict[str, _Action] = {
    "authenticate": _authenticate,
    "token": _token,
    "token/refresh": _refresh,
    "token/verify": _verify,
    "revoke": _revoke,
}


def _hosted_by_client(request: HttpRequest) -> HttpResponse:
    sent = _sent(request)
    user, secret_id = _client(request, sent)
    lifetime = tokens.HostedPayment.lifetime
    row_id = sessions.open_tokens(user, Origin.of(request), lifetime, secret_id=secret_id)
    return _hosted(user.pk, row_id)


def _hosted_by_session(request: HttpRequest) -> HttpResponse:
    session_id = session_id_of(request) or _optional(_sent(request), "sessionid")
    if not session_id:
        raise RequestError(
            Code.NOT_AUTHENTICATED, 'Send the session in the header sessionid or as "sessionId".'
        )
    found = services.context_of_session(session_id)
    row_id = sessions.row_of_session(session_id) if found else None
    if found is None or row_id is None:
        raise RequestError(
            Code.INVALID_SESSION_ID,
            "The session is not known or has expired. Log in again.",
            field="sessionid",
        )
    facts().username = found[0].username
    return _hosted(found[0].user_id, row_id)


def _hosted(user_id: int | None, row_id: int) -> HttpResponse:
    token = tokens.issue_for_hosted_payment(user_id or 0, row_id)
    return _json({"accessToken": {"content": token}})


_HOSTED_ACTIONS: dict[str, _Action] = {
    "authenticate": _hosted_by_client,
    "authenticate-session": _hosted_by_session,
}


def _user(request: HttpRequest, sent: dict[str, Any]) -> User | None:
    username, password = _text(sent, "username"), _text(sent, "password")
    if max(len(username), len(password)) > _LONGEST:
        return None
    user = services.authenticate(username, password, request)
    if user is not None:
        facts().username = user.username
        if user.reset_password_flag:
            raise _NewPasswordNeededError(user)
    return user


class _NewPasswordNeededError(RequestError):
    """The password is right, and good for nothing but choosing another one."""

    def __init__(self, user: User) -> None:
        super().__init__(
            Code.NEW_PASSWORD_NEEDED,
            f"User {user.username} has to choose a new password first: sign in at /admin/, or ask "
            "an administrator.",
        )


def _client(request: HttpRequest, sent: dict[str, Any]) -> tuple[User, int]:
    """The client's user and the Id of the secret that was right.

    The header counts before the body, the body before the query string.
    """
    pair = secret.basic_credentials(str(request.META.get("HTTP_AUTHORIZATION", "")))
    for place in (sent, _folded(request.GET)):
        if pair is None:
            names = (
                _optional(place, "client_id", "clientid"),
                _optional(place, "client_secret", "clientsecret", "secret"),
            )
            pair = names if any(names) else None
    if pair is None or not all(pair):
        raise RequestError(Code.NOT_AUTHENTICATED, _CLIENT_CREDENTIALS)
    found = None
    if max(map(len, pair)) <= _LONGEST:
        found = secret.authenticate_client(*pair, request)
    if found is None:
        raise RequestError(Code.INVALID_CREDENTIALS, _CLIENT_REFUSED)
    facts().username = found[0].username
    return found


def _sent(request: HttpRequest) -> dict[str, Any]:
    """The body by names in small letters: a JSON object, a form, or nothing; whatever its
    Content-Type says."""
    body = body_of(request).strip()
    if not body:
        return {}
    if body.startswith((b"{", b"[", b'"', b"\xef\xbb\xbf")):
        return envelope.read_object(body, "Send a JSON object or a form.")
    try:
        return _folded(QueryDict(body, encoding="utf-8"))
    except (UnicodeDecodeError, ValueError) as error:
        raise RequestError(Code.MALFORMED_REQUEST, "Send a JSON object or a form.") from error


def _folded(sent: QueryDict) -> dict[str, Any]:
    return {name.casefold(): value for name, value in sent.items()}


def _json_body(request: HttpRequest, right: str) -> dict[str, Any]:
    return envelope.read_object(body_of(request), right)


def _text(sent: dict[str, Any], *names: str) -> str:
    """The first of `names` that was sent, which must be a string that is not empty."""
    value = next((sent[name] for name in names if name in sent), None)
    if not isinstance(value, str) or not value:
        raise RequestError(
            Code.MALFORMED_REQUEST, f'Send "{names[0]}" as a string.', field=names[0]
        )
    return value


def _optional(sent: dict[str, Any], *names: str) -> str:
    """The first of `names` that was sent as a string, "" without one."""
    return next((v for v in map(sent.get, names) if isinstance(v, str) and v), "")


def _login_refused(code: Code, message: str) -> HttpResponse:
    facts().code = code
    element = {"SessionID": "", "ErrorCode": code, "ErrorText": [message], "help": help_for(code)}
    return _json({"loginResponse": [element]}, STATUS[code])


def _later(response: HttpResponse) -> HttpResponse:
    response.headers["Retry-After"] = str(lockout.retry_after())
    return response


def _json(body: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), content_type=JSON, status=status)
