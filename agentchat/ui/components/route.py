"""What the browser knows before the server: the address, and whether the connection stands."""

from __future__ import annotations

import reflex as rx
from reflex.vars import VarData
from reflex_components_core.core.banner import has_connection_errors

route_thread: rx.Var[str] = rx.Var(
    "routeThread",
    _var_type=str,
    _var_data=VarData(
        imports={"react-router": [rx.ImportVar("useParams")]},
        hooks={'const routeThread = useParams().thread_id ?? ""': None},
    ),
).guess_type()
"""The thread of the address, empty on the page of a new one."""

disconnected: rx.Var[bool] = has_connection_errors
"""Whether the last attempt to reach the server failed."""
