"""The theme of the page: neutral colours, so that the images stand out; details are in the CSS.

Every text has WCAG AA contrast in light and dark; the tests measure it.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

CSS = Path(__file__).resolve().parents[2] / "assets" / "studio" / "studio.css"

# inside the page, so that a browser asks for no separate icon, which it does at the root of the server
ICON = (
    "<link rel='icon' href='data:image/svg+xml,<svg xmlns=%22http://www.w3.org/2000/svg%22 viewBox=%220 0 16 16%22>"
    "<path d=%22M1 13C5 13 6 3 15 3%22 stroke=%22%230f766e%22 stroke-width=%223%22 fill=%22none%22/></svg>'>"
)

# warm greys, from light to dark
PAPER = gr.themes.Color(
    c50="#fbfaf8",
    c100="#f4f2ee",
    c200="#e6e3dc",
    c300="#d2cec5",
    c400="#a29d92",
    c500="#78736a",
    c600="#575349",
    c700="#3e3b34",
    c800="#282622",
    c900="#1b1a17",
    c950="#121110",
    name="paper",
)
ACCENT = gr.themes.colors.teal


def theme() -> gr.themes.Base:
    """Thin borders, dark buttons, and one accent colour for moving parts."""
    return gr.themes.Base(
        primary_hue=ACCENT,
        neutral_hue=PAPER,
        radius_size=gr.themes.sizes.radius_md,
        spacing_size=gr.themes.sizes.spacing_sm,
        # system fonts: nothing is downloaded
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_100",
        background_fill_secondary_dark="*neutral_800",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_700",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_shadow="none",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_background_fill="white",
        block_label_background_fill_dark="*neutral_900",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_title_text_weight="500",
        input_background_fill="*neutral_50",
        input_background_fill_dark="*neutral_800",
        input_border_width="1px",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*neutral_900",
        button_primary_background_fill_hover="*neutral_700",
        button_primary_background_fill_dark="*neutral_50",
        button_primary_background_fill_hover_dark="*neutral_200",
        button_primary_text_color="white",
        button_primary_text_color_dark="*neutral_950",
        button_secondary_background_fill="*neutral_100",
        button_secondary_background_fill_hover="*neutral_200",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_text_color="*neutral_800",
        button_secondary_text_color_dark="*neutral_100",
        button_primary_border_color="*neutral_900",
        button_primary_border_color_dark="*neutral_50",
        button_cancel_background_fill="#b42318",
        button_cancel_background_fill_hover="#912018",
        button_cancel_background_fill_dark="#b42318",
        button_cancel_background_fill_hover_dark="#912018",
        button_cancel_text_color="white",
        button_transition="background 0.15s",
        slider_color="*primary_700",
        slider_color_dark="*primary_400",
        checkbox_background_color_selected="*primary_700",
        checkbox_background_color_selected_dark="*primary_600",
        checkbox_border_color_selected="*primary_700",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_dark="transparent",
        checkbox_label_background_fill_selected="*neutral_100",
        checkbox_label_background_fill_selected_dark="*neutral_800",
        checkbox_label_text_color="*neutral_800",
        checkbox_label_text_color_dark="*neutral_100",
        checkbox_label_border_width="0px",
        checkbox_label_border_width_dark="0px",
        checkbox_label_border_color="transparent",
        checkbox_label_border_color_dark="transparent",
        color_accent="*primary_700",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )
