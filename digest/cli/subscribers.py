"""`digest subscribers …`: who gets a digest, and when."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import outbox, person, session, transfer
from digest.cli.choices import chosen
from digest.cli.interests import check_query
from digest.cli.say import JsonOption, counted, moment, say, say_json, show_table
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.model import Schedule, Subscriber

app = typer.Typer(no_args_is_help=True, help="Who gets a digest, and when.")
app.command("import")(transfer.import_)
app.command("export")(transfer.export)
app.command("export-data")(person.export_data)

Email = Annotated[str, typer.Argument(help="The subscriber's address.", metavar="EMAIL")]
Name = Annotated[str | None, typer.Option(help="What to call them.")]
Timezone = Annotated[str | None, typer.Option(help="An IANA zone, such as Europe/Lisbon.")]
Cadence = Annotated[str | None, typer.Option(help="daily, weekdays, weekly or monthly.")]
Hour = Annotated[str | None, typer.Option(help="7, or 07:30, in their zone.")]
Weekday = Annotated[str | None, typer.Option(help="For weekly: monday to sunday.")]
Monthday = Annotated[int | None, typer.Option(help="For monthly: 1 to 31.")]
Limit = Annotated[int | None, typer.Option(help="Papers in one digest.")]
Trending = Annotated[int | None, typer.Option(help="Papers in a trending section; 0 for none.")]
Language = Annotated[str | None, typer.Option(help="Of the digest's frame.")]
Style = Annotated[str | None, typer.Option(help="full, compact or titles.")]
Revisions = Annotated[
    bool | None, typer.Option("--revisions/--no-revisions", help="New versions of papers, too.")
]
SendEmpty = Annotated[
    bool | None, typer.Option("--send-empty/--no-send-empty", help="A line when nothing is new.")
]
Mail = Annotated[
    bool | None,
    typer.Option("--mail/--no-mail", help="By mail; without it, by their channels alone."),
]
States = Annotated[
    list[str] | None,
    typer.Option(help="Only these: pending, active, paused, suspended, unsubscribed."),
]


@app.command()
def add(
    email: Email,
    name: Name = None,
    timezone: Timezone = None,
    cadence: Cadence = None,
    hour: Hour = None,
    weekday: Weekday = None,
    monthday: Monthday = None,
    limit: Limit = None,
    trending: Trending = None,
    language: Language = None,
    style: Style = None,
    revisions: Revisions = None,
    send_empty: SendEmpty = None,
    mail: Mail = None,
    interest: Annotated[str, typer.Option(help="The name of their first interest.")] = "Interest",
    query: Annotated[str, typer.Option(help="Its keyword query.")] = "",
    statement: Annotated[str, typer.Option(help="Or what it is, in plain words.")] = "",
    json: JsonOption = False,
) -> None:
    """Subscribe someone; what is not said is as the configuration has it."""
    said = _said(locals(), skip=("interest", "query", "statement", "json"))
    check_query(query)
    if query or statement:
        said["interests"] = [{"name": interest, "query": query, "statement": statement}]
    with session.register() as register:
        _report(register.add(said), "Added", json=json)


@app.command()
def edit(
    email: Email,
    name: Name = None,
    timezone: Timezone = None,
    cadence: Cadence = None,
    hour: Hour = None,
    weekday: Weekday = None,
    monthday: Monthday = None,
    limit: Limit = None,
    trending: Trending = None,
    language: Language = None,
    style: Style = None,
    revisions: Revisions = None,
    send_empty: SendEmpty = None,
    mail: Mail = None,
    json: JsonOption = False,
) -> None:
    """Change what is said, and nothing else."""
    said = _said(locals(), skip=("email", "json"))
    if not said:
        raise UsageError("Nothing to change.", mend="See `digest subscribers edit --help`.")
    with session.register() as register:
        _report(register.edit(email, said), "Changed", json=json)


@app.command("list")
def list_(state: States = None, json: JsonOption = False) -> None:
    """Everyone, in the order of their addresses."""
    from digest.model import SubscriberState

    with session.register() as register:
        people = register.profiles(register.ids(chosen(SubscriberState, state)))
    if json:
        say_json([_record(one) for one in people])
        return
    columns = ("address", "state", "when", "zone", "#interests", "next digest")
    show_table(columns, [_row(one) for one in people])
    say(counted(len(people), "subscriber"))


@app.command()
def show(email: Email, json: JsonOption = False) -> None:
    """One subscriber with everything they want."""
    with session.register() as register:
        _report(register.subscriber(email), "", json=json)


@app.command()
def pause(
    email: Email,
    until: Annotated[str | None, typer.Option(help="A date, such as 2026-12-01.")] = None,
    json: JsonOption = False,
) -> None:
    """No digests, for good or until a date; what is queued is withdrawn."""
    with session.register() as register:
        paused = register.pause(email, _date(until) if until else None)
        _report(paused, "Paused", json=json)


@app.command()
def resume(
    email: Email,
    they_asked: Annotated[
        bool, typer.Option("--they-asked", help="Also after they had unsubscribed.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Digests again."""
    with session.register() as register:
        resumed = register.resume(email, they_asked=they_asked)
        _report(resumed, "Resumed", json=json)


