"""The process that runs the embedded model: it serves one file on 127.0.0.1 in OpenAI's format.

Started by :class:`agentchat.llm.child.Sidecar`. The key comes in by the environment (arguments
can be read by every user of the machine), one line of JSON goes out by standard output, and
standard input is a pipe that nobody writes to: when it closes, the parent is gone, however it
ended, and this process ends too.

It is run by its path and imports nothing of agentchat, to be small and soon there.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import threading

KEY_VARIABLE = "AGENTCHAT_SIDECAR_KEY"
MODEL_NAME = "embedded"
"""What the model is called on the wire."""
CONTEXT_TOKENS = 4096
PROMPT_STEP = 256
"""Tokens of a prompt read in one go, between which a closed connection is noticed: it frees
the model within 2 s. With the library's own 2048 it took up to 20 s; reading is as fast."""
PROMPT_CACHE_MIB = 256
"""Memory for the prompts of other threads; the library's own default is 8192."""
TEMPERATURE = 0.2
"""Small models wander at the library's 0.8; the answers judged in tests used 0 to 0.2."""
NICENESS = 10
PING_EVERY = 10
"""Seconds; a sign of life in the stream while a long prompt is read (50 tokens a second)."""


def main() -> None:
    """The child. Serves until it is told to end or the parent is gone."""
    parser = argparse.ArgumentParser(prog="agentchat.llm.sidecar")
    parser.add_argument("--model", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    key = os.environ.pop(KEY_VARIABLE, "")
    if not key:
        parser.error(f"{KEY_VARIABLE} must hold the key that requests are to carry")
    os.nice(NICENESS)
    # Native code prints where it likes: from here on its standard output is standard error.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    parent_gone = threading.Thread(target=_end_with_parent, daemon=True)
    parent_gone.start()
    try:
        server, port = _serve(options.model, options.port, options.threads, key)
    except Exception as error:
        answer.write(json.dumps({"error": str(error)}) + "\n")
        answer.flush()
        sys.exit(1)
    answer.write(json.dumps({"port": port}) + "\n")
    answer.close()
    parent_gone.join()
    del server


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    # Not sys.exit: nothing here needs an orderly end, and native threads may be busy.
    os._exit(0)


def _serve(model: str, port: int, threads: int, key: str) -> tuple[object, int]:
    # By name: the library has no types, and only this process may load it.
    xllamacpp = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {MODEL_NAME}
    params.n_ctx = CONTEXT_TOKENS
    params.n_batch = PROMPT_STEP
    params.n_parallel = 1
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.sampling.temp = TEMPERATURE
    params.port = port
    params.api_keys = [key]
    params.ui = False
    params.endpoint_slots = False
    params.sse_ping_interval = PING_EVERY
    params.verbosity = 0
    server = xllamacpp.Server(params)
    return server, int(server.listening_address.rpartition(":")[2])


if __name__ == "__main__":
    main()
