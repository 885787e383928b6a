"""serve.py MODEL PORT CTX PARALLEL ALIAS [TEMPLATE]: llama.cpp's own HTTP server, on loopback."""

import os
import signal
import sys

# Threads that wait at a barrier sleep: spinning makes a shared machine a hundred times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import xllamacpp  # noqa: E402

model, port, ctx, parallel, alias, *template = sys.argv[1:]
params = xllamacpp.CommonParams()
params.model.path = model
params.hostnames = ["127.0.0.1"]
params.port = int(port)
params.n_ctx = int(ctx)
params.n_parallel = int(parallel)
params.model_alias = {alias}
# What a request does not say. Small models ramble at the usual temperature, until their context is full.
params.sampling.temp = 0.2
params.sampling.top_p = 0.9
params.n_predict = 512
for path in template:
    with open(path) as file:
        params.chat_template = file.read()
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = os.cpu_count() or 1
params.endpoint_slots = True
params.ui = False
params.offline = True
server = xllamacpp.Server(params)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
while True:
    signal.pause()
