"""The joiner: the same mail as `message.compose_mail`, without templates and standard library.

    papers' cards (stock) + frame's skeleton + one subscriber's words and tokens -> join -> bytes

Everything is drawn by the templates and encoded once; a subscriber costs look-ups and one join.
The bytes decode to exactly what the plain renderer gives. Before it is trusted with an operator's
templates, a joiner composes a trial mail both ways; should the two differ, it composes by the plain
way ever after and says so in `plain_because`.
"""

from __future__ import annotations

from digest.errors import TemplateFault
from digest.model import Channel, Message, Site
from digest.rendering.email import SIZE_BUDGET
from digest.rendering.environment import Templates
from digest.rendering.language import speak
from digest.rendering.message import (
    Letter,
    Letterhead,
    compose_mail,
)
from digest.rendering.press import Press, Set
from digest.rendering.trial import difference, trial_letter
from digest.rendering.wireframe import HEAD


class Joiner:
    """Composes mails for one site by joining; a worker keeps one as long as it runs.

    `join` gives the Message that `compose_mail` would give, and raises what that raises.
    """

    def __init__(self, site: Site, templates: Templates, *, budget: int = SIZE_BUDGET) -> None:
        self._site = site
        self._templates = templates
        self._budget = budget
        self._presses: dict[str, Press] = {}
        self._letterhead = Letterhead(site)
        self.plain_because = ""  #: why this joiner composes the plain way; empty when it joins
        self.plain_because = self._trial()

    def join(self, letter: Letter, *, channel: Channel = Channel.SMTP) -> Message:
        """The mail; composed the plain way where the templates cannot be joined."""
        set = None if self.plain_because else self.set(letter)
        if set is None:
            return self._plain(letter, channel)
        sealed = self._letterhead.sealed
        return sealed(letter, *set, head=HEAD, channel=channel, is_sound=True)

    def set(self, letter: Letter) -> Set | None:
        """The mail's subject, and all its pieces but the header.

        None where the templates cannot be joined.
        """
        code = letter.subscriber.language
        press = self._presses.get(code) or self._press(code)
        return press.set(letter, self._budget)

    def _press(self, code: str) -> Press:
        language = speak(code)
        press = self._presses.get(language.code)
        if press is None:
            press = Press(self._templates, language, self._site)
            self._presses[language.code] = press
        return press

    def _plain(self, letter: Letter, channel: Channel) -> Message:
        return compose_mail(
            letter, self._site, templates=self._templates, channel=channel, budget=self._budget
        )

    def _trial(self) -> str:
        """Why not to join; raises TemplateFault where not even the plain way gives a mail."""
        letter = trial_letter()
        plain = self._plain(letter, Channel.SMTP)
        try:
            if self.set(letter) is None:
                return "the templates cannot be joined: cards differ by their place"
            joined = self.join(letter)
        except TemplateFault as fault:  # of a card that no reader gets: one with empty parts
            return f"the templates cannot be joined: {fault}"
        part = difference(plain.payload, joined.payload)
        return f"the templates cannot be joined: {part} would differ" if part else ""
