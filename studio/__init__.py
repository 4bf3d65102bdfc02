"""The demo below its page: what a person may ask for, one run of it, what is shown and what is saved.

Reading order: settings -> presets -> messages -> crop -> pictures -> model -> memory -> watch -> trajectory ->
objective -> events -> track -> pace -> run -> line -> stream -> stops -> shared; what is kept of a run: record -> saves
-> recordings -> visit -> links; then the page (`page*.py` and `*_tab.py`, which import Gradio).
"""
