"""What holds for every test: shapes are checked, uploads of one session of tests are no other session's, and a browser
test that fails is tried once more.
"""

from collections.abc import Iterator

import jaxtyping
import pytest

import tests.shapechecker

jaxtyping.jaxtyped = tests.shapechecker.jaxtyped
jaxtyping.install_import_hook(["adjointdeis"], "tests.shapechecker.check")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser, a server and the tests of another process share two cores: now and then an answer is lost on the way.
    What is wrong fails twice; the summary names every test that needed its second try.
    """
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session", autouse=True)
def files_of_this_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Gradio names files by their content: two sessions in its usual folder would delete each other's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield
