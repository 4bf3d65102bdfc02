"""The demo below its page: what a person may ask for, one run of it, what is shown and what is saved.

Reading order: settings -> presets -> messages -> pictures -> model -> watch -> objective -> events -> run ->
stream -> stops -> record; then the page (`page*.py`, the only files here that import Gradio).
"""
