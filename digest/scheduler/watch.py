"""The look-out: looks at the figures and tells the operator, each cause at most once an hour.

What was told is a mark in the database, so two schedulers tell it once. An alert that cannot be
mailed (the mail may be what is broken) is in the log and in the metrics all the same.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from digest.alerts import Alert, look
from digest.errors import DeliveryFault
from digest.notices import send_notice
from digest.store.marks import MarkStore
from digest.wiring import App

log = logging.getLogger(__name__)

LOOK_EVERY: Final = timedelta(minutes=5)
TELL_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LookOut:
    """Tells what is wrong with one installation. The first look waits until a start has settled."""

    app: App
    since: datetime

    def look(self) -> datetime | None:
        now = self.app.clock()
        if now - self.since >= LOOK_EVERY or now < self.since:
            for alert in look(self.app.database, self.app.settings, now):
                self._tell(alert, now)
        return now + LOOK_EVERY

    def _tell(self, alert: Alert, now: datetime) -> None:
        if not MarkStore(self.app.database).take(f"alert/{alert.cause}", now, every=TELL_EVERY):
            return
        log.error("%s", alert.text, extra={"action": "alert", "cause": alert.cause})
        if not self.app.settings.monitoring.alerts:
            return
        subject = f"{self.app.site.name}: {alert.subject}"
        try:
            send_notice(self.app, self.app.site.operator_email, subject, alert.text)
        except DeliveryFault as fault:
            log.error("The alert could not be mailed: %s", fault, extra={"action": "alert_lost"})
