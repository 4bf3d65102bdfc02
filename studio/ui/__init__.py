"""The page: tabs, components, markup, theme.

May import `studio.core` to `studio.api`.
"""
