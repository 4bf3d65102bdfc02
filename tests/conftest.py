"""Shape checking is switched on for the tests, and only for them."""

from jaxtyping import install_import_hook

import tests.shapechecker  # noqa: F401 - the hook finds it as an attribute

install_import_hook(["adjointdeis"], "tests.shapechecker.check")
