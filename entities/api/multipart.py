"""A form with files, multipart/form-data, read within the limit of one file."""

from dataclasses import dataclass
from io import BytesIO

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from entities import files
from entities.api.bodies import body_of
from entities.errors import Code, RequestError

FORM = "multipart/form-data"
#: Of the whole body: one file as large as may be, and the fields around it.
MOST_BYTES = files.MOST_BYTES + 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent: names in lower case -> texts, and -> file name and content."""

    texts: dict[str, str]
    files: dict[str, tuple[str, bytes]]


class _Kept(MemoryFileUploadHandler):
    """The body is in memory already, and so are its files."""

    def handle_raw_input(self, *about: object, **more: object) -> None:
        self.activated = True


def form_of(request: HttpRequest) -> Form:
    """The form in the request's body; RequestError MALFORMED_REQUEST, REQUEST_TOO_LARGE."""
    body = body_of(request, MOST_BYTES, _too_large)
    about = {**request.META, "CONTENT_LENGTH": str(len(body))}
    try:
        texts, sent = MultiPartParser(about, BytesIO(body), [_Kept(request)], "utf-8").parse()
    except RequestDataTooBig:
        raise RequestError(
            Code.REQUEST_TOO_LARGE, "A field of the form is too long; send it as a file."
        ) from None
    except (MultiPartParserError, SuspiciousOperation, ValueError) as error:
        raise RequestError(
            Code.MALFORMED_REQUEST, f"The body is no form of the type {FORM}: {error}"[:500]
        ) from None
    return Form(
        {str(name).casefold(): str(value) for name, value in texts.items()},
        {
            str(name).casefold(): (file.name or "", file.read())
            for name, file in sent.items()
            if not isinstance(file, list)
        },
    )


def _too_large(length: int | None) -> RequestError:
    return RequestError(Code.REQUEST_TOO_LARGE, files.too_large(length or MOST_BYTES + 1))
