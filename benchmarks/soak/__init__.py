"""A soak test of the web app: are results lost or mixed up, does memory leak, do runs overlap on the device?

Reading order: served_app (the app in its own process, with a meter on its network), page_client (the HTTP requests of a
browser page), users (simulated users), report (results and rules).
"""
