"""Sending what waits in the outbox, message by message, outside any transaction."""

import http.client
import smtplib
import time

from django.db import connection

from entities.automation import mail, outbox, webhook
from entities.automation.outbox import Claimed, Result
from metabrm import environment, sealing

#: Seconds after which a task lets others have the worker; the schedule goes on with the rest.
SECONDS = 45.0

_SECRET = "SELECT secret FROM entities_workflowaction WHERE id = %s"
_SECRET_PLACE = sealing.place("entities_workflowaction", "secret")


def deliver(seconds: float = SECONDS) -> int:
    """Send what is due until nothing is or the time is over; the number of tries made."""
    end = time.monotonic() + seconds
    tries = 0
    while time.monotonic() < end and (message := outbox.claim()) is not None:
        outbox.settle(message, attempt(message))
        tries += 1
    return tries


def attempt(message: Claimed) -> Result:
    """Try to send the message; whatever goes wrong is the result."""
    if message.attempt > outbox.TRIES:
        return Result(
            False, error="Given up: whoever tried to send it did not survive.", final=True
        )
    started = time.monotonic()
    try:
        send = _webhook if message.kind == "WEBHOOK" else _mail
        result = send(message)
    except Exception as error:  # a message that can't be sent must not keep the others waiting
        result = Result(False, error=f"{type(error).__name__}: {error}")
    took = int((time.monotonic() - started) * 1000)
    return Result(result.sent, took, result.code, result.text, result.error, result.final)


def _webhook(message: Claimed) -> Result:
    with connection.cursor() as cursor:
        cursor.execute(_SECRET, [message.action_id])
        row = cursor.fetchone()
    if row is None:
        return Result(False, error="The workflow action does not exist any more.", final=True)
    secret = None if row[0] is None else sealing.opened_one(_SECRET_PLACE, row[0])
    if isinstance(secret, sealing.Unopened):
        return Result(False, error=f"Not sent unsigned. The Secret of the action: {secret}.")
    try:
        answer = webhook.send(
            message.destination, message.body.encode(), delivery=str(message.id), secret=secret
        )
    except webhook.RefusedDestinationError as error:
        return Result(False, error=f"Not sent: the address {error}.", final=True)
    except (OSError, http.client.HTTPException) as error:
        return Result(False, error=f"No answer: {error or type(error).__name__}.")
    return Result(answer.accepted, code=answer.code, text=answer.text)


def _mail(message: Claimed) -> Result:
    sender = environment.current().mail_from or ""
    domain = sender.rpartition("@")[2].strip("> ") or "metabrm"
    try:
        mail.send(
            message.destination,
            message.subject or "",
            message.body,
            message_id=f"<{message.id}.brm@{domain}>",
        )
    except mail.NoMailServerError as error:
        return Result(False, error=str(error))
    except ValueError as error:
        return Result(False, error=f"Not sent: {error}", final=True)
    except smtplib.SMTPResponseException as error:
        text = error.smtp_error
        shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        return Result(False, code=error.smtp_code, text=shown)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        return Result(False, code=code, text=text.decode("utf-8", "replace"))
    except (OSError, smtplib.SMTPException) as error:
        return Result(False, error=f"No answer: {error or type(error).__name__}.")
    return Result(True, code=250)
