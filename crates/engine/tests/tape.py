"""A recording of what an MCP server and its client say to each other over pipes.

    tape.py record FILE COMMAND ARGUMENT...   runs the server, and writes down every line of both
    tape.py play FILE                         is the server, as far as the recording goes

A line of FILE is one line that was said, byte for byte: behind `> ` the client's, behind `< ` the server's.
Playing needs nothing but the standard library.
"""

import json
import subprocess
import sys
import threading

# Of what a client asks: who it is, and what it numbers. Neither changes the answer.
NOT_ASKED = {"_meta", "clientInfo"}


def record(path, command):
    """Passes lines on, in both directions, until the server is done."""
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with open(path, "wb") as tape:
        lock = threading.Lock()

        def keep(mark, line):
            with lock:
                tape.write(mark + line)
                tape.flush()

        def listen():
            for line in sys.stdin.buffer:
                keep(b"> ", line)
                server.stdin.write(line)
                server.stdin.flush()
            server.stdin.close()

        # It may wait for a line that never comes: it ends with the process.
        threading.Thread(target=listen, daemon=True).start()
        for line in server.stdout:
            keep(b"< ", line)
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        return server.wait()


def asked(message):
    """What makes two requests the same: the method and the parameters."""
    params = {key: value for key, value in message.get("params", {}).items() if key not in NOT_ASKED}
    return json.dumps([message["method"], params], sort_keys=True)


def told(path):
    """What the server said after each thing that was asked: a list for each time that it was asked."""
    times, requests, last = {}, {}, []
    with open(path, encoding="utf-8") as tape:
        for line in tape:
            mark, message = line[:2], json.loads(line[2:])
            if mark == "> " and "method" in message:
                last = []
                times.setdefault(asked(message), []).append(last)
                requests[message.get("id")] = last
            elif mark == "< " and "method" not in message:
                last = requests[message["id"]]
                last.append(message)
            elif mark == "< ":
                # What the server says by itself comes after what came before it.
                last.append(message)
    return times


def play(path):
    """Answers what was asked in the recording as it was answered there, and nothing else."""
    times = told(path)
    for line in sys.stdin:
        message = json.loads(line)
        if "method" not in message:
            continue
        answers = times.get(asked(message))
        if answers:
            # What is asked more often than it was recorded has the last answer again.
            said = answers.pop(0) if len(answers) > 1 else answers[0]
        elif "id" in message:
            error = {"code": -32601, "message": f"not in the recording: {asked(message)}"}
            said = [{"jsonrpc": "2.0", "id": None, "error": error}]
        else:
            said = []
        for one in said:
            answer = one if "method" in one else {**one, "id": message.get("id")}
            print(json.dumps(answer, ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdin.reconfigure(encoding="utf-8")
    what, file, *rest = sys.argv[1:]
    sys.exit(record(file, rest) if what == "record" else play(file))
