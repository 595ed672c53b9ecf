"""A hub for a class on one machine: ``XCRYSTAL_CLASS_PASSWORD=... jupyterhub --config jupyterhub_config.py``.

Students choose a name, and all have the one password. Nobody needs an account of the machine, and the hub need not be
root's: all kernels are of whoever starts it, so students are kept apart by manners only. For students who are not to
be trusted with each other's files, and for a network that is not: docs/teaching/hub.md.
"""

import os
import sys
from pathlib import Path

from xcrystal.kernels.provisioner import environment

c = get_config()  # noqa: F821  (JupyterHub's)
FOLDER = Path.cwd()  # notebooks of students, the socket, and what the hub remembers
SOCKET = FOLDER / "kernels.sock"

c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.authenticator_class = "shared-password"
PASSWORD = os.environ.get("XCRYSTAL_CLASS_PASSWORD", "")
if len(PASSWORD) < 8:
    raise SystemExit("Set XCRYSTAL_CLASS_PASSWORD to a password of 8 characters or more.")
c.SharedPasswordAuthenticator.user_password = PASSWORD
c.Authenticator.allow_all = True

# each student: a folder, and a JupyterLab that ends after an hour of nothing, its kernels after half an hour
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(FOLDER / "students" / "{username}")
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = [
    "--ServerApp.shutdown_no_activity_timeout=3600",
    "--MappingKernelManager.cull_idle_timeout=1800",
    "--MappingKernelManager.cull_interval=60",
    "--ServerApp.jpserver_extensions={'voila.server_extension': False, 'notebook': False, 'jupyter_lsp': False}",
]
if os.geteuid() == 0:
    c.Spawner.args.append("--allow-root")  # all that students run is then root's: better not
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = c.Spawner.http_timeout = 180  # when thirty start at once, the last one waits

# one process forks all kernels, so that they share the libraries, the weights and the atlas
SMALL = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "MALLOC_ARENA_MAX": "1"}
SMALL["MALLOC_TRIM_THRESHOLD_"] = "131072"  # bytes; what work needed for a moment is given back
c.Spawner.environment = {**SMALL, **environment(SOCKET)}
c.JupyterHub.services = [
    {
        "name": "kernels",
        "command": [sys.executable, "-m", "xcrystal", "fork-server", str(SOCKET), "--memory", "1500"],
        "environment": SMALL,
    }
]
