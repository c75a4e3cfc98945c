"""What holds for every suite: in CI the generated examples are the same in every run, elsewhere they are new ones."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadline: a busy machine is no fault of the code.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("anywhere", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "anywhere")
