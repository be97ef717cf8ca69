"""The catalogue of errors: what each code means, what usually causes it, and what cures it.

One entry per `Code`, in the order of the codes. The API's status codes, `docs/errors.md`, the page
`/docs/errors` and `GET /rest/2.0/errors` are all made from it. After a change,

    python -m entities.catalogue > docs/errors.md
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from entities.errors import Code

#: Where people read about a code.
PAGE = "/docs/errors"


@dataclass(frozen=True, slots=True)
class Entry:
    """What there is to know about one code.

    code      the stable word
    status    HTTP status when the whole request fails with it; a record that fails leaves it 200
    what      what happened
    cause     what usually causes it
    cure      what the caller does about it
    example   a message as it comes with the code
    """

    code: Code
    status: int
    what: str
    cause: str
    cure: str
    example: str


def help_for(code: str) -> str:
    """The address of what people read about `code`."""
    return f"{PAGE}#{code}"


def as_rows() -> list[dict[str, str]]:
    """The catalogue as the API answers it: texts only."""
    return [
        {key: str(value) for key, value in asdict(entry).items()} | {"help": help_for(entry.code)}
        for entry in CATALOGUE.values()
    ]


def as_markdown() -> str:
    """The text of `docs/errors.md`."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield _OPENING
    for entry in CATALOGUE.values():
        yield ""
        yield f"## {entry.code}"
        yield ""
        yield f"{entry.what} Status {entry.status}."
        yield ""
        yield f"- **Usual cause**: {entry.cause}"
        yield f"- **Cure**: {entry.cure}"
        yield f"- **Example**: {entry.example}"
    yield ""


_OPENING = """\
# Errors

Every error carries a code that stays the same, a message that says what was wrong, where and what
would be right, and in `help` the address of its entry here. Programs decide by the code, people
read the message. A running system shows this list at `/docs/errors` and answers it as data at
`GET /rest/2.0/errors`; neither needs a sign-in.

The status is that of a request that fails as a whole. A record that fails among others leaves the
status 200 and has the code in its `ErrorCode`.

Three answers come from the web server before the platform sees the request, with an empty body: 414
to an address over 65,534 bytes (send long queries by POST), 431 to more than 100 headers or 400 KB
of them, and 400 to what is no HTTP."""

