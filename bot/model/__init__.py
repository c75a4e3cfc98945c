"""The values of the project, its errors, and the protocols that have more than one implementation.

Everything here is used as ``model.X``. Nothing here does I/O or reads a clock.

    articles, stories      what is reported, and which reports are about one event
    rules, settings        what to look for, and how the bot is set up
    alerts, messages       what is decided for a channel, and what is posted there
    actions                what people do: judge, claim, silence, split, merge
    feeds, fetching        a feed, its state, and how a document is fetched and parsed
    access                 what requests carry besides an address; references to secrets
    archive                queries to the store, and their results
    channels               where messages are posted, and where people answer
    language_models        prompts, answers, and vectors of meaning
    errors                 the tree of expected failures
    visible                what may be shown of a stranger's text
"""

from bot.model.access import *
from bot.model.actions import *
from bot.model.alerts import *
from bot.model.archive import *
from bot.model.channels import *
from bot.model.durations import *
from bot.model.errors import *
from bot.model.feeds import *
from bot.model.fetching import *
from bot.model.language_models import *
from bot.model.ledger import *
from bot.model.messages import *
from bot.model.rules import *
from bot.model.settings import *
from bot.model.stories import *
