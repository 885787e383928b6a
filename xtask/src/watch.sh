# watch.sh OWNER STATE LOG PROGRAM ARGUMENT...: runs the program. When the process OWNER is gone, it
# ends the program and takes the files STATE and LOG away. An empty OWNER is nobody.
owner=$1 state=$2 log=$3
shift 3
"$@" &
server=$!
trap 'kill "$server" 2>/dev/null' TERM INT
runs() { kill -0 "$1" 2>/dev/null; }
if [ -n "$owner" ]; then
    while runs "$owner" && runs "$server"; do sleep 1; done
    if runs "$server"; then
        rm -f "$state" "$log"
        kill "$server" 2>/dev/null
        for _ in 1 2 3 4 5; do runs "$server" && sleep 1; done
        runs "$server" && kill -KILL "$server" 2>/dev/null
    fi
fi
wait "$server"
code=$?
# A signal ends `wait` before it ends the server.
while runs "$server"; do
    wait "$server"
    code=$?
done
exit "$code"
