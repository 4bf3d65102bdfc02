import logging

import pytest
import torch

from studio.messages import UserError, explain


def test_a_users_mistake_is_said_as_it_is() -> None:
    assert explain(UserError("Choose an image.")) == "Choose an image."


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")])
def test_out_of_memory_says_what_to_do(error: BaseException) -> None:
    assert "fewer sampling steps" in explain(error)


def test_a_loss_that_is_not_finite_says_what_to_do() -> None:
    assert "learning rate" in explain(FloatingPointError("The loss is not finite: [nan]."))


def test_anything_else_shows_a_number_that_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        sentence = explain(RuntimeError("/home/somebody/secret.py failed"))
    assert "secret" not in sentence
    incident = sentence.split("incident ")[1].split(")")[0]
    assert incident in caplog.text
    assert "secret.py failed" in caplog.text