_ENTRIES = (
    Entry(
        Code.MALFORMED_REQUEST,
        400,
        "The request can't be understood.",
        "The body is not JSON in UTF-8, lacks `brmObjects` or another part the address needs, "
        "or was cut off; the address has a host name that is not served here.",
        "Mend the request at the place that the message names.",
        "The body is not valid JSON: object keys must be strings at line 1, column 30.",
    ),
    Entry(
        Code.REQUEST_TOO_LARGE,
        413,
        "The request holds more than one request may.",
        "More than 1,000 records, more than 5 MiB of JSON, or a file over its limit.",
        "Divide the records among several requests, or send them as a bulk job.",
        "1,204 records in one request; at most 1,000 are taken. Send the rest in further requests.",
    ),
    Entry(
        Code.TOO_MANY_REQUESTS,
        429,
        "The caller has sent more requests than he may send a second or a day.",
        "A loop with a request for each record; a program that calls again at once when it is "
        "refused; several programs that share a user.",
        "Wait for the seconds in `Retry-After` and send the request again, which was not done; put "
        "up to 1,000 records into one request.",
        "User nightly may send 15 requests a second, 150 at once after a pause, and 100,000 a day "
        "(UTC). Send the request again in 1 s, as Retry-After says; one request takes up to a "
        "thousand records.",
    ),
    Entry(
        Code.IDEMPOTENCY_KEY_IN_USE,
        409,
        "A request with the same Idempotency-Key is still being worked on.",
        "The request was sent again before the first one had its answer.",
        "Wait for the seconds in `Retry-After` and send the request again: the answer is then that "
        "of the first one.",
        "A request with the Idempotency-Key order-4711 is still being worked on. Send this one "
        "again after a moment for its answer.",
    ),
    Entry(
        Code.IDEMPOTENCY_KEY_REUSED,
        422,
        "The Idempotency-Key came before with another body at the same address.",
        "A key that is made once and used for several requests; a body that is put together anew, "
        "with another time or order, when it is sent again.",
        "Give each request a key of its own; to send a request again, send the same bytes.",
        "The Idempotency-Key order-4711 came before with another body at this address. Give each "
        "request a key of its own, and send the same body again only under the same one.",
    ),
    Entry(
        Code.UNKNOWN_ADDRESS,
        404,
        "There is nothing at this address.",
        "A misspelt address, another organisation's name, or a version that is not served.",
        "Compare the address with those that the message names.",
        "There is no organisation 'acme' here; addresses begin with /demogm/ or /rest/.",
    ),
    Entry(
        Code.UNKNOWN_ENTITY,
        404,
        "There is no entity of this name for the caller.",
        "A misspelt name, or an entity that was deleted, renamed or taken off the API.",
        "Use the name that the message proposes; the OpenAPI document lists all there are.",
        "There is no entity 'ACCONT'. Did you mean ACCOUNT?",
    ),
    Entry(
        Code.NOT_AUTHENTICATED,
        401,
        "The request carries no credential that is accepted.",
        "The header `sessionid` or `Authorization` is missing, or the access token has expired.",
        "Sign in and send what the sign-in answered; renew an expired token.",
        "The bearer token is not accepted: Token is expired.",
    ),
    Entry(
        Code.INVALID_SESSION_ID,
        500,
        "The session is not known or has ended. The status is what existing clients sign in "
        "again on.",
        "The session was idle too long, reached its age, was closed, or its user was "
        "deactivated or got another password.",
        "Log in again and repeat the request with the new SessionID.",
        "The session is not known or has expired. Log in again.",
    ),
    Entry(
        Code.INVALID_CREDENTIALS,
        401,
        "The sign-in was refused. Which part was wrong is not told.",
        "A wrong user name, password, client secret or refresh token, or a user who may not "
        "sign in.",
        "Correct the credentials; an administrator sees in USER whether the user is active.",
        "The username or the password is wrong, or the user may not sign in.",
    ),
    Entry(
        Code.NEW_PASSWORD_NEEDED,
        403,
        "The password is right, but its user has to choose a new one before anything else.",
        "The user's ResetPasswordFlag is set.",
        "Sign in to the admin, which asks for the new password; where the role may not open the "
        "admin, an administrator sets one and takes the flag away.",
        "User anna has to choose a new password first: sign in at /admin/, or ask an "
        "administrator.",
    ),
    Entry(
        Code.SIGN_IN_LOCKED,
        429,
        "Too many sign-ins have failed; nobody looked at this one, right or wrong.",
        "A program that keeps trying an old password or secret, or somebody who guesses.",
        "Wait for the seconds in the header `Retry-After` and use the right credentials; an "
        "administrator can unlock the user at once.",
        "Too many sign-ins have failed. Try again later, or ask an administrator to unlock.",
    ),
    Entry(
        Code.INSUFFICIENT_RIGHTS,
        403,
        "The caller's role does not allow this.",
        "The role has no right to the entity, the field or the verb, or the record is shared "
        "with the caller to be read only.",
        "Leave out what is not allowed, or ask an administrator for an ENTITY_FIELD_ROLE record.",
        "Your role may not create ACCOUNT records.",
    ),
    Entry(
        Code.READ_ONLY_ENTITY,
        403,
        "Records of this entity are kept by the platform and can't be written.",
        "A write to a log or to another entity that only the platform fills.",
        "Read it; what leads to its records is written elsewhere.",
        "Messages are made by workflow rules.",
    ),
    Entry(
        Code.METHOD_NOT_ALLOWED,
        405,
        "The address exists, but does not take this method.",
        "For example DELETE at `/ENTITY/ID`: records are deleted at `/delete/ENTITY`.",
        "Use one of the methods in the header `Allow`.",
        "This address takes GET, PUT, not DELETE.",
    ),
    Entry(
        Code.NOT_AN_EXTERNAL_KEY,
        400,
        "The field named in `externalIDFieldName` is no external key of the entity.",
        "An upsert by a field that is not marked as external key.",
        "Name one of the keys in the message, or have the field made an external key.",
        "'Status' is no external key of PRODUCT; its external keys are: ExternalKey.",
    ),
    Entry(
        Code.UNKNOWN_FIELD,
        400,
        "The entity has no such field for the caller.",
        "A misspelt name, or a field that was deleted, renamed or that the role may not see.",
        "Use the name that the message proposes.",
        "ACCOUNT has no field 'Nmae'. Did you mean Name?",
    ),
    Entry(
        Code.INVALID_RECORD,
        400,
        "The record has not the form of a record.",
        "Something that is no JSON object among `brmObjects`, a field sent twice in two "
        "spellings, or `fieldsToNull` that is no list of names.",
        "Send every record as an object of field names and values, each field once.",
        "a record is a JSON object of field names and values, not a text.",
    ),
    Entry(
        Code.INVALID_VALUE,
        400,
        "The value is not one that the field can hold.",
        "A date that does not exist, text where a number belongs, an object where a value belongs.",
        "Send a value of the form that the message names.",
        "'2026-02-30' is not a date; write it like 2026-02-28.",
    ),
    Entry(
        Code.VALUE_TOO_LONG,
        400,
        "The text is longer than the field.",
        "A text over the field's length, which is counted in characters.",
        "Shorten the text, or have the field widened.",
        "The text has 300 characters; Name holds at most 255.",
    ),
    Entry(
        Code.NUMBER_OUT_OF_RANGE,
        400,
        "The number is larger or finer than the field.",
        "Too many digits before the point, or an amount beyond what an integer can be.",
        "Send a number within the range that the message names.",
        "100000000000000000000 is out of range; Quantity holds at most 18 digits before the point.",
    ),
    Entry(
        Code.VALUE_NOT_IN_LIST,
        400,
        "The value is not one of the field's list.",
        "A misspelt value, or one that is no longer in use.",
        "Send one of the values that the message names.",
        "'HAPPY' is not a value of Status; it takes ACTIVE, DEACTIVATED, PENDING.",
    ),
    Entry(
        Code.REQUIRED_FIELD_MISSING,
        400,
        "A field that must have a value has none.",
        "The field was left out of a new record, or an update empties it.",
        "Send the field with a value.",
        "Name is required.",
    ),
    Entry(
        Code.FIELD_NOT_CHANGEABLE,
        400,
        "The field can't be set, or can't be changed any more.",
        "A field that the platform keeps, that is computed, or that stays as it was created.",
        "Leave the field out, or send the value that the record has.",
        "Created is kept by the platform.",
    ),
    Entry(
        Code.FIELD_KEY_MISSING,
        400,
        "The platform lacks the key that encrypts the field.",
        "The operator has not set BRM_FIELD_KEYS, or removed a key that is still in use.",
        "Nothing is wrong with the value: the operator has to give the platform the key.",
        "TaxNumber is encrypted, and there is no key to encrypt it with; set BRM_FIELD_KEYS.",
    ),
    Entry(
        Code.LOOKUP_NOT_FOUND,
        400,
        "The record that a lookup names does not exist for the caller.",
        "A wrong Id or key, a record in the recycle bin, or one that is not shared with the "
        "caller.",
        "Name a live record, by Id or by one of the target's keys; create it first if need be.",
        "There is no ACCOUNT with ExternalKey 'crm-18'.",
    ),
    Entry(
        Code.LOOKUP_AMBIGUOUS,
        400,
        "Several records fit what a lookup says.",
        "The lookup names its target by a field that is not unique.",
        "Use the Id, or an external key.",
        "2 ACCOUNT records have Name 'North'; name one of them by Id.",
    ),
    Entry(
        Code.RECORD_NOT_FOUND,
        404,
        "There is no such record for the caller.",
        "A wrong Id, a record in the recycle bin, or one that is not shared with the caller.",
        "Query for the record; restore it with undelete if it was deleted.",
        "ACCOUNT has no record with Id '4711'.",
    ),
    Entry(
        Code.DUPLICATE_KEY,
        400,
        "Another record has this key.",
        "A value of a unique field, or of several that are unique together, is taken.",
        "Update the record that has it (an upsert does so by itself), or use another key.",
        "Another ACCOUNT has ExternalKey 'crm-17'.",
    ),
    Entry(
        Code.DUPLICATE_IN_REQUEST,
        400,
        "Two records of the request mean the same record or claim the same key.",
        "A list that was put together with repetitions.",
        "Send each record once.",
        "The records 1 and 3 of this request both have ExternalKey 'crm-17'.",
    ),
    Entry(
        Code.VALIDATION_FAILED,
        400,
        "The record breaks a rule of its entity.",
        "A rule of the platform (bands that overlap, an end before its start) or one that an "
        "administrator has written; the message tells the rule.",
        "Mend the record as the message says.",
        "EndDate must not be before StartDate.",
    ),
    Entry(
        Code.RECORD_IN_USE,
        400,
        "Other records need this one.",
        "A deletion of a record that lookups of live records point to.",
        "Delete or change the records that the message names first.",
        "The record is used by 2 records of ACCOUNT: Id 17, 18.",
    ),
    Entry(
        Code.ALL_OR_NONE,
        400,
        "The record itself is in order, but was not stored because another one failed.",
        "`allOrNone` is set, and one of the request's records failed.",
        "Mend the records that failed with another code, and send all again.",
        "Not stored, because another record of this request failed.",
    ),
    Entry(
        Code.QUERY_INVALID,
        400,
        "The query can't be read, or names what is not there.",
        "A mistake of syntax, an unknown column, a comparison of a number with a text, a "
        "division by zero.",
        "Mend the query at `position`, an offset counted from 0.",
        "ACCOUNT has no field 'Nmae'. Did you mean Name?",
    ),
    Entry(
        Code.QUERY_NOT_SUPPORTED,
        400,
        "The query asks for something that the language does not have.",
        "UNION and its like, or a clause or function that is not on the list.",
        "Use what the integrators' guide lists.",
        "UNION is not supported in queries; send one query for each part.",
    ),
    Entry(
        Code.QUERY_TIMEOUT,
        400,
        "The query took longer than it may.",
        "A condition that no index helps, or a join over many records.",
        "Narrow it by a condition on an indexed field, ask for fewer rows, or use a bulk extract.",
        "The query took longer than 30 seconds; narrow it with a condition on an indexed "
        "field, or ask for fewer rows.",
    ),
    Entry(
        Code.NO_ROWS,
        404,
        "Nothing matches. It is how paging ends.",
        "All records were read, or none fulfils the condition.",
        "Take it as an empty answer.",
        "No record matches.",
    ),
    Entry(
        Code.FILE_DAMAGED,
        500,
        "The file in the storage is not the one that was stored.",
        "A disk that failed, or somebody who changed the files behind the platform's back.",
        "Tell the administrator: the file has to be restored from a backup; nothing else of the "
        "record is concerned.",
        "The file terms.pdf is not what was stored: it is damaged in the storage. Tell the "
        "administrator: it has to be restored from a backup.",
    ),
    Entry(
        Code.SCHEMA_BUSY,
        503,
        "The schema is being changed, and the request can't be served meanwhile.",
        "A change of an entity is under way, or a change waits for a table that others use.",
        "Send the request again after the seconds in `Retry-After`.",
        "The schema changed while the query ran; send it again.",
    ),
    Entry(
        Code.TEMPORARILY_UNAVAILABLE,
        503,
        "The platform can't work at the moment.",
        "The database or the storage is restarted, can't be reached or is overloaded.",
        "Send the request again after the seconds in `Retry-After`; a write that was answered "
        "so was stored whole or not at all.",
        "The database can't be reached or is too busy. What this request writes was stored "
        "whole or not at all, most likely not at all; send it again.",
    ),
    Entry(
        Code.INTERNAL_ERROR,
        500,
        "The platform made a mistake.",
        "A defect of the platform.",
        "Tell the administrator the request id; the log has the details under it.",
        "Something went wrong on our side. Tell the administrator the request id "
        "9f2c4be1d07a4b6c8e21aa04; the server's log has the details.",
    ),
)

CATALOGUE: dict[Code, Entry] = {entry.code: entry for entry in _ENTRIES}


if __name__ == "__main__":
    print(as_markdown(), end="")
