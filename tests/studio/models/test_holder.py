import gc
import weakref
from threading import Event, Thread

import pytest
import torch

from studio.core.errors import UserError
from studio.models.holder import Holder, unloaded
from studio.models.interface import Model
from tests.stub import SIZE, stub


@pytest.mark.slow
def test_a_model_is_loaded_once_and_freed_before_the_next() -> None:
    alive: list[weakref.ref[Model]] = []

    def load(name: str) -> Model:
        assert all(ref() is None for ref in alive), "two models at once"
        model = stub()
        model.network.itself = [model]  # a reference cycle, which only the garbage collector frees
        alive.append(weakref.ref(model))
        return model

    holder = Holder(load)
    assert holder.get("a") is holder.get("a")
    assert len(alive) == 1
    holder.get("b")
    holder.free()
    gc.collect()
    assert [ref() for ref in alive] == [None, None]


@pytest.mark.slow
def test_after_a_failure_no_model_is_held_and_the_next_try_works() -> None:
    tries = []

    def load(name: str) -> Model:
        tries.append(name)
        if len(tries) == 2:
            raise FileNotFoundError(name)
        return stub()

    holder = Holder(load)
    holder.get("a")
    with pytest.raises(FileNotFoundError):
        holder.get("b")
    holder.get("a")
    assert tries == ["a", "b", "a"]


def test_a_second_thread_waits_for_the_model() -> None:
    began, go = Event(), Event()

    def load(name: str) -> Model:
        began.set()
        assert go.wait(5)
        return stub()

    holder, found = Holder(load), []
    threads = [Thread(target=lambda: found.append(holder.get("a"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert began.wait(5)
    assert not found
    go.set()
    for thread in threads:
        thread.join(5)
    assert found[0] is found[1]


def test_an_unloaded_model_has_its_name_and_refuses_work() -> None:
    model = unloaded(stub())
    assert (model.name, model.size) == ("stub", SIZE)
    for work in (model.encode, model.encode_latents, model.decode_latents, lambda _: model.scheduler()):
        with pytest.raises(UserError, match="Another model is being loaded: try again in a minute"):
            work(torch.zeros(1, 3, SIZE, SIZE))
