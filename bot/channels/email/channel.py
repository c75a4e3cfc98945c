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
#: A recipient that its server puts off (greylisting, a full mailbox) is tried for so long after the others got it:
#: meanwhile what follows in its thread waits, for everybody.
_PATIENCE = timedelta(minutes=30)


class Channel:
    """One list of recipients. A sent mail cannot be changed or looked for; each try of it has the same Message-ID."""

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
        made = mail.compose(
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
        done = await self._partly.taken(delivery.id)
        left = [address.addr_spec for address in self._options.to if address.addr_spec not in done]
        if not left:
            return receipt
        async with self._session() as session:
            refused = await session.open(self._options.sender.addr_spec, left)
            later, never = self._apart(refused)
            if len(refused) < len(left):
                await session.finish(made)
            else:
                await session.forget()
        self._log_refused(never)
        if later and not (done and await self._partly.is_old(delivery.id)):
            if len(refused) < len(left):
                await self._partly.put(delivery.id, {*done, *left} - later.keys())
            recipient, answer = next(iter(later.items()))
            words = f"{model.counted(len(later), 'recipient')} put off, such as {recipient}"
            raise ports.Wait(f"{words}: {answer.code} {_quoted(answer)}", whole_channel=False)
        if len(never) == len(self._options.to):
            answer = next(iter(never.values()))
            raise errors.error_of(Stage.RECIPIENT, answer.code, answer.text)
        self._log_refused(later)
        await self._partly.put(delivery.id, ())
        return receipt

    def _log_refused(self, refused: Mapping[str, smtp.Answer]) -> None:
        for recipient, answer in refused.items():
            fields = {"channel": self.name, "recipient": recipient, "code": answer.code, "answer": _quoted(answer)}
            log.warning("recipient refused", **fields)

    def _apart(self, refused: Mapping[str, smtp.Answer]) -> tuple[dict[str, smtp.Answer], dict[str, smtp.Answer]]:
        """Those that may be taken later, and those that never will. Raises Parked where it is not about them."""
        later, never = dict[str, smtp.Answer](), dict[str, smtp.Answer]()
        for recipient, answer in refused.items():
            act = errors.rule_for(Stage.RECIPIENT, answer.code, answer.text).act
            if act is Act.PARK_WORKSPACE:
                raise errors.error_of(Stage.RECIPIENT, answer.code, answer.text)
            (later if act is Act.WAIT else never)[recipient] = answer
        return later, never

    async def find(self, delivery: ports.Delivery, *, since: datetime) -> model.Receipt | None:
        raise ports.Unknown("mail cannot be looked for; a repetition has the same Message-ID")

    async def check(self) -> Sequence[ports.CheckLine]:
        """Goes as far as the recipients, and sends nothing."""
        sender = self._options.sender.addr_spec
        try:
            async with self._session() as session:
                refused = await session.open(sender, [address.addr_spec for address in self._options.to])
                await session.forget()
        except ports.SendError as error:
            what = f"the mail server {self._host}:{self._port} takes mail from {sender}"
            return [ports.CheckLine(is_good=False, what=what, help=str(error))]
        over = {smtp.Security.NONE: "in clear", smtp.Security.TLS: "over TLS", smtp.Security.STARTTLS: "over TLS"}
        server = f"the mail server {self._host}:{self._port} answers {over[self._options.security]}"
        lines = [ports.CheckLine(is_good=True, what=f"{server} and takes mail from {sender}")]
        for address in self._options.to:
            answer = refused.get(address.addr_spec)
            if answer is None:
                lines.append(ports.CheckLine(is_good=True, what=f"it takes mail for {address.addr_spec}"))
                continue
            refusal = errors.error_of(Stage.RECIPIENT, answer.code, answer.text)
            is_later = isinstance(refusal, ports.Wait)
            what = f"it {'puts off' if is_later else 'takes no'} mail for {address.addr_spec}"
            lines.append(ports.CheckLine(is_good=is_later, what=what, help=str(refusal)))
        return lines

    async def close(self) -> None:
        """Nothing is held open between two mails."""

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
    """Mails that some recipients have and others wait for: a repetition goes to the others only."""

    def __init__(self, context: ChannelContext, *, key: str) -> None:
        self._context = context
        self._key = key

    async def taken(self, send_id: str) -> frozenset[str]:
        _, recipients = (await self._all()).get(send_id, ("", []))
        return frozenset(recipients)

    async def is_old(self, send_id: str) -> bool:
        since, _ = (await self._all())[send_id]
        return self._context.clock.now() - datetime.fromisoformat(since) > _PATIENCE

    async def put(self, send_id: str, taken: Iterable[str]) -> None:
        """No recipients: the mail is done."""
        known = await self._all()
        before = known.pop(send_id, None)
        if recipients := sorted(taken):
            known[send_id] = (before[0] if before else self._context.clock.now().isoformat(), recipients)
        elif before is None:
            return
        await self._context.key_values.put(self._key, json.dumps(known))

    async def _all(self) -> dict[str, tuple[str, list[str]]]:
        """Send id -> since when, and who has it."""
        found: dict[str, tuple[str, list[str]]] = json.loads(await self._context.key_values.get(self._key) or "{}")
        return found
