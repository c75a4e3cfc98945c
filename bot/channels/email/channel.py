"""``kind: email``: one mail a message to a list of recipients."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import structlog

from bot import model, ports
from bot.channels.email import errors, mail, smtp
from bot.channels.email.errors import Stage
from bot.channels.email.options import Options
from bot.channels.kit import phrases
from bot.channels.kit.acts import Act
from bot.channels.kit.context import ChannelContext

log = structlog.get_logger("wirewatch")

KIND = "email"
#: How long to retry a deferred recipient (greylisting, a full mailbox) after the others have received a mail; during
#: this time later messages of the thread wait, for all recipients.
_PATIENCE = timedelta(minutes=30)


class Channel:
    """A list of recipients. Sent mails cannot be edited or looked up; each attempt at one has the same Message-ID."""

    abilities = ports.Abilities(threads=True, edits=False, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        self.name = name
        self.pace = options.pace
        host, port = options.server
        self._host, self._port = host, port or smtp.PORTS[options.security]
        login = options.password.reference if options.password else "without a login"
        self.account = f"email {host}:{self._port} {options.username or ''} {login}"
        self._options = options
        self._context = context
        self._unsubscribe = options.unsubscribe or mail.unsubscribe_by_mail(options.sender, name)
        self._partly = _Partly(context, key=f"email {name} partly sent")

    async def send(self, delivery: ports.Delivery) -> model.Receipt:
        content = mail.compose(
            delivery,
            sender=self._options.sender,
            to=self._options.to,
            name=self.name,
            unsubscribe=self._unsubscribe,
            now=self._context.clock.now(),
            zone=self._context.zone,
        )
        ref = mail.message_id(delivery.id, self._options.sender.domain)
        subject = mail.subject(delivery)
        receipt = model.Receipt(ref=ref, place="email", subject=subject, sent_at=self._context.clock.now())
        served = await self._partly.served(delivery.id)
        waiting = [address.addr_spec for address in self._options.to if address.addr_spec not in served]
        if not waiting:
            return receipt
        async with self._session() as session:
            refused = await session.open(self._options.sender.addr_spec, waiting)
            deferred, rejected = self._split_refused(refused)
            if len(refused) < len(waiting):
                await session.finish(content)
            else:
                await session.forget()
        self._log_refused(rejected)
        if deferred and not (served and await self._partly.is_old(delivery.id)):
            if len(refused) < len(waiting):
                await self._partly.put(delivery.id, {*served, *waiting} - deferred.keys())
            recipient, answer = next(iter(deferred.items()))
            text = f"{model.counted(len(deferred), 'recipient')} put off, such as {recipient}"
            raise ports.Wait(f"{text}: {answer.code} {_quoted(answer)}", whole_channel=False)
        if len(rejected) == len(self._options.to):
            answer = next(iter(rejected.values()))
            raise errors.error_of(Stage.RECIPIENT, answer.code, answer.text)
        self._log_refused(deferred)
        await self._partly.put(delivery.id, ())
        return receipt

    def _log_refused(self, refused: Mapping[str, smtp.Answer]) -> None:
        for recipient, answer in refused.items():
            fields = {"channel": self.name, "recipient": recipient, "code": answer.code, "answer": _quoted(answer)}
            log.warning("recipient refused", **fields)

    def _split_refused(
        self, refused: Mapping[str, smtp.Answer]
    ) -> tuple[dict[str, smtp.Answer], dict[str, smtp.Answer]]:
        """Return the deferred and the rejected recipients. Raises Parked if the refusal is not about the recipient."""
        deferred, rejected = dict[str, smtp.Answer](), dict[str, smtp.Answer]()
        for recipient, answer in refused.items():
            act = errors.rule_for(Stage.RECIPIENT, answer.code, answer.text).act
            if act is Act.PARK_WORKSPACE:
                raise errors.error_of(Stage.RECIPIENT, answer.code, answer.text)
            (deferred if act is Act.WAIT else rejected)[recipient] = answer
        return deferred, rejected

    async def find(self, delivery: ports.Delivery, *, since: datetime) -> model.Receipt | None:
        raise ports.Unknown("a sent mail cannot be looked up; a repetition has the same Message-ID")

    async def check(self) -> Sequence[ports.CheckLine]:
        """Talk to the server up to the recipients, and send nothing."""
        sender = self._options.sender.addr_spec
        try:
            async with self._session() as session:
                refused = await session.open(sender, [address.addr_spec for address in self._options.to])
                await session.forget()
        except ports.SendError as error:
            what = f"the mail server {self._host}:{self._port} accepts mail from {sender}"
            return [ports.CheckLine(is_good=False, what=what, help=str(error))]
        encryption = "in clear" if self._options.security is smtp.Security.NONE else "over TLS"
        server = f"the mail server {self._host}:{self._port} answers {encryption}"
        lines = [ports.CheckLine(is_good=True, what=f"{server} and accepts mail from {sender}")]
        for address in self._options.to:
            answer = refused.get(address.addr_spec)
            if answer is None:
                lines.append(ports.CheckLine(is_good=True, what=f"it accepts mail for {address.addr_spec}"))
                continue
            refusal = errors.error_of(Stage.RECIPIENT, answer.code, answer.text)
            is_deferred = isinstance(refusal, ports.Wait)
            what = f"it {'defers' if is_deferred else 'rejects'} mail for {address.addr_spec}"
            lines.append(ports.CheckLine(is_good=is_deferred, what=what, help=str(refusal)))
        return lines

    async def close(self) -> None:
        """No connection is kept open between mails."""

    def _session(self) -> AbstractAsyncContextManager[smtp.Session]:
        login = None
        if self._options.username is not None and self._options.password is not None:
            password = self._context.secret(self._options.password, what="the mail server's password")
            login = smtp.Login(username=self._options.username, password=password)
        domain = self._options.sender.domain
        return smtp.session(self._host, self._port, security=self._options.security, login=login, name=domain)


def _quoted(answer: smtp.Answer) -> str:
    return phrases.cut(phrases.clean(answer.text), 200)


class _Partly:
    """Mails that only some recipients have received, stored so that a repetition goes to the others only."""

    def __init__(self, context: ChannelContext, *, key: str) -> None:
        self._context = context
        self._key = key

    async def served(self, send_id: str) -> frozenset[str]:
        _, recipients = (await self._all()).get(send_id, ("", []))
        return frozenset(recipients)

    async def is_old(self, send_id: str) -> bool:
        since, _ = (await self._all())[send_id]
        return self._context.clock.now() - datetime.fromisoformat(since) > _PATIENCE

    async def put(self, send_id: str, served: Iterable[str]) -> None:
        """Store the recipients who have received a mail; without recipients, the mail is done and forgotten."""
        mails = await self._all()
        entry = mails.pop(send_id, None)
        if recipients := sorted(served):
            mails[send_id] = (entry[0] if entry else self._context.clock.now().isoformat(), recipients)
        elif entry is None:
            return
        await self._context.key_values.put(self._key, json.dumps(mails))

    async def _all(self) -> dict[str, tuple[str, list[str]]]:
        """Return, by send id, the time of the first attempt and the recipients who have received the mail."""
        mails: dict[str, tuple[str, list[str]]] = json.loads(await self._context.key_values.get(self._key) or "{}")
        return mails
