"""What holds for every test: shapes are checked, and uploads of one session of tests are no other session's."""

from collections.abc import Iterator

import pytest
from jaxtyping import install_import_hook

import tests.shapechecker  # noqa: F401 - the hook finds it as an attribute

install_import_hook(["adjointdeis"], "tests.shapechecker.check")


@pytest.fixture(scope="session", autouse=True)
def files_of_this_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Gradio names files by their content: two sessions in its usual folder would delete each other's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield
