"""The configuration: `load` finds it, checks all of it at once, and gives frozen `Settings`.

    file (TOML)  <  secrets directory  <  environment (DIGEST_SECTION__KEY)

Models live in `sections` and `sources`; what they cannot say in a type, in `kinds`. Nothing here
opens a database or a connection.
"""

from digest.config.kinds import WEEKDAYS, normal_address
from digest.config.loading import find, load
from digest.config.post import SmtpAccount, SmtpSection
from digest.config.settings import Settings
from digest.config.sources import (
    AnySource,
    ArxivConfig,
    BiorxivConfig,
    FeedConfig,
    HuggingFaceConfig,
    MedrxivConfig,
    PubmedConfig,
)

__all__ = [
    "WEEKDAYS",
    "AnySource",
    "ArxivConfig",
    "BiorxivConfig",
    "FeedConfig",
    "HuggingFaceConfig",
    "MedrxivConfig",
    "PubmedConfig",
    "Settings",
    "SmtpAccount",
    "SmtpSection",
    "find",
    "load",
    "normal_address",
]
