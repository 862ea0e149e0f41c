"""What comes back: refusals, delivery reports, complaints and unsubscribes by mail.

    SMTP replies | bounce mailbox | provider webhooks -> events -> judge -> suspend, suppress, keep

Events are rows, written once each; the policy reads a reader's events and decides; the verdict is
carried out by `digest.subscriptions` and can be seen there with its reason. Nothing here sends or
answers mail. Whom an event concerns is told by a signed token and by nothing else.
"""

from digest.bounces.hearing import Heard, Hearing
from digest.bounces.policy import Action, Verdict, judge
from digest.bounces.webhooks import Received, Webhooks

__all__ = ["Action", "Heard", "Hearing", "Received", "Verdict", "Webhooks", "judge"]
