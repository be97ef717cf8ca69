"""Sending one mail through the operator's mail server (BRM_MAIL_URL)."""

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from metabrm import environment

TIMEOUT_SECONDS = 20


class NoMailServerError(RuntimeError):
    """There is nothing to send with; the message says which setting is missing."""


def send(recipients: str, subject: str, body: str, *, message_id: str) -> None:
    """Send to the addresses, separated by commas; SMTPException and OSError as they come.

    ValueError for a subject or an address that holds a line break: it would begin another header.
    """
    env = environment.current()
    server = env.mail_server
    if server is None:
        raise NoMailServerError(
            "No mail server: set BRM_MAIL_URL and BRM_MAIL_FROM, then restart the worker."
        )
    if env.mail_from is None:
        raise NoMailServerError("No sender: set BRM_MAIL_FROM, then restart the worker.")
    backend = EmailBackend(
        host=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        use_tls=server.tls == "starttls",
        use_ssl=server.tls == "implicit",
        timeout=TIMEOUT_SECONDS,
    )
    to = [address.strip() for address in recipients.split(",") if address.strip()]
    EmailMessage(
        subject,
        body,
        env.mail_from,
        to,
        connection=backend,
        headers={"Message-ID": message_id},
    ).send()
