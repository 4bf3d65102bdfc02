"""How the page looks: a quiet theme whose text keeps WCAG contrast in light and dark; details are in the CSS."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

CSS = Path(__file__).resolve().parent.parent / "assets" / "studio" / "studio.css"


def theme() -> gr.themes.Base:
    """Gradio's default theme with its greys darkened until small text passes 4.5:1."""
    return gr.themes.Default(
        primary_hue="indigo",
        neutral_hue="slate",
        # system fonts: nothing is fetched, and the page never waits for one
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_title_text_color="*neutral_800",
        input_placeholder_color="*neutral_500",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_600",
        button_cancel_background_fill="#b91c1c",
        button_cancel_background_fill_hover="#991b1b",
    )