@app.command()
def unsubscribe(email: Email, json: JsonOption = False) -> None:
    """No digests from now on; what they wanted is kept in case they come back."""
    with session.register() as register:
        gone = register.unsubscribe(email, reason="by the operator")
        _report(gone, "Unsubscribed", json=json)


@app.command()
def remove(
    email: Email,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Forget someone for good; only a salted hash stays, so that no import adds them again."""
    if not yes and sys.stdin.isatty():
        typer.confirm("Delete everything about this subscriber?", abort=True, err=True)
    with session.register() as register:
        register.remove(email)
    if json:
        say_json({"removed": True})
    else:
        say("Removed. Only a salted hash of the address is left.")


@app.command()
def log(
    email: Email,
    limit: Annotated[int, typer.Option(help="At most so many lines, newest first.", min=1)] = 50,
    json: JsonOption = False,
) -> None:
    """What was sent to someone and what was said: every try, reply and bounce."""
    from digest.store.delivery_log import recipient_log
    from digest.subscriptions import normalise

    with session.database() as database:
        outbox.show_log(recipient_log(database, normalise(email), limit=limit), json=json)


@app.command()
def suppress(
    email: Email,
    reason: Annotated[str, typer.Option(help="Kept with the hash.")] = "operator",
    lift: Annotated[bool, typer.Option("--lift", help="Allow the address again.")] = False,
    json: JsonOption = False,
) -> None:
    """Never write to an address, subscribed or not; or lift that again."""
    with session.register() as register:
        if lift:
            done = register.lift(email)
        else:
            register.suppress(email, reason=reason)
            done = True
    if json:
        say_json({"suppressed": not lift, "changed": done})
    elif lift:
        say("Lifted." if done else "There was nothing to lift.")
    else:
        say("This address will not be written to any more.")


def _said(options: dict[str, Any], *, skip: tuple[str, ...]) -> dict[str, Any]:
    return {key: it for key, it in options.items() if it is not None and key not in skip}


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no date.", mend="Write it like 2026-12-01.") from None


# --- telling ------------------------------------------------------------------------------------


def _record(subscriber: Subscriber) -> dict[str, Any]:
    from digest.subscriptions import to_record

    return {**to_record(subscriber), "next_due_at": subscriber.next_due_at}


def _report(subscriber: Subscriber, verb: str, *, json: bool) -> None:
    if json:
        say_json(_record(subscriber))
        return
    if verb:
        say(f"{verb} {subscriber.email}.")
    _describe(subscriber)


def _describe(subscriber: Subscriber) -> None:
    rows = [
        ("address", subscriber.email),
        ("name", subscriber.name),
        ("state", " ".join(filter(None, (subscriber.state.value, _why(subscriber))))),
        ("when", f"{when(subscriber.schedule)}, {subscriber.schedule.timezone}"),
        ("next digest", moment(subscriber.next_due_at) or "none"),
        ("papers", f"at most {subscriber.limit}, trending {subscriber.trending}"),
        ("muted", ", ".join((*subscriber.mutes.authors, *subscriber.mutes.words))),
    ]
    for label, text in rows:
        if text:
            say(f"  {label:<12} {text}")
    for interest in subscriber.interests:
        paused = " (paused)" if interest.paused else ""
        say(f"  interest     {interest.name}{paused}")
        wants = [("query", interest.query), ("statement", interest.statement)]
        wants += [("example", example.title) for example in interest.examples]
        wants += [("author", author) for author in interest.authors]
        for label, text in wants:
            if text:
                say(f"    {label:<10} {' '.join(text.split())}")


def _why(subscriber: Subscriber) -> str:
    if subscriber.paused_until:
        return f"until {moment(subscriber.paused_until)}"
    return f"({subscriber.state_reason})" if subscriber.state_reason else ""


def _row(subscriber: Subscriber) -> tuple[object, ...]:
    schedule = subscriber.schedule
    return (
        subscriber.email,
        subscriber.state.value,
        when(schedule),
        schedule.timezone,
        len(subscriber.interests),
        subscriber.next_due_at,
    )


def when(schedule: Schedule) -> str:
    """`weekly on tuesday at 07:30`."""
    from digest.config import WEEKDAYS

    day = {"weekly": f" on {WEEKDAYS[schedule.weekday]}", "monthly": f" on {schedule.monthday}."}
    on = day.get(schedule.cadence.value, "")
    return f"{schedule.cadence.value}{on} at {schedule.hour:02}:{schedule.minute:02}"
