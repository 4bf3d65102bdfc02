"""Rows as the benchmarks write them."""

from benchmarks.morphing.plan import ODE, every_method


def edit_row(method, strength, confirmed, changed=1, face=0):
    return {
        "way": method.name,
        "strength": strength,
        "face": face,
        "confirmed": confirmed,
        "changed": changed,
        "kept": True,
        "noisiness": 1.0,
        "loss_before": 0.8,
        "loss_after": 0.5,
        "calls": 400,
        "seconds": 2.0,
    }


def morph_row(pair, convolutional=0.1, transformer=0.1, method=ODE, **more):
    made = every_method()[method]
    margins = {"identity": [0.1, 0.2], "convolutional": [0.2, convolutional], "transformer": [transformer, 0.2]}
    return {
        "method": method,
        "key": made.key,
        "pair": pair,
        "margins": margins,
        "source_margins": margins,
        "calls": 2020,
        "encoding_calls": 500,
        "seconds": 2.0,
        "encoding_seconds": 0.5,
        "strangeness": 1.1,
        "noisiness": 0.9,
        "curve": [[20, 1.0, 0.1, -0.1, -0.1], [60, 0.5, 0.1, 0.1, -0.1], [100, 0.7, 0.1, 0.1, 0.1]],
        **more,
    }
