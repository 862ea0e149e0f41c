"""Whether receivers will believe our From: SPF, DKIM, DMARC and the sending host's name.

What a domain promises is judged as a receiver does (Gmail and Yahoo want SPF, DKIM and DMARC of
everybody who sends in bulk). Where mail goes through a provider, its own hosts do the sending: then
SPF can only be judged by whether it names the provider at all.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from digest.doctor.case import Case
from digest.doctor.findings import Finding, fault, note, ok
from digest.doctor.resolver import Address, Resolver
from digest.doctor.spf import LOOKUPS, Evaluation, policies
from digest.errors import ConfigError


def look_at_spf(case: Case) -> Iterator[Finding]:
    domain = sender_domain(case)
    found = policies(case.resolver.texts(domain))
    if not found:
        mend = f'Publish a TXT record for {domain}, such as "v=spf1 include:YOUR-PROVIDER -all".'
        yield fault("SPF", f"{domain} has no SPF record: receivers may refuse your mail.", mend)
        return
    if len(found) > 1:
        yield fault("SPF", f"{domain} has {len(found)} SPF records, so none counts.", "Merge them.")
        return
    yield from _judged(case, domain, found[0])


def _judged(case: Case, domain: str, record: str) -> Iterator[Finding]:
    smtp = case.settings.delivery.smtp
    if any(term in record.lower().split() for term in ("+all", "all")):
        yield fault("SPF", f'{domain} lets everybody send: "{record}".', "End it with -all.")
    addresses = [one for one in _addresses(case.resolver, smtp.host) if one.is_global]
    evaluations = [(one, Evaluation(case.resolver)) for one in addresses]
    results = {str(one): evaluation.judge(domain, one) for one, evaluation in evaluations}
    if any(evaluation.lookups > LOOKUPS for _, evaluation in evaluations):
        mend = "Name fewer providers: receivers stop at ten questions and then believe nobody."
        yield fault("SPF", f"{domain}: judging it takes more than {LOOKUPS} questions.", mend)
    elif not results:
        told = f'{domain} says "{record}"; see that it names the host that sends in the end.'
        yield note("SPF", told)
    elif "pass" in results.values():
        yield ok("SPF", f"{domain} lets {smtp.host} send.")
    else:
        yield note(
            "SPF",
            f'{domain} says "{record}", which does not name {smtp.host} ({", ".join(results)}).',
            "Add the include: that your provider documents, unless it is there under another name.",
        )


def look_at_dkim(case: Case) -> Iterator[Finding]:
    dkim = case.settings.delivery.dkim
    if not dkim.private_key:
        told = "We do not sign: your relay must, for the domain of the From."
        yield note("DKIM", told, "Send yourself `digest send-test` and look for dkim=pass.")
        return
    name = f"{dkim.selector}._domainkey.{dkim.domain}"
    published = [_tags(text) for text in case.resolver.texts(name)]
    keys = [tags["p"] for tags in published if tags.get("p")]
    own = public_key(dkim.private_key)
    if not keys:
        mend = f'Publish a TXT record there: "{record_for(dkim.private_key)}".'
        yield fault("DKIM", f"There is no key at {name}.", mend)
    elif own not in keys:
        mend = f'Publish "{record_for(dkim.private_key)}", or sign with the key that belongs to it.'
        yield fault("DKIM", f"The key at {name} is not the one we sign with.", mend)
    elif any("y" in tags.get("t", "").split(":") for tags in published):
        yield note("DKIM", f"{name} is marked as a test (t=y).", "Remove t=y.")
    else:
        yield ok("DKIM", f"{name} holds the key we sign with.")
    if not is_aligned(sender_domain(case), dkim.domain):
        told = f"We sign for {dkim.domain}, and the From is at {sender_domain(case)}."
        yield fault("DKIM", told, "Sign for the domain of the From, or DMARC fails.")


def look_at_dmarc(case: Case) -> Iterator[Finding]:
    domain = sender_domain(case)
    for place in (domain, organisation(domain)):
        found = [one for one in case.resolver.texts(f"_dmarc.{place}") if _is_dmarc(one)]
        if len(found) > 1:
            yield fault("DMARC", f"_dmarc.{place} has {len(found)} records, so none counts.")
            return
        if found:
            yield _policy(place, _tags(found[0]))
            return
    mend = f'Publish a TXT record for _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:…".'
    yield fault("DMARC", f"{domain} has no DMARC record: Gmail and Yahoo want one.", mend)


def look_at_names(case: Case) -> Iterator[Finding]:
    """PTR: the sending host's address must have a name that leads back to it."""
    host = case.settings.delivery.smtp.host
    addresses = [one for one in _addresses(case.resolver, host) if one.is_global]
    if not addresses:
        yield note("PTR", f"{host} has no public address; look at that of the host behind it.")
    for address in addresses:
        names = case.resolver.names(address)
        back = [name for name in names if address in case.resolver.addresses(name)]
        if back:
            yield ok("PTR", f"{address} is {back[0]}, and {back[0]} is {address}.")
        else:
            told = f"{address} is called {', '.join(names)}, which" if names else f"{address}"
            why = "does not lead back to it" if names else "has no name"
            yield fault("PTR", f"{told} {why}.", "Whoever gave you the address sets its PTR.")


def sender_domain(case: Case) -> str:
    domain = case.site.from_address.rpartition("@")[2].lower()
    return domain if domain.isascii() else domain.encode("idna").decode("ascii")


def organisation(domain: str) -> str:
    """The domain above a subdomain; without the public suffix list, its last two labels."""
    return ".".join(domain.split(".")[-2:])


def is_aligned(one: str, other: str) -> bool:
    """As DMARC's relaxed alignment has it."""
    return organisation(one.lower()) == organisation(other.lower())


def public_key(private: Path) -> str:
    """The `p=` of a private key in PEM."""
    return str(_loaded(private)[1])


def record_for(private: Path) -> str:
    kind, public = _loaded(private)
    return f"v=DKIM1; k={kind}; p={public}"


def _loaded(private: Path) -> tuple[str, str]:
    try:
        from cryptography.hazmat.primitives import serialization as form

        key: Any = form.load_pem_private_key(private.read_bytes(), password=None)
    except (ImportError, OSError, ValueError, TypeError) as error:
        raise ConfigError("delivery.dkim", [f"private_key cannot be read: {error}"]) from error
    public = key.public_key()
    try:
        raw = public.public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)  # Ed25519, RFC 8463
        return "ed25519", base64.b64encode(raw).decode()
    except ValueError:
        der = public.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
        return "rsa", base64.b64encode(der).decode()


def _addresses(resolver: Resolver, host: str) -> list[Address]:
    try:
        return [ip_address(host)]
    except ValueError:
        return [] if host.startswith("/") or "." not in host else resolver.addresses(host)


def _is_dmarc(text: str) -> bool:
    return text.replace(" ", "").lower().startswith("v=dmarc1")


def _policy(place: str, tags: dict[str, str]) -> Finding:
    policy = tags.get("p", "").lower()
    if policy not in ("none", "quarantine", "reject"):
        return fault("DMARC", f"_dmarc.{place} has no p= that anybody knows.", "p=none, at least.")
    if policy == "none" and "rua" not in tags:
        mend = "Add rua=mailto:… to hear of failures, and later p=quarantine."
        return note("DMARC", f"{place} only says p=none and asks for no reports.", mend)
    return ok("DMARC", f"{place} says p={policy}.")


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";") if "=" in part)
    return {name.strip().lower(): "".join(value.split()) for name, _, value in pairs}
