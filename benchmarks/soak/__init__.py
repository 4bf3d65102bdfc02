"""A long day with many visitors, in minutes: does the studio lose, mix up, leak or overlap anything?

Reading order: serving (the app under test, in a process of its own, with a meter on its device), visitor (one person's
page as the HTTP that their browser would send), day (what one of them does, by chance), report (figures and verdicts).
"""
