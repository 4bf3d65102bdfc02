"""What holds for every test: shapes are checked, uploads of one module are no other module's, a browser test
that fails is tried once more, and files with slow tests begin first.
"""

import functools
import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import httpx._transports.default
import jaxtyping
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

import tests.shapechecker

jaxtyping.jaxtyped = tests.shapechecker.jaxtyped
jaxtyping.install_import_hook(["adjointdeis"], "tests.shapechecker.check")


# every client, and every call without one, would read all certificates again, for 50 ms
httpx._transports.default.create_ssl_context = functools.cache(httpx.create_ssl_context)

gc.disable()  # until everything is imported


class Scheduling(LoadScopeScheduling):
    """One worker has all tests in a browser, because a browser and the apps in front of it take a while to start; of
    the others each has whole files.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "tests/browser" if file.startswith("tests/browser/") else file


@pytest.hookimpl(optionalhook=True)  # also without the plug-in
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """How the tests are shared among workers."""
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser, a server and the tests of another process share two cores: now and then an answer is lost on the way.
    What is wrong fails twice; the summary names every test that needed its second try.

    The files that take longest come first, so that no worker is left with one of them at the end.
    """
    seconds: Counter[Path] = Counter()
    for item in items:
        browser = item.get_closest_marker("browser")
        seconds[item.path] += 8 if browser else 3 if item.get_closest_marker("slow") else 0
        if browser:
            item.add_marker(pytest.mark.flaky(reruns=1))
    items.sort(key=lambda item: (item.get_closest_marker("browser") is None, -seconds[item.path]))


def pytest_collection_finish() -> None:
    """What was imported stays: a collection of garbage, which some tests ask for, need not look through it."""
    gc.enable()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def freeze_garbage_collection() -> Iterator[None]:
    """What a module leaves, such as all that torch.compile keeps, is not looked through again: after thousands of tests
    a collection takes seconds, and everything that frees a model begins one.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def gradio_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A folder of its own for the pages of each module: Gradio names files by their content, and a page that is closed
    deletes its files, those of another page in the same folder among them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield
